package cbor

import (
	"encoding/binary"
	"math"
	"strings"

	"dormouse/codec/lwm2m"
)

// appendHead writes the shortest form of an argument (RFC 8949 section 4.2.1).
func appendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < infoUint8:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|infoUint8, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|(infoUint8+1)), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|(infoUint8+2)), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|infoUint64), arg)
}

// AppendArray opens an array of n elements.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, majorArray, uint64(n)) }

// AppendMap opens a map of n pairs.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, majorMap, uint64(n)) }

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, v uint64) []byte { return appendHead(dst, majorUint, v) }

// AppendInt appends an integer.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, majorNegative, uint64(-1-v))
	}
	return AppendUint(dst, uint64(v))
}

// AppendText appends a text string; what is no UTF-8 in it is replaced.
func AppendText(dst []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

// AppendBytes appends a byte string.
func AppendBytes(dst []byte, s string) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(s))), s...)
}

// AppendBool appends true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, majorSimple<<5|simpleTrue)
	}
	return append(dst, majorSimple<<5|simpleFalse)
}

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, majorSimple<<5|simpleNull) }

// AppendFloat appends f in 32 bits where that is exact, in 64 elsewhere.
// Halves are not written: small devices do not read them.
func AppendFloat(dst []byte, f float64) []byte {
	if float64(float32(f)) == f {
		return binary.BigEndian.AppendUint32(append(dst, majorSimple<<5|simpleSingle), math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(append(dst, majorSimple<<5|simpleDouble), math.Float64bits(f))
}

// AppendDecimal appends mantissa × 10^exponent as tag 4.
func AppendDecimal(dst []byte, mantissa int64, exponent int) []byte {
	dst = appendHead(dst, majorTag, TagDecimal)
	dst = AppendArray(dst, 2)
	dst = AppendInt(dst, int64(exponent))
	return AppendInt(dst, mantissa)
}

// AppendValue appends a resource value: Time as an integer without tag, Objlnk
// as text, KindNone as null.
func AppendValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.KindString, lwm2m.KindCorelnk, lwm2m.KindObjlnk:
		return AppendText(dst, v.String())
	case lwm2m.KindInteger, lwm2m.KindTime:
		return AppendInt(dst, v.Int())
	case lwm2m.KindUnsigned:
		return AppendUint(dst, v.Uint())
	case lwm2m.KindFloat:
		return AppendFloat(dst, v.Float64())
	case lwm2m.KindBoolean:
		return AppendBool(dst, v.Bool())
	case lwm2m.KindOpaque:
		return AppendBytes(dst, v.Text())
	}
	return AppendNull(dst)
}
