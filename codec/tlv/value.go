package tlv

import (
	"encoding/binary"
	"fmt"
	"math"

	"dormouse/codec/lwm2m"
)

// parseValue reads the bytes of a value as the type that the model gives
// (OMA Core appendix C). Numbers of length 0 are KindNone: sent, but empty.
func parseValue(b []byte, kind lwm2m.Kind) (lwm2m.Value, error) {
	switch kind {
	case lwm2m.KindNone, lwm2m.KindOpaque:
		return lwm2m.Opaque(b), nil
	case lwm2m.KindString:
		return lwm2m.String(string(b)), nil
	case lwm2m.KindCorelnk:
		return lwm2m.Corelnk(string(b)), nil
	}
	if len(b) == 0 {
		return lwm2m.Value{}, nil
	}
	switch kind {
	case lwm2m.KindFloat:
		return parseFloat(b)
	case lwm2m.KindBoolean:
		if len(b) == 1 && b[0] <= 1 {
			return lwm2m.Boolean(b[0] == 1), nil
		}
		return lwm2m.Value{}, fmt.Errorf("%w: % x for a Boolean", ErrMalformed, b)
	case lwm2m.KindObjlnk:
		if len(b) == 4 {
			return lwm2m.Link(lwm2m.Objlnk{Object: binary.BigEndian.Uint16(b), Instance: binary.BigEndian.Uint16(b[2:])}), nil
		}
		return lwm2m.Value{}, fmt.Errorf("%w: %d bytes for an object link", ErrMalformed, len(b))
	case lwm2m.KindUnsigned:
		u, err := parseUnsigned(b)
		return lwm2m.Unsigned(u), err
	}
	i, err := parseSigned(b)
	if kind == lwm2m.KindTime {
		return lwm2m.Time(i), err
	}
	return lwm2m.Integer(i), err
}

// parseFloat reads 4 or 8 bytes; of 1 or 2 it takes the integer that some
// devices send for a whole number.
func parseFloat(b []byte) (lwm2m.Value, error) {
	switch len(b) {
	case 4:
		return lwm2m.Float(float64(math.Float32frombits(binary.BigEndian.Uint32(b)))), nil
	case 8:
		return lwm2m.Float(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
	}
	i, err := parseSigned(b)
	return lwm2m.Float(float64(i)), err
}

// parseUnsigned reads 1, 2, 4 or 8 bytes, the largest first.
func parseUnsigned(b []byte) (uint64, error) {
	switch len(b) {
	case 1, 2, 4, 8:
		var u uint64
		for _, c := range b {
			u = u<<8 | uint64(c)
		}
		return u, nil
	}
	return 0, fmt.Errorf("%w: number of %d bytes", ErrMalformed, len(b))
}

// parseSigned is parseUnsigned in two's complement.
func parseSigned(b []byte) (int64, error) {
	u, err := parseUnsigned(b)
	unused := 64 - 8*len(b)
	if err != nil {
		return 0, err
	}
	return int64(u<<unused) >> unused, nil
}

// appendValue appends the shortest form of v. A Float is written in 4 bytes
// where that is exact.
func appendValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.KindString, lwm2m.KindCorelnk, lwm2m.KindOpaque:
		return append(dst, v.Text()...)
	case lwm2m.KindInteger, lwm2m.KindTime:
		return appendSigned(dst, v.Int())
	case lwm2m.KindUnsigned:
		return appendUnsigned(dst, v.Uint())
	case lwm2m.KindFloat:
		f := v.Float64()
		if float64(float32(f)) == f {
			return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f)))
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
	case lwm2m.KindBoolean:
		if v.Bool() {
			return append(dst, 1)
		}
		return append(dst, 0)
	case lwm2m.KindObjlnk:
		dst = binary.BigEndian.AppendUint16(dst, v.Link().Object)
		return binary.BigEndian.AppendUint16(dst, v.Link().Instance)
	}
	return dst
}

func appendSigned(dst []byte, i int64) []byte {
	switch {
	case int64(int8(i)) == i:
		return append(dst, byte(i))
	case int64(int16(i)) == i:
		return binary.BigEndian.AppendUint16(dst, uint16(i))
	case int64(int32(i)) == i:
		return binary.BigEndian.AppendUint32(dst, uint32(i))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(i))
}

func appendUnsigned(dst []byte, u uint64) []byte {
	switch {
	case u <= math.MaxUint8:
		return append(dst, byte(u))
	case u <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(dst, uint16(u))
	case u <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(dst, uint32(u))
	}
	return binary.BigEndian.AppendUint64(dst, u)
}
