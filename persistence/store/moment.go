package store

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Moment is the store as it was at one moment. It holds back the space of what
// was overwritten since: who takes one closes it soon, and before the store.
type Moment struct {
	store    *Store
	snapshot *pebble.Snapshot
	once     sync.Once
}

// Moment keeps the store as it is now, with all writes that have returned. The
// store's Close waits for the Close of every Moment.
func (s *Store) Moment() (*Moment, error) {
	if err := s.gate.enter(); err != nil {
		return nil, err
	}
	return &Moment{store: s, snapshot: s.db.NewSnapshot()}, nil
}

// Scan is that of Store.
func (m *Moment) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	return scan(m.snapshot, shard, class, from, to, reverse, f)
}

// Close lets go of the moment. It may be called again.
func (m *Moment) Close() error {
	var err error
	m.once.Do(func() {
		err = m.snapshot.Close()
		m.store.gate.leave()
	})
	if err != nil {
		return fmt.Errorf("closing a moment of the store: %w", err)
	}
	return nil
}
