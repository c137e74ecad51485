package store

import (
	"encoding/binary"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// prefixLen is what stands before the key of a record.
const prefixLen = 3

// appendKey appends the physical key.
func appendKey(dst []byte, shard ids.Shard, class wire.Class, key []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, byte(class)), uint16(shard))
	return append(dst, key...)
}

// putKey fills b, which has the length of the physical key.
func putKey(b []byte, shard ids.Shard, class wire.Class, key []byte) {
	b[0] = byte(class)
	binary.BigEndian.PutUint16(b[1:], uint16(shard))
	copy(b[prefixLen:], key)
}

// appendEnd appends the physical key that ends a range before key, or, where
// key is empty, after the last record of the class in the shard. The class byte
// never is 0xff, so there is always a key behind.
func appendEnd(dst []byte, shard ids.Shard, class wire.Class, key []byte) []byte {
	if len(key) > 0 {
		return appendKey(dst, shard, class, key)
	}
	if shard++; shard == 0 {
		class++
	}
	return appendKey(dst, shard, class, nil)
}

// storable reports whether records of the class can be kept: 0x00 is the
// store's own, and 0xff would leave no key behind its last record.
func storable(class wire.Class) bool { return class > 0 && class < 0xff }
