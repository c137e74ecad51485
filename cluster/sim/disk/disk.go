// Package disk is the storage of a simulated node: in memory, and with a crash
// that loses what was not synced. As a log in front of a store does, it loses an
// end: never a write that stands before one that is kept.
package disk

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Disk implements shards.Storage. Its methods may be called concurrently.
type Disk struct {
	mu     sync.Mutex // guards all below
	now    state
	safe   state       // as of the last sync
	since  []operation // what came after it, in order
	forget bool
	full   error
}

// operation is one Commit.
type operation []wire.ShardBatch

// place is where the records of one class of a shard are.
type place struct {
	class wire.Class
	shard ids.Shard
}

// state is all records. Tables are not changed but replaced by the first change
// after a copy, so that a moment costs little.
type state map[place]*table

type table struct {
	keys   []string // ascending
	values map[string][]byte
	shared bool
}

// New is an empty disk.
func New() *Disk { return &Disk{now: state{}, safe: state{}} }

// SetFull lets Refuses answer err, nil for room.
func (d *Disk) SetFull(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = err
}

// ForgetSyncs makes the disk a liar: it acknowledges syncs that it does not do.
func (d *Disk) ForgetSyncs() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget = true
}

// Refuses implements shards.Storage.
func (d *Disk) Refuses(ids.Shard, *wire.Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// Commit implements shards.Storage.
func (d *Disk) Commit(batches []wire.ShardBatch, sync bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	op := make(operation, 0, len(batches))
	for _, sb := range batches {
		kept, err := wire.ParseBatch(bytes.Clone(sb.Batch.Bytes()))
		if err != nil {
			return err
		}
		op = append(op, wire.ShardBatch{Shard: sb.Shard, Batch: kept})
	}
	d.now.apply(op)
	d.since = append(d.since, op)
	if sync && !d.forget {
		d.safe, d.since = d.now.copy(), nil
	}
	return nil
}

// Unsynced is how many commits a crash may lose.
func (d *Disk) Unsynced() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.since)
}

// Crash is the disk as it is found after a loss of power that kept the first so
// many of the commits that were not synced. The old one is of no use any more.
func (d *Disk) Crash(keep int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := &Disk{now: d.safe.copy(), forget: d.forget}
	for _, op := range d.since[:min(keep, len(d.since))] {
		next.now.apply(op)
	}
	next.safe = next.now.copy()
	return next
}

func (s state) copy() state {
	for _, t := range s {
		t.shared = true
	}
	return maps.Clone(s)
}

// own is the table of a place, to be changed.
func (s state) own(p place) *table {
	t := s[p]
	switch {
	case t == nil:
		t = &table{values: map[string][]byte{}}
	case t.shared:
		t = &table{keys: slices.Clone(t.keys), values: maps.Clone(t.values)}
	default:
		return t
	}
	s[p] = t
	return t
}

func (s state) apply(op operation) {
	for _, sb := range op {
		_ = sb.Batch.Each(func(w wire.Write) error { // parsed before
			s.own(place{w.Class, sb.Shard}).write(w)
			return nil
		})
	}
}

func (t *table) write(w wire.Write) {
	key := string(w.Key)
	at, found := slices.BinarySearch(t.keys, key)
	switch w.Kind {
	case wire.Put:
		if !found {
			t.keys = slices.Insert(t.keys, at, key)
		}
		t.values[key] = w.Value
	case wire.Delete:
		if found {
			t.keys = slices.Delete(t.keys, at, at+1)
			delete(t.values, key)
		}
	case wire.DeleteRange:
		end := len(t.keys)
		if len(w.Value) > 0 {
			end, _ = slices.BinarySearch(t.keys, string(w.Value))
		}
		if at >= end {
			return
		}
		for _, k := range t.keys[at:end] {
			delete(t.values, k)
		}
		t.keys = slices.Delete(t.keys, at, end)
	}
}

// Get implements shards.Storage.
func (d *Disk) Get(shard ids.Shard, class wire.Class, key, dst []byte) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.now[place{class, shard}]
	if t == nil {
		return dst, false, nil
	}
	value, found := t.values[string(key)]
	return append(dst, value...), found, nil
}

// Scan implements shards.Storage.
func (d *Disk) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	d.mu.Lock()
	t := d.now[place{class, shard}]
	if t != nil {
		t.shared = true
	}
	d.mu.Unlock()
	t.scan(from, to, reverse, f)
	return nil
}

func (t *table) scan(from, to []byte, reverse bool, f func(key, value []byte) bool) {
	if t == nil {
		return
	}
	first, _ := slices.BinarySearch(t.keys, string(from))
	end := len(t.keys)
	if len(to) > 0 {
		end, _ = slices.BinarySearch(t.keys, string(to))
	}
	keys := t.keys[min(first, end):end]
	for i := range keys {
		key := keys[i]
		if reverse {
			key = keys[len(keys)-1-i]
		}
		if !f([]byte(key), t.values[key]) {
			return
		}
	}
}

// Moment implements shards.Storage.
func (d *Disk) Moment() (shards.Moment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return moment(d.now.copy()), nil
}

type moment state

func (m moment) Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	m[place{class, shard}].scan(from, to, reverse, f)
	return nil
}

func (m moment) Close() error { return nil }
