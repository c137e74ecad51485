package shell

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Cell is an endpoint in memory (*endpoint.Endpoint). All calls are made by
// the loop that owns its shard, one at a time.
type Cell interface {
	// Handle decides. It borrows ev and fx.
	Handle(now time.Time, ev endpoint.Event, fx *endpoint.Effects)
	// Owns reports that the endpoint gave out this token and waits for
	// answers or notifications that carry it.
	Owns(token []byte) bool
	// Busy reports that something lives in memory only (an exchange, an
	// upload): the cell must not be passivated.
	Busy() bool
	// Knows reports that datagrams of that sign are the endpoint's: it was
	// remembered elsewhere, and may be another's by now.
	Knows(sign wire.Sign) bool
	// Waiting reports something in memory that may be lost, but should not: the
	// cell is passivated only for want of room.
	Waiting() bool
	// Left is called once, when the cell has left the memory.
	Left()
}

// Out is one datagram to send. Payload is valid during the call of Send only.
type Out struct {
	Path    wire.ReturnPath
	Payload []byte
	News    *News // for the node of the path; nil: none
}

// Due is a durable timer that fired (wire.ClassTimer).
type Due struct {
	At       time.Time // whole milliseconds
	Endpoint ids.Endpoint
}

// Timers is the queue of a shard's durable timers. The loop of the shard calls
// it, one call at a time.
type Timers interface {
	// Due returns at most limit timers that have come, each once, and when
	// the next one will (zero: none is stored).
	Due(now time.Time, limit int) (due []Due, next time.Time, err error)
	// Armed is told of every timer whose write is committed. It reports that
	// the timer is due already: Due should be called.
	Armed(Due) (behind bool)
	// Handled says that the consequences of the timer are committed.
	Handled(Due)
	// Cleanup returns a range of keys of handled timers to delete, nil, nil
	// for nothing.
	Cleanup(now time.Time) (from, to []byte)
}

// Options are the seams and bounds of a Shell. Functions without a default
// must be given.
type Options struct {
	Env *endpoint.Env

	// Load reads an endpoint; one that the store does not know is a cell
	// too. It is called by the loop and may read, not wait for anything else.
	Load func(s *endpoint.Shard, id ids.Endpoint) (Cell, error)

	// Propose commits a batch: it returns at once, keeps the order of each
	// shard, and calls done once, from any goroutine. The batch is Propose's
	// until then. An error means that nothing of it is or will be stored.
	Propose func(shard ids.Shard, b *wire.Batch, done func(error))

	// Send sends datagrams; it may drop, not block. Loops call it concurrently.
	Send func([]Out)

	// Stray answers a datagram that no endpoint owns; nil is silence. The
	// answer belongs to the shell. Loops call it concurrently. Default: silence.
	Stray func(d *endpoint.Datagram) (answer []byte)

	// Elsewhere takes a datagram whose shard is not led here to the node that
	// leads it, now or when it knows one. It borrows d, of which Raw, Path and
	// Endpoint are sent on; it may drop (false, counted), not block. It may be this
	// node that leads the shard: then the datagram is to be delivered anew, but not
	// within the call. Loops and those who deliver call it concurrently. Default:
	// false.
	Elsewhere func(shard ids.Shard, d *endpoint.Datagram) bool

	// Disowned tells the node of the path that it remembers a sign wrongly: there
	// Forget is called. It must not block. Loops call it concurrently. Default:
	// nobody is told.
	Disowned func(path wire.ReturnPath, sign wire.Sign)

	// RemoteSign asks the node that leads the shard of a sign to set it (SetSign) or
	// to clear it (ClearSign). done is called once, from any goroutine and maybe
	// before the return, when that has come to an end; an error of a clear is
	// nobody's. It must not block. Loops call it concurrently. Default:
	// endpoint.ErrElsewhere.
	RemoteSign func(shard ids.Shard, sign wire.Sign, id ids.Endpoint, clear bool, done func(error))

	// Timers gives the queue of a shard, a new one each time that the node begins
	// to lead it. nil: no timers.
	Timers func(shard ids.Shard) Timers

	// Notify takes the notices of one Handle; they are valid during the call.
	// Loops call it concurrently. nil: nobody listens.
	Notify func([]endpoint.Notice)

	Events Events

	// System runs the actors. Default: one of the shell's own, which logs nothing.
	System *actor.ActorSystem

	// Gate takes what is sent to the PID of a shard and is no *Posted: requests of
	// other nodes. nil: it is a dead letter.
	Gate actor.Process

	Loops     int           // goroutines that run cells; default half the processors, at least 1
	MaxAwake  int           // cells in memory over all loops; default 100 000
	Idle      time.Duration // without events for so long a cell is passivated; default 10 s
	Inbox     int           // events that wait, and groups in flight, per loop; default 8192
	TimerStep time.Duration // durable timers fire at most so late; default 1 s
	MarkEvery time.Duration // a shard with devices stores at least so often that it is served; default 10 s
	Drain     time.Duration // Stop waits at most so long for commits; default 10 s
}

