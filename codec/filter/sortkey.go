package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// maxSortText bounds a text or number of a sort key, in bytes, so that a key of
// MaxOrders fits in a cursor. Texts that begin alike are alike then, and a longer
// number is as one that is absent.
const maxSortText = 80

// ErrKey says that bytes are no sort key.
var ErrKey = errors.New("filter: malformed sort key")

// bare is what Compare needs of a value and no more.
func (v Value) bare() Value {
	v.raw = nil
	switch {
	case len(v.text) <= maxSortText:
	case v.kind == Number:
		return Value{}
	default:
		n := maxSortText
		for !utf8.RuneStart(v.text[n]) && n > maxSortText-utf8.UTFMax {
			n--
		}
		v.text = v.text[:n]
	}
	return v
}

// AppendSortKey appends a key that SortKey made: of each value its kind and, for a
// number or text, a length and the bytes, for a truth 0 or 1, for an instant its
// milliseconds since 1970 as a zigzag varint.
func AppendSortKey(dst []byte, key []Value) []byte {
	for _, v := range key {
		dst = append(dst, byte(v.kind))
		switch v.kind {
		case Number, Text:
			dst = append(binary.AppendUvarint(dst, uint64(len(v.text))), v.text...)
		case Bool:
			dst = append(dst, byte(bit(v.flag)))
		case Time:
			dst = binary.AppendVarint(dst, v.time.UnixMilli())
		}
	}
	return dst
}

// ParseSortKey reads a key of n values and nothing behind it.
func ParseSortKey(b []byte, n int) ([]Value, error) {
	key := make([]Value, n)
	for i := range key {
		var ok bool
		if key[i], b, ok = parseSortValue(b); !ok {
			return nil, fmt.Errorf("%w: value %d of %d", ErrKey, i+1, n)
		}
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes behind its end", ErrKey, len(b))
	}
	return key, nil
}

func parseSortValue(b []byte) (v Value, rest []byte, ok bool) {
	if len(b) == 0 {
		return v, b, false
	}
	v.kind, b = Kind(b[0]), b[1:]
	switch v.kind {
	case Null, Map, Array:
		return v, b, true
	case Number, Text:
		n, used := binary.Uvarint(b)
		if used <= 0 || n > maxSortText || n > uint64(len(b)-used) {
			return v, b, false
		}
		v.text = string(b[used:][:n])
		if v.kind == Number {
			_, ok = parseDecimal(v.text, nil)
			return v, b[used+int(n):], ok
		}
		return v, b[used+int(n):], true
	case Bool:
		if len(b) == 0 || b[0] > 1 {
			return v, b, false
		}
		v.flag = b[0] == 1
		return v, b[1:], true
	case Time:
		ms, used := binary.Varint(b)
		if used <= 0 {
			return v, b, false
		}
		v.time = time.UnixMilli(ms)
		return v, b[used:], true
	}
	return v, b, false
}
