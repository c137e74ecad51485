package shell

import (
	"fmt"
	"log/slog"
	"sync"

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
	pool    sync.Pool

	started   sync.Once
	ending    sync.Once
	stop      chan struct{} // closed: the loops give up
	goroutine sync.WaitGroup
}

// New reads what each shard knows of itself. Nothing runs before Start.
func New(o Options) (*Shell, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Shell{options: o, system: o.System, stop: make(chan struct{})}
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
		state, err := endpoint.NewShard(o.Env, id)
		if err != nil {
			s.removeGates()
			return nil, fmt.Errorf("shell: open shard %d: %w", id, err)
		}
		s.loopOf(id).addShard(state)
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

// Deliver admits a datagram and owns it from then on. False: it was dropped,
// because the owner's loop is full (counted) or the shell is stopping.
func (s *Shell) Deliver(to Destination, d *endpoint.Datagram) bool {
	l := s.loopOf(s.shardOf(to))
	if err := l.inbox.put(message{to: to, event: d}); err != nil {
		l.stats.dropped.Add(1)
		s.release(d)
		return false
	}
	return true
}

// Post admits an event for an endpoint: endpoint.ErrBusy when its loop is
// full, endpoint.ErrClosed when the shell is stopping. Once admitted, a command
// is answered through its Reply, on a loop's goroutine, which must not block.
func (s *Shell) Post(id ids.Endpoint, ev endpoint.Event) error {
	to := ToEndpoint(id)
	return s.loopOf(s.shardOf(to)).inbox.put(message{to: to, event: ev})
}

// Do runs f on the loop of a shard, without an endpoint; its effects obey the
// rule, and it cannot set signposts. f must not block. Errors are those of
// Post; the shard must exist.
func (s *Shell) Do(id ids.Shard, f turn) error {
	if int(id) >= int(s.options.Env.Shards) {
		return fmt.Errorf("shell: no shard %d", id)
	}
	return s.loopOf(id).inbox.put(message{to: Destination{kind: toShard, value: uint64(id)}, do: f})
}
