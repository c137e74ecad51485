package lwm2m

import (
	"fmt"
	"math"
)

// As converts v to the data type that the object model gives a resource, as
// far as nothing is lost: devices send Integer values as CBOR floats, Float
// values as integers, Time as integers, and untyped formats send strings.
// KindNone as the target means "type unknown" and keeps v. An impossible
// conversion is an error; 64-bit integers never pass through a float.
func (v Value) As(want Kind) (Value, error) {
	if v.kind == want || want == KindNone || v.kind == KindNone {
		return v, nil
	}
	if out, ok := v.convert(want); ok {
		return out, nil
	}
	return v, fmt.Errorf("lwm2m: %s value %q is no %s", v.kind, v.String(), want)
}

func (v Value) convert(want Kind) (Value, bool) {
	switch want {
	case KindInteger, KindTime, KindUnsigned:
		return v.toInteger(want)
	case KindFloat:
		switch v.kind {
		case KindInteger, KindTime:
			return Float(float64(int64(v.num))), true
		case KindUnsigned:
			return Float(float64(v.num)), true
		}
	case KindBoolean:
		if (v.kind == KindInteger || v.kind == KindUnsigned) && v.num <= 1 {
			return Boolean(v.num == 1), true
		}
	case KindString:
		if v.kind == KindCorelnk {
			return String(v.text), true
		}
	case KindCorelnk:
		if v.kind == KindString {
			return Corelnk(v.text), true
		}
	case KindOpaque:
		if v.kind == KindString {
			return Value{kind: KindOpaque, text: v.text}, true
		}
	}
	return v, false
}

// toInteger covers Integer, Unsigned and Time, which share their bits.
func (v Value) toInteger(want Kind) (Value, bool) {
	out := Value{kind: want, num: v.num}
	signed := want != KindUnsigned
	switch v.kind {
	case KindInteger, KindTime:
		return out, signed || int64(v.num) >= 0
	case KindUnsigned:
		return out, !signed || v.num <= math.MaxInt64
	case KindFloat:
		f := v.Float64()
		if f != math.Trunc(f) {
			return v, false
		}
		if signed && f >= -(1<<63) && f < 1<<63 {
			out.num = uint64(int64(f))
			return out, true
		}
		if !signed && f >= 0 && f < 1<<64 {
			out.num = uint64(f)
			return out, true
		}
	}
	return v, false
}
