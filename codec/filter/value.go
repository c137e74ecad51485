package filter

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/platform"
)

// Kind of a value, in the order in which values of different kinds are listed.
type Kind uint8

const (
	Null Kind = iota // also what is absent
	Number
	Text
	Map
	Array
	Bool
	Time
)

// Value is what an object says in one place. The zero Value is null.
type Value struct {
	kind Kind
	flag bool      // of a Bool
	text string    // of a Text, digits of a Number
	raw  []byte    // JSON of a Map or an Array
	time time.Time // of a Time
}

// TextValue is a text.
func TextValue(s string) Value { return Value{kind: Text, text: s} }

// IntValue is a number.
func IntValue(n int64) Value { return Value{kind: Number, text: strconv.FormatInt(n, 10)} }

// BoolValue is true or false.
func BoolValue(b bool) Value { return Value{kind: Bool, flag: b} }

// TimeValue is an instant, which a query writes as a text. It is told from
// others by the millisecond, as it is shown. The zero time is null.
func TimeValue(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{kind: Time, time: t.Truncate(time.Millisecond)}
}

// JSONValue is what raw says; raw is kept, and must not change. Bytes that are
// no JSON are null.
func JSONValue(raw []byte) Value {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Value{}
	}
	switch raw[0] {
	case '{':
		return Value{kind: Map, raw: raw}
	case '[':
		return Value{kind: Array, raw: raw}
	case '"':
		if text, ok := unquote(raw); ok {
			return TextValue(text)
		}
		return Value{}
	}
	switch text := string(raw); text {
	case "true":
		return BoolValue(true)
	case "false":
		return BoolValue(false)
	default:
		if _, ok := parseDecimal(text, nil); ok {
			return Value{kind: Number, text: text}
		}
	}
	return Value{}
}

// Kind is the kind of the value.
func (v Value) Kind() Kind { return v.kind }

// each calls test for the value at the rest of a path, for each where arrays
// lead to several, until one says true.
func (v Value) each(rest Path, test func(Value) bool) bool {
	if len(rest) == 0 {
		return test(v)
	}
	switch v.kind {
	case Map:
		if m := member(v.raw, rest[0]); m != nil {
			return JSONValue(m).each(rest[1:], test)
		}
	case Array:
		if n := place(rest[0]); n >= 0 {
			if e := element(v.raw, n); e != nil && JSONValue(e).each(rest[1:], test) {
				return true
			}
		}
		found := false
		items(v.raw, func(_, e []byte) bool {
			// An array in an array is led into by its place alone.
			if e := JSONValue(e); e.kind == Map {
				found = e.each(rest, test)
			}
			return !found
		})
		return found
	}
	return false
}

// Compare orders values of all kinds: by kind, then by what they say. Maps and
// arrays are all alike.
func (v Value) Compare(w Value) int {
	if v.kind != w.kind {
		return cmp.Compare(v.kind, w.kind)
	}
	switch v.kind {
	case Number:
		order, _ := compareNumbers(v.text, w.text)
		return order
	case Text:
		return strings.Compare(v.text, w.text)
	case Bool:
		return cmp.Compare(bit(v.flag), bit(w.flag))
	case Time:
		return v.time.Compare(w.time)
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// shown is the text of an instant, as the platform writes it.
func (v Value) shown() string { return string(platform.AppendTime(nil, v.time)) }
