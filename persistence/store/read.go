package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Get appends the value of a record to dst. Where there is none it returns dst
// as it was and false. It sees all that Apply has returned for, and may see a
// write that is still being synced.
func (s *Store) Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error) {
	if err := s.gate.enter(); err != nil {
		return dst, false, err
	}
	defer s.gate.leave()
	got, closer, err := s.db.Get(appendKey(make([]byte, 0, prefixLen+len(key)), shard, class, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("reading a record of class %q in shard %d: %w", class, shard, err)
	}
	dst = append(dst, got...)
	if err := closer.Close(); err != nil {
		return dst[:len(dst)-len(got)], false, fmt.Errorf("reading a record of class %q in shard %d: %w", class, shard, err)
	}
	return dst, true, nil
}

// reader is a store or one moment of it.
type reader interface {
	NewIter(*pebble.IterOptions) (*pebble.Iterator, error)
}

// Scan calls f for the records of a class in a shard whose key is at or above
// from and below to, ascending, or descending with reverse, until f answers
// false. An empty from or to is the first or the end of the class. Key (without
// class and shard) and value are valid during the call of f only. f sees one
// moment of the store, and may call the store.
func (s *Store) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return scan(s.db, shard, class, from, to, reverse, f)
}

func scan(r reader, shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	it, err := r.NewIter(&pebble.IterOptions{
		LowerBound: appendKey(nil, shard, class, from),
		UpperBound: appendEnd(nil, shard, class, to),
	})
	if err == nil {
		err = errors.Join(walk(it, reverse, f), it.Close())
	}
	if err != nil {
		return fmt.Errorf("scanning class %q in shard %d: %w", class, shard, err)
	}
	return nil
}

func walk(it *pebble.Iterator, reverse bool, f func(key, value []byte) bool) error {
	first, next := it.First, it.Next
	if reverse {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if !f(it.Key()[prefixLen:], value) {
			break
		}
	}
	return it.Error()
}
