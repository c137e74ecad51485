package shards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// What a callback may be told.
var (
	// ErrLeadershipLost: this node leads the shard no more, and of what was on its
	// way then nobody knows whether it will be committed.
	ErrLeadershipLost = errors.New("shards: leadership lost")
	// ErrNotLeader: this node does not lead the shard. Nothing was done.
	ErrNotLeader = errors.New("shards: not the leader")
	// ErrClosed: the engine is closed.
	ErrClosed = errors.New("shards: closed")
	// ErrBusy: too much is pending. Later it may go well.
	ErrBusy = errors.New("shards: too many proposals pending")
	// ErrTimeout: no majority answered in time.
	ErrTimeout = errors.New("shards: no majority of the shard's nodes answers")
	// ErrNoReplica: the node holds no replica of the shard.
	ErrNoReplica = errors.New("shards: no replica of the shard here")
	// ErrMove: the group cannot be changed so now.
	ErrMove = errors.New("shards: the move cannot be made")
)

// Storage keeps logs and states (persistence/store). An error of Commit, Get or
// Scan ends the engine: nobody could know what is there.
type Storage interface {
	// Refuses answers nil, or why a batch that nobody has promised yet is not
	// taken: the disk is full, as a rule.
	Refuses(shard ids.Shard, b *wire.Batch) error
	// Commit writes batches in order, all or none, however full the disk is.
	// With sync it returns when they are durable; without, a crash may lose
	// them, but nothing before what is kept.
	Commit(batches []wire.ShardBatch, sync bool) error
	Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error)
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
	// Moment keeps the state as it is now, for a reader that is slow.
	Moment() (Moment, error)
}

// Moment is what is read of one moment.
type Moment interface {
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
	Close() error
}

// Events are told what changes. They are called by the engine's goroutine and
// must neither block nor call the engine's methods that wait; fields that are nil
// are not called.
type Events struct {
	// Led: this node leads the shard, and its state has all that was committed.
	Led func(shard ids.Shard, term uint64)
	// Yielded: it leads it no more. It follows each Led.
	Yielded func(shard ids.Shard)
	// Fatal: nothing is committed any more and no callback comes; the process
	// should end. It must not call Close. Default: the engine stands still.
	Fatal func(error)
}

// Options of an engine. The zero value of a field is its default.
type Options struct {
	// Self is this node. It must be the same for the whole life of the storage.
	Self ids.Node
	// Shards are 0 to Shards-1, and ids.System.
	Shards ids.Shards
	// Found makes the groups that the storage has nothing of, with this node as
	// the one voter of each; the state that lies there already is theirs. Only
	// the node that founds a cluster does so.
	Found bool

	Storage Storage
	Events  Events

	// Send hands a frame to another node; it owns the frame. It may drop it and
	// never blocks. Default: nobody is there.
	Send func(to ids.Node, frame []byte)
	// Others are the nodes that there are, besides those that a group names: who
	// belongs to no group any more, and knows only of members that do not either,
	// asks them. It must be quick. Default: nobody.
	Others func() []ids.Node
	// Fetch asks another node's Serve; see fetch.go.
	Fetch func(ctx context.Context, from ids.Node, request []byte) (answer []byte, err error)

	// MaxPending bounds the proposals that wait, and MaxPendingBytes their
	// bytes; beyond either a proposal fails with ErrBusy. Defaults 65536 and
	// 64 MiB. A device has one exchange in flight, so this is a stalled disk,
	// or an import without bounds of its own.
	MaxPending      int
	MaxPendingBytes int

	// MaxReceived bounds the bytes of frames that wait; beyond they are dropped,
	// as the network may at any time. Default 32 MiB.
	MaxReceived int

	// EntryBytes ends an entry, in bytes; default 1 MiB. What is proposed to one
	// shard in one turn is one entry up to this.
	EntryBytes int

	// Linger is how long a turn may wait for company when the one before has
	// just ended: at some thousand proposals a second it halves the cost of
	// each for this much latency. A proposal after a pause goes at once, and so
	// do EnoughToGo of them, and whatever other nodes send. Default 5 ms: at
	// 2000 Updates a second a node that is alone took 104 µs each with it, 141 µs
	// with 2 ms; negative: never.
	Linger time.Duration

	// EnoughToGo proposals wait for no more; default 64.
	EnoughToGo int

	// Tick is the unit of time of the groups: heartbeats leave every second
	// tick, a leader that is silent for 12 to 24 is replaced. Default 100 ms.
	Tick time.Duration

	// LogBytes is what a group keeps of its log for members that lag behind, per
	// replica: of those beyond the state is copied. Default 4 MiB; where nobody
	// lags it keeps a 64th, and followers a 16th.
	LogBytes int

	// FetchBytes is the rate at which a replica takes over a state, in bytes a
	// second; default 32 MiB, negative: as fast as it can.
	FetchBytes int

	// PartBytes is how much of a state one answer to Fetch has, and a record more;
	// default 1 MiB.
	PartBytes int

	// Go runs what takes its time beside the engine: the transfer of a state.
	// Default: a goroutine, which Close waits for.
	Go func(func())

	// Log is where the groups' own words go; default nowhere.
	Log *slog.Logger
}

// Ticks of the groups.
const (
	electionTicks  = 12
	heartbeatTicks = 2
	readTicks      = 30 // a read that is not confirmed by then fails
	fetchTicks     = 100
)

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Self == 0:
		return o, errors.New("shards: a node ID of 0")
	case o.Shards == 0 || o.Shards > ids.MaxShards:
		return o, fmt.Errorf("shards: %d shards, 1 to %d are possible", o.Shards, ids.MaxShards)
	case o.Storage == nil:
		return o, errors.New("shards: no storage is given")
	}
	o.MaxPending = orDefault(o.MaxPending, 1<<16)
	o.MaxPendingBytes = orDefault(o.MaxPendingBytes, 64<<20)
	o.MaxReceived = orDefault(o.MaxReceived, 32<<20)
	o.EntryBytes = orDefault(o.EntryBytes, 1<<20)
	o.EnoughToGo = orDefault(o.EnoughToGo, 64)
	o.LogBytes = orDefault(o.LogBytes, 4<<20)
	o.PartBytes = orDefault(o.PartBytes, 1<<20)
	if o.FetchBytes == 0 {
		o.FetchBytes = 32 << 20
	}
	if o.Tick <= 0 {
		o.Tick = 100 * time.Millisecond
	}
	switch {
	case o.Linger == 0:
		o.Linger = 5 * time.Millisecond
	case o.Linger < 0:
		o.Linger = 0
	}
	if o.Send == nil {
		o.Send = func(ids.Node, []byte) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// Stats are counters since the start, and what waits now.
type Stats struct {
	Proposals int64 // committed
	Rounds    int64 // synced writes
	Failed    int64 // refused by the storage, or lost with the leadership
	Busy      int64 // answered ErrBusy
	Dropped   int64 // frames that found no room
	Pending   int   // proposals not answered
	Bytes     int   // of their batches
	Sent      int64 // bytes of frames
	Received  int64
	Installed int64 // states taken over from other nodes
}

func (s Stats) String() string {
	return fmt.Sprintf("%d proposals in %d rounds, %d failed, %d refused, %d pending", s.Proposals, s.Rounds, s.Failed, s.Busy, s.Pending)
}
