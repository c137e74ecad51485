package tlv

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by errors about the bytes of a payload, ErrValue by
// those about a value that cannot be written.
var (
	ErrMalformed = errors.New("tlv: malformed payload")
	ErrValue     = errors.New("tlv: value cannot be written")
)

// Kinds of entries, as they stand in the type byte (bits 7 and 6).
const (
	kindInstance         = 0x00 // object instance: holds resources
	kindResourceInstance = 0x40 // value
	kindMultiple         = 0x80 // resource: holds resource instances
	kindResource         = 0xc0 // value
	kindMask             = 0xc0
)

const (
	longID     = 0x20 // the ID has 16 bits
	sizeShift  = 3    // bits 4 and 3: bytes of the length field, 0 = bits 2 to 0
	sizeMask   = 3
	lengthMask = 7
	maxLength  = 1<<24 - 1
)

// entry is one type-length-value with its ID.
type entry struct {
	kind  byte
	id    uint16
	value []byte
}

// parseEntry takes one entry from the front of b and returns the bytes used.
func parseEntry(b []byte) (e entry, n int, err error) {
	cut := fmt.Errorf("%w: cut", ErrMalformed)
	if len(b) < 2 {
		return e, 0, cut
	}
	e.kind, e.id, n = b[0]&kindMask, uint16(b[1]), 2
	if b[0]&longID != 0 {
		if len(b) < 3 {
			return e, 0, cut
		}
		e.id, n = e.id<<8|uint16(b[2]), 3
	}
	length := int(b[0] & lengthMask)
	if size := int(b[0] >> sizeShift & sizeMask); size > 0 {
		if len(b) < n+size {
			return e, 0, cut
		}
		length = 0
		for _, c := range b[n : n+size] {
			length = length<<8 | int(c)
		}
		n += size
	}
	if length > len(b)-n {
		return e, 0, fmt.Errorf("%w: entry %d has %d bytes, %d are left", ErrMalformed, e.id, length, len(b)-n)
	}
	e.value = b[n : n+length]
	return e, n + length, nil
}

// appendEntry appends an entry in its shortest form.
func appendEntry(dst []byte, e entry) ([]byte, error) {
	length := len(e.value)
	if length > maxLength {
		return dst, fmt.Errorf("%w: %d bytes, at most %d", ErrValue, length, maxLength)
	}
	size, head := 0, e.kind
	switch {
	case length > 0xffff:
		size = 3
	case length > 0xff:
		size = 2
	case length > lengthMask:
		size = 1
	default:
		head |= byte(length)
	}
	head |= byte(size << sizeShift)
	if e.id > 0xff {
		dst = append(dst, head|longID, byte(e.id>>8), byte(e.id))
	} else {
		dst = append(dst, head, byte(e.id))
	}
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(length>>(8*i)))
	}
	return append(dst, e.value...), nil
}
