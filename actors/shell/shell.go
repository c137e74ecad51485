package shell

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// Shell runs the endpoints of a node. Its methods may be called concurrently.
type Shell struct {
	options Options
	system  *actor.ActorSystem
	loops   []*loop
	gates   []*actor.PID
	leads   []atomic.Bool // by shard; written by its loop, and by Yield
	pool    sync.Pool
	recall  *recall

	maxAwake atomic.Int64 // of Options, or of SetMaxAwake

	started   sync.Once
	ending    sync.Once
	stop      chan struct{} // closed: the loops give up
	goroutine sync.WaitGroup
}

// New makes a shell that leads no shard. Nothing runs before Start.
func New(o Options) (*Shell, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Shell{options: o, system: o.System, stop: make(chan struct{}), leads: make([]atomic.Bool, o.Env.Shards), recall: newRecall()}
	s.maxAwake.Store(int64(o.MaxAwake))
	s.pool.New = func() any { return new(endpoint.Datagram) }
	if s.system == nil {
		s.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
	}
	for range o.Loops {
		s.loops = append(s.loops, newLoop(s))
	}
	for id := range ids.Shard(o.Env.Shards) {
		if err := s.addGate(id); err != nil {
			s.removeGates()
			return nil, err
		}
	}
	return s, nil
}

// Start starts the loops. What is admitted before waits for it.
func (s *Shell) Start() {
	s.started.Do(func() {
		for _, l := range s.loops {
			s.goroutine.Go(l.run)
		}
	})
}

// System is the actor system in which cells and gates are.
func (s *Shell) System() *actor.ActorSystem { return s.system }

func (s *Shell) loopOf(id ids.Shard) *loop { return s.loops[int(id)%len(s.loops)] }

// Take gives an empty datagram to fill with Parse and to Deliver.
func (s *Shell) Take() *endpoint.Datagram { return s.pool.Get().(*endpoint.Datagram) }

// maxBuffer is the buffer that a datagram keeps for the next use.
const maxBuffer = 4 << 10

func (s *Shell) release(d *endpoint.Datagram) {
	if cap(d.Buffer) <= maxBuffer {
		s.pool.Put(d)
	}
}

// Deliver admits a datagram and owns it from then on. Where the shard is not led
// here it goes to Options.Elsewhere. False: it was dropped, because the owner's
// loop is full (counted), Elsewhere did not take it (counted) or the shell is
// stopping.
func (s *Shell) Deliver(to Destination, d *endpoint.Datagram) bool {
	to = s.recalled(to, d)
	shard := s.shardOf(to)
	l := s.loopOf(shard)
	if !s.Leads(shard) {
		return s.forward(l, shard, d)
	}
	if err := l.inbox.put(message{to: to, event: d}); err != nil {
		l.stats.dropped.Add(1)
		s.release(d)
		return false
	}
	return true
}

// Post admits an event for an endpoint: endpoint.ErrElsewhere where its shard is
// not led here, endpoint.ErrBusy when its loop is full, endpoint.ErrClosed when the
// shell is stopping. Once admitted, a command is answered through its Reply, on a
// loop's goroutine, which must not block.
func (s *Shell) Post(id ids.Endpoint, ev endpoint.Event) error {
	to := ToEndpoint(id)
	shard := s.shardOf(to)
	if !s.Leads(shard) {
		return endpoint.ErrElsewhere
	}
	return s.loopOf(shard).inbox.put(message{to: to, event: ev})
}
