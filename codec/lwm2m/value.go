package lwm2m

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Kind is a data type of OMA Core appendix C.
type Kind uint8

const (
	// KindNone is the type of an empty container and of an unknown resource.
	KindNone Kind = iota
	KindString
	KindInteger  // signed, 64 bits
	KindUnsigned // unsigned, 64 bits (1.1)
	KindFloat    // 64 bits
	KindBoolean
	KindOpaque
	KindTime // seconds since 1970-01-01T00:00:00Z, signed 64 bits
	KindObjlnk
	KindCorelnk // a link-format string (1.1)
)

var kindNames = [...]string{"None", "String", "Integer", "Unsigned Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk", "Corelnk"}

// String is the registry's name of the type.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// ParseKind reads the registry's name of a type; "" is KindNone.
func ParseKind(s string) (Kind, error) {
	if s == "" {
		return KindNone, nil
	}
	for i, name := range kindNames {
		if name == s {
			return Kind(i), nil
		}
	}
	return KindNone, fmt.Errorf("lwm2m: unknown data type %q", s)
}

// Value is one resource value. The zero Value is KindNone. Values are
// comparable with Equal; text and bytes are owned by the Value and immutable.
type Value struct {
	kind Kind
	num  uint64 // Integer, Unsigned, Time: two's complement; Float: IEEE 754; Boolean: 0, 1; Objlnk: object<<16 | instance
	text string // String, Corelnk, Opaque
}

// Objlnk is an object link; 65535:65535 is the null link.
type Objlnk struct{ Object, Instance uint16 }

func (l Objlnk) String() string { return fmt.Sprintf("%d:%d", l.Object, l.Instance) }

func String(s string) Value   { return Value{kind: KindString, text: s} }
func Integer(v int64) Value   { return Value{kind: KindInteger, num: uint64(v)} }
func Unsigned(v uint64) Value { return Value{kind: KindUnsigned, num: v} }
func Float(v float64) Value   { return Value{kind: KindFloat, num: math.Float64bits(v)} }
func Opaque(b []byte) Value   { return Value{kind: KindOpaque, text: string(b)} }
func Corelnk(s string) Value  { return Value{kind: KindCorelnk, text: s} }

// Boolean makes a Boolean value.
func Boolean(v bool) Value {
	if v {
		return Value{kind: KindBoolean, num: 1}
	}
	return Value{kind: KindBoolean}
}

// Time makes a Time value from seconds since the Unix epoch.
func Time(seconds int64) Value { return Value{kind: KindTime, num: uint64(seconds)} }

// Link makes an Objlnk value.
func Link(l Objlnk) Value {
	return Value{kind: KindObjlnk, num: uint64(l.Object)<<16 | uint64(l.Instance)}
}

// Kind tells which accessor holds the value.
func (v Value) Kind() Kind { return v.kind }

// Int is the value of an Integer or Time (seconds), 0 for other kinds.
func (v Value) Int() int64 {
	if v.kind == KindInteger || v.kind == KindTime {
		return int64(v.num)
	}
	return 0
}

// Uint is the value of an Unsigned.
func (v Value) Uint() uint64 {
	if v.kind == KindUnsigned {
		return v.num
	}
	return 0
}

// Float64 is the value of a Float.
func (v Value) Float64() float64 {
	if v.kind == KindFloat {
		return math.Float64frombits(v.num)
	}
	return 0
}

// Bool is the value of a Boolean.
func (v Value) Bool() bool { return v.kind == KindBoolean && v.num == 1 }

// Text is the value of a String or Corelnk, and the bytes of an Opaque.
func (v Value) Text() string { return v.text }

// Bytes is a copy of the bytes of an Opaque, String or Corelnk.
func (v Value) Bytes() []byte { return []byte(v.text) }

// Link is the value of an Objlnk.
func (v Value) Link() Objlnk { return Objlnk{uint16(v.num >> 16), uint16(v.num)} }

// Equal compares kind and value; a NaN equals itself bit for bit.
func (v Value) Equal(w Value) bool { return v == w }

// String is the value as the shell prints it: numbers in decimal, Boolean as
// true or false, Time in RFC 3339 UTC, Opaque in lower-case hex, Objlnk as 3:0.
func (v Value) String() string {
	switch v.kind {
	case KindString, KindCorelnk:
		return v.text
	case KindInteger:
		return strconv.FormatInt(int64(v.num), 10)
	case KindUnsigned:
		return strconv.FormatUint(v.num, 10)
	case KindFloat:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case KindBoolean:
		return strconv.FormatBool(v.num == 1)
	case KindOpaque:
		return hex.EncodeToString([]byte(v.text))
	case KindTime:
		return formatTime(int64(v.num))
	case KindObjlnk:
		return v.Link().String()
	}
	return ""
}

// formatTime prints RFC 3339 where the year has four digits, seconds elsewhere.
func formatTime(sec int64) string {
	const minRFC3339, maxRFC3339 = -62167219200, 253402300799 // years 0000 and 9999
	if sec < minRFC3339 || sec > maxRFC3339 {
		return strconv.FormatInt(sec, 10)
	}
	return time.Unix(sec, 0).UTC().Format(time.RFC3339)
}
