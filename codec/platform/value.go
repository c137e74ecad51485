package platform

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/lwm2m"
)

// LastValue is what a device last said at one resource or resource instance.
type LastValue struct {
	Path   lwm2m.Path
	Value  lwm2m.Value
	Time   time.Time // when it was received
	Device time.Time // the device's own stamp, zero where it gave none
}

// ValuesPath is where the last values of a device are found.
func ValuesPath(device string) string { return "/service/lwm2m-agent/devices/" + device + "/values" }

// AppendLastValue appends {"path","type","value","time","deviceTime"}.
func AppendLastValue(dst []byte, v *LastValue) []byte {
	o := newObject(dst)
	o.text("path", v.Path.String())
	o.text("type", v.Value.Kind().String())
	o.name("value")
	o.buf = AppendValue(o.buf, v.Value)
	o.time("time", v.Time)
	o.time("deviceTime", v.Device)
	return o.close()
}

// AppendValue appends a value as JSON: numbers with all their digits, Boolean
// as such, an empty container as null, and all else as the text that the shell
// prints, which is also how a Float beyond JSON (NaN, infinities) appears.
func AppendValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.KindNone:
		return append(dst, "null"...)
	case lwm2m.KindInteger, lwm2m.KindUnsigned, lwm2m.KindBoolean:
		return append(dst, v.String()...)
	case lwm2m.KindFloat:
		if f := v.Float64(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(dst, f, 'g', -1, 64)
		}
	}
	return appendText(dst, v.String())
}

// ParseLastValue reads what AppendLastValue wrote, as a client does. A String
// that was not UTF-8 comes back with U+FFFD.
func ParseLastValue(body []byte) (v LastValue, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return v, err
	}
	r := reader{fragments: f}
	path, kind := r.text("path"), r.text("type")
	v.Time, v.Device = r.time("time"), r.time("deviceTime")
	if r.err != nil {
		return LastValue{}, r.err
	}
	if v.Path, err = lwm2m.ParsePath(path); err != nil {
		return LastValue{}, fmt.Errorf("%w: path %q: %w", ErrShape, path, err)
	}
	k, err := lwm2m.ParseKind(kind)
	if kind == lwm2m.KindNone.String() {
		k, err = lwm2m.KindNone, nil
	}
	if err != nil {
		return LastValue{}, fmt.Errorf("%w: %w", ErrShape, err)
	}
	if v.Value, err = parseValue(f.Get("value"), k); err != nil {
		return LastValue{}, err
	}
	return v, nil
}

// parseValue reads what AppendValue wrote for a value of that kind.
func parseValue(raw json.RawMessage, k lwm2m.Kind) (lwm2m.Value, error) {
	if raw == nil || isNull(raw) != (k == lwm2m.KindNone) {
		return lwm2m.Value{}, fmt.Errorf("%w: %s is no %s", ErrShape, raw, k)
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return lwm2m.Value{}, fmt.Errorf("%w: %w", ErrShape, err)
		}
	}
	v, err := valueOf(text, k)
	if err != nil {
		return lwm2m.Value{}, fmt.Errorf("%w: %q is no %s", ErrShape, text, k)
	}
	return v, nil
}

// valueOf reads what Value.String printed.
func valueOf(text string, k lwm2m.Kind) (lwm2m.Value, error) {
	switch k {
	case lwm2m.KindString:
		return lwm2m.String(text), nil
	case lwm2m.KindCorelnk:
		return lwm2m.Corelnk(text), nil
	case lwm2m.KindInteger:
		v, err := strconv.ParseInt(text, 10, 64)
		return lwm2m.Integer(v), err
	case lwm2m.KindUnsigned:
		v, err := strconv.ParseUint(text, 10, 64)
		return lwm2m.Unsigned(v), err
	case lwm2m.KindFloat:
		v, err := strconv.ParseFloat(text, 64)
		return lwm2m.Float(v), err
	case lwm2m.KindBoolean:
		v, err := strconv.ParseBool(text)
		return lwm2m.Boolean(v), err
	case lwm2m.KindOpaque:
		v, err := hex.DecodeString(text)
		return lwm2m.Opaque(v), err
	case lwm2m.KindTime:
		return parseSeconds(text)
	case lwm2m.KindObjlnk:
		return parseObjlnk(text)
	}
	return lwm2m.Value{}, nil
}

// parseSeconds reads RFC 3339, or seconds for years of more than four digits.
func parseSeconds(text string) (lwm2m.Value, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return lwm2m.Time(t.Unix()), nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return lwm2m.Time(v), err
}

func parseObjlnk(text string) (lwm2m.Value, error) {
	object, instance, _ := strings.Cut(text, ":")
	o, err := strconv.ParseUint(object, 10, 16)
	if err != nil {
		return lwm2m.Value{}, err
	}
	i, err := strconv.ParseUint(instance, 10, 16)
	return lwm2m.Link(lwm2m.Objlnk{Object: uint16(o), Instance: uint16(i)}), err
}
