package lwm2m

import (
	"encoding/binary"
	"errors"
)

// ErrBinary is returned for stored bytes that are cut or of an unknown kind.
var ErrBinary = errors.New("lwm2m: malformed stored value")

// AppendValue appends v in the form in which it is stored:
//
//	kind (1) | Integer, Time: zigzag varint | Unsigned, Float, Boolean, Objlnk: varint | text: varint length, bytes
//
// The form is part of docs/formats/endpoint.md.
func AppendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case KindInteger, KindTime:
		return binary.AppendVarint(dst, int64(v.num))
	case KindUnsigned, KindFloat, KindBoolean, KindObjlnk:
		return binary.AppendUvarint(dst, v.num)
	case KindString, KindOpaque, KindCorelnk:
		dst = binary.AppendUvarint(dst, uint64(len(v.text)))
		return append(dst, v.text...)
	}
	return dst
}

// ParseValue reads what AppendValue wrote and returns the bytes used.
func ParseValue(b []byte) (v Value, n int, err error) {
	if len(b) == 0 || Kind(b[0]) > KindCorelnk {
		return v, 0, ErrBinary
	}
	v.kind, n = Kind(b[0]), 1
	switch v.kind {
	case KindNone:
		return v, n, nil
	case KindInteger, KindTime:
		x, k := binary.Varint(b[n:])
		if k <= 0 {
			return Value{}, 0, ErrBinary
		}
		v.num = uint64(x)
		return v, n + k, nil
	}
	x, k := binary.Uvarint(b[n:])
	if k <= 0 {
		return Value{}, 0, ErrBinary
	}
	n += k
	switch v.kind {
	case KindString, KindOpaque, KindCorelnk:
		if uint64(len(b)-n) < x {
			return Value{}, 0, ErrBinary
		}
		v.text = string(b[n : n+int(x)])
		return v, n + int(x), nil
	}
	v.num = x
	return v, n, nil
}

// AppendPath appends p as it is stored: its length (1), two bytes an ID.
// The form sorts as Path.Compare does within one length.
func AppendPath(dst []byte, p Path) []byte {
	dst = append(dst, p.n)
	for _, id := range p.ids[:p.n] {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	return dst
}

// ParseStoredPath reads what AppendPath wrote and returns the bytes used.
func ParseStoredPath(b []byte) (Path, int, error) {
	if len(b) == 0 || b[0] > 4 || len(b) < 1+2*int(b[0]) {
		return Path{}, 0, ErrBinary
	}
	p := Path{n: b[0]}
	for i := range int(p.n) {
		p.ids[i] = binary.BigEndian.Uint16(b[1+2*i:])
	}
	return p, 1 + 2*int(p.n), nil
}