// Events are told what went wrong. Loops call them concurrently; nil fields
// are not called.
type Events struct {
	// Panicked: a cell was stopped, or a function of Options gave up.
	Panicked func(Panic)
	// LoadFailed: the event for the endpoint was dropped or answered with err.
	LoadFailed func(id ids.Endpoint, err error)
	// CommitFailed: the cells that had writes in the batch were dropped.
	CommitFailed func(shard ids.Shard, err error)
	// TimersFailed: the timers of the shard are read again a step later.
	TimersFailed func(shard ids.Shard, err error)
	// Unserved: nobody served the shard for so long, as far as its mark tells.
	// What hangs on time in which devices can be heard is put off.
	Unserved func(shard ids.Shard, gap time.Duration)
}

// Panic is a panic that was caught.
type Panic struct {
	Endpoint ids.Endpoint // 0 where none is concerned
	Reason   string
	Stack    []byte
}

// ErrPanic answers the events of a cell that panicked.
var ErrPanic = errors.New("shell: the endpoint failed")

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Env == nil || o.Env.State == nil:
		return o, errors.New("shell: Env with a State must be given")
	case o.Load == nil || o.Propose == nil || o.Send == nil:
		return o, errors.New("shell: Load, Propose and Send must be given")
	case o.Env.Shards == 0:
		return o, errors.New("shell: Env.Shards must be at least 1")
	case o.Loops < 0 || o.MaxAwake < 0 || o.Inbox < 0 || o.Idle < 0 || o.TimerStep < 0 || o.MarkEvery < 0 || o.Drain < 0:
		return o, fmt.Errorf("shell: bounds must not be negative")
	}
	o.Loops = min(orDefault(o.Loops, max(1, runtime.NumCPU()/2)), int(o.Env.Shards))
	o.MaxAwake = orDefault(o.MaxAwake, 100_000)
	o.Inbox = orDefault(o.Inbox, 8192)
	o.Idle = orDefault(o.Idle, 10*time.Second)
	o.TimerStep = orDefault(o.TimerStep, time.Second)
	o.MarkEvery = orDefault(o.MarkEvery, 10*time.Second)
	o.Drain = orDefault(o.Drain, 10*time.Second)
	if o.Stray == nil {
		o.Stray = func(*endpoint.Datagram) []byte { return nil }
	}
	if o.Elsewhere == nil {
		o.Elsewhere = func(ids.Shard, *endpoint.Datagram) bool { return false }
	}
	if o.Disowned == nil {
		o.Disowned = func(wire.ReturnPath, wire.Sign) {}
	}
	if o.RemoteSign == nil {
		o.RemoteSign = func(_ ids.Shard, _ wire.Sign, _ ids.Endpoint, _ bool, done func(error)) {
			done(endpoint.ErrElsewhere)
		}
	}
	if o.Notify == nil {
		o.Notify = func([]endpoint.Notice) {}
	}
	return o, nil
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
