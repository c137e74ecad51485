package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Errors of the store. Together with any of these nothing was applied.
var (
	// ErrFull: the disk is full, or nearly so that what is left is needed to
	// keep what is there. It passes when there is room again.
	ErrFull = errors.New("store: disk is full")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("store: closed")
	// ErrShard: a shard at or beyond the number of shards.
	ErrShard = errors.New("store: no such shard")
	// ErrClass: a class whose records cannot be kept.
	ErrClass = errors.New("store: no such class")
)

// Apply writes the batches in order, all or none, and returns when they are on
// the disk (one write to the log, one sync). Every error means that nothing was
// applied: ErrFull, ErrClosed, ErrShard, ErrClass, a malformed batch
// (wire.ErrBatch), or a *FatalError. Where it cannot know it does not return:
// on a disk that fills up during the write it waits for room (see the guard).
// Batches without writes cost nothing. It may be called concurrently; the
// order of concurrent calls is not defined.
func (s *Store) Apply(batches []wire.ShardBatch) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.writable(batches); err != nil {
		return err
	}
	return s.write(batches, pebble.Sync)
}

// Commit writes like Apply what must be written even on a disk that is nearly
// full, for it was promised already: it never answers ErrFull, and waits for room
// where there is none. Without sync it returns before the writes are on the disk;
// a crash may lose them, but none that stands before one that is kept.
func (s *Store) Commit(batches []wire.ShardBatch, sync bool) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.broken(); err != nil {
		return &FatalError{err}
	}
	if sync {
		return s.write(batches, pebble.Sync)
	}
	return s.write(batches, pebble.NoSync)
}

// Refuses answers what Apply would, were b not to be written for sure: ErrFull, or
// nil.
func (s *Store) Refuses(shard ids.Shard, b *wire.Batch) error {
	if !s.space.refuses() {
		return nil
	}
	return s.writable([]wire.ShardBatch{{Shard: shard, Batch: b}})
}

func (s *Store) write(batches []wire.ShardBatch, how *pebble.WriteOptions) error {
	b := s.db.NewBatch()
	defer b.Close()
	for _, sb := range batches {
		if err := s.add(b, sb); err != nil {
			return fmt.Errorf("applying a batch of shard %d: %w", sb.Shard, err)
		}
	}
	if b.Empty() {
		return nil
	}
	s.commits.Add(1)
	s.writes.Add(int64(b.Count()))
	if err := s.db.Apply(b, how); err != nil {
		return fmt.Errorf("applying %d writes: %w", b.Count(), err)
	}
	return nil
}

// writable answers what refuses the batches. On a disk that is nearly full those
// that only delete pass: they are how it gets room again.
func (s *Store) writable(batches []wire.ShardBatch) error {
	if err := s.broken(); err != nil {
		return &FatalError{err}
	}
	if s.space.refuses() && (s.space.spent() || !onlyDeletes(batches)) {
		s.refusals.Add(1)
		return ErrFull
	}
	return nil
}

func onlyDeletes(batches []wire.ShardBatch) bool {
	for _, sb := range batches {
		if sb.Batch == nil {
			continue
		}
		// A malformed batch is no matter of space: add answers it.
		if err := sb.Batch.Each(func(w wire.Write) error {
			if w.Kind == wire.Put {
				return ErrFull
			}
			return nil
		}); errors.Is(err, ErrFull) {
			return false
		}
	}
	return true
}

func (s *Store) add(b *pebble.Batch, sb wire.ShardBatch) error {
	if !s.shards.Has(sb.Shard) {
		return ErrShard
	}
	if sb.Batch == nil {
		return nil
	}
	return sb.Batch.Each(func(w wire.Write) error {
		if !storable(w.Class) {
			return ErrClass
		}
		return addWrite(b, sb.Shard, w)
	})
}

// addWrite lets Pebble make the room and fills it, which saves a copy.
func addWrite(b *pebble.Batch, shard ids.Shard, w wire.Write) error {
	switch w.Kind {
	case wire.Put:
		op := b.SetDeferred(prefixLen+len(w.Key), len(w.Value))
		putKey(op.Key, shard, w.Class, w.Key)
		copy(op.Value, w.Value)
		return op.Finish()
	case wire.Delete:
		op := b.DeleteDeferred(prefixLen + len(w.Key))
		putKey(op.Key, shard, w.Class, w.Key)
		return op.Finish()
	case wire.DeleteRange:
		from := appendKey(nil, shard, w.Class, w.Key)
		to := appendEnd(nil, shard, w.Class, w.Value)
		if bytes.Compare(from, to) >= 0 {
			return nil
		}
		return b.DeleteRange(from, to, nil)
	}
	return wire.ErrBatch
}
