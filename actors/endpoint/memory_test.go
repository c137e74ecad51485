package endpoint

import (
	"bytes"
	"slices"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// memory is a State that holds what was committed.
type memory map[string][]byte

func memoryKey(s ids.Shard, c wire.Class, key []byte) string {
	return string([]byte{byte(c), byte(s >> 8), byte(s)}) + string(key)
}

func (m memory) apply(s ids.Shard, w wire.Write) {
	switch w.Kind {
	case wire.Put:
		m[memoryKey(s, w.Class, w.Key)] = bytes.Clone(w.Value)
	case wire.Delete:
		delete(m, memoryKey(s, w.Class, w.Key))
	case wire.DeleteRange:
		for k := range m {
			if k >= memoryKey(s, w.Class, w.Key) && k < memoryKey(s, w.Class, w.Value) {
				delete(m, k)
			}
		}
	}
}

func (m memory) Get(s ids.Shard, c wire.Class, key, dst []byte) ([]byte, bool, error) {
	v, ok := m[memoryKey(s, c, key)]
	return append(dst, v...), ok, nil
}

func (m memory) Scan(s ids.Shard, c wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	prefix := memoryKey(s, c, nil)
	var keys []string
	for k := range m {
		if len(k) >= 3 && k[:3] == prefix && k[3:] >= string(from) && (to == nil || k[3:] < string(to)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if !f([]byte(k[3:]), bytes.Clone(m[k])) {
			return nil
		}
	}
	return nil
}
