package shards

import (
	"errors"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// What a callback may be told. With each of them nothing of the batch is, or
// will be, visible in the store.
var (
	// ErrLeadershipLost: the shard belongs to another node now. Local, which is
	// alone, never says so.
	ErrLeadershipLost = errors.New("shards: leadership lost")
	// ErrClosed: the committer is closed.
	ErrClosed = errors.New("shards: closed")
	// ErrBusy: too much is pending. Later it may go well.
	ErrBusy = errors.New("shards: too many proposals pending")
)

// Storage keeps what is committed.
type Storage interface {
	// Apply makes the batches durable, in order, all or none. An error means
	// that nothing was applied; the proposals fail and the committer goes on.
	// A storage that cannot know whether it has applied must not return. An
	// error in whose chain a method Fatal() bool says true ends the committer.
	// Apply is called by one goroutine.
	Apply(batches []wire.ShardBatch) error
}

// Options of a committer. The zero value of a field is its default.
type Options struct {
	// MaxPending bounds the proposals that wait, and MaxPendingBytes their
	// bytes; beyond either a proposal fails with ErrBusy. Defaults 65536 and
	// 64 MiB. A device has one exchange in flight, so this is a stalled disk,
	// or an import without bounds of its own.
	MaxPending      int
	MaxPendingBytes int

	// RoundBytes ends a round; default 4 MiB. More in one write would exceed
	// half a memtable of the store, and lets the first wait for the last.
	RoundBytes int

	// Linger is how long a round may wait for company when the one before has
	// just ended: at some thousand proposals a second it halves the cost of
	// each for this much latency. A proposal after a pause goes at once, and so
	// do EnoughToGo of them. Default 5 ms: at 2000 Updates a second the node
	// took 104 µs each with it, 141 µs with 2 ms; negative: never.
	Linger time.Duration

	// EnoughToGo proposals wait for no more; default 64.
	EnoughToGo int

	// OnFatal is called once, from the committer's goroutine, when the storage
	// answered a fatal error: nothing is committed any more, no callback comes,
	// and the process should end. It must not call Close. Default: none, and
	// the committer stands still.
	OnFatal func(error)
}

func (o Options) withDefaults() Options {
	o.MaxPending = orDefault(o.MaxPending, 1<<16)
	o.MaxPendingBytes = orDefault(o.MaxPendingBytes, 64<<20)
	o.RoundBytes = orDefault(o.RoundBytes, 4<<20)
	o.EnoughToGo = orDefault(o.EnoughToGo, 64)
	switch {
	case o.Linger == 0:
		o.Linger = 5 * time.Millisecond
	case o.Linger < 0:
		o.Linger = 0
	}
	return o
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// isFatal reports an error after which the storage applies nothing any more.
func isFatal(err error) bool {
	var f interface{ Fatal() bool }
	return errors.As(err, &f) && f.Fatal()
}

// Stats are counters since the start, and what waits now.
type Stats struct {
	Proposals int64 // answered nil
	Rounds    int64 // calls of Apply that went well
	Failed    int64 // answered with an error of the storage
	Busy      int64 // answered ErrBusy
	Pending   int   // proposals not answered
	Bytes     int   // of their batches
}

func (s Stats) String() string {
	return fmt.Sprintf("%d proposals in %d rounds, %d failed, %d refused, %d pending", s.Proposals, s.Rounds, s.Failed, s.Busy, s.Pending)
}
