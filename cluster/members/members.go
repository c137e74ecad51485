package members

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"dormouse/codec/format"
)

// LeaveWait bounds Leave where its caller does not.
const LeaveWait = 5 * time.Second

// ErrClosed: the membership has ended.
var ErrClosed = errors.New("members: closed")

// Members is the membership of this node. All methods may be called at any
// time, from any goroutine.
type Members struct {
	listener  Listener
	list      *memberlist.Memberlist
	addr      netip.AddrPort
	keys      *keyring
	log       *logger
	tracker   *tracker
	joiner    *joiner
	announcer *announcer

	told   atomic.Pointer[[]Member] // all members, as the listener knows them
	quiet  context.CancelFunc       // ends the joiner
	cancel context.CancelFunc       // ends all goroutines
	group  sync.WaitGroup           // of them

	mu     sync.Mutex // guards closed: memberlist panics at a Leave after its end
	closed bool
}

// Start listens, and looks for the peers of Options.Join in the background until
// one of them answers. It is ended by Close, with or without a Leave before.
func Start(o Options) (*Members, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	keys, err := newKeyring(o.Keys)
	if err != nil {
		return nil, err
	}
	m := &Members{
		listener: o.Listener, keys: keys, log: &logger{to: o.Log},
		tracker: newTracker(o.Name), announcer: newAnnouncer(o.meta()),
	}
	if err := m.create(o); err != nil {
		return nil, err
	}
	m.start(o)
	return m, nil
}

// create makes memberlist, which lists the own node before it returns.
func (m *Members) create(o Options) (err error) {
	c := o.config()
	c.Keyring = m.keys.ring
	c.Logger = log.New(m.log, "", 0)
	c.Delegate, c.Events, c.Alive, c.Conflict = m.announcer, m.tracker, m.tracker, m.tracker
	if m.list, err = memberlist.Create(c); err != nil {
		return fmt.Errorf("members: listening on %s: %w", o.Bind, err)
	}
	m.announcer.update = m.list.UpdateNode
	self := m.tracker.current(o.Name)
	m.addr = self.Addr
	m.told.Store(&[]Member{self})
	return nil
}

// start starts the goroutines, all of them.
func (m *Members) start(o Options) {
	m.joiner = &joiner{
		list: o.Join, self: m.addr, reconnect: o.reconnect, met: m.tracker.met, lost: map[string]lostMember{}, contested: m.tracker.contested,
		dial:   func(addr netip.AddrPort) error { _, err := m.list.Join([]string{addr.String()}); return err },
		failed: func(err error) { m.log.log(slog.LevelWarn, "nobody of the join list answers: "+err.Error()) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	joining, quiet := context.WithCancel(ctx)
	m.cancel, m.quiet = cancel, quiet
	m.group.Go(func() { m.deliver(ctx) })
	m.group.Go(func() { m.announcer.run(ctx) })
	m.group.Go(func() { m.joiner.run(joining) })
}

// deliver tells the listener until ctx ends, and then what is left.
func (m *Members) deliver(ctx context.Context) {
	v := newView()
	for {
		select {
		case <-m.tracker.wake:
			m.tell(&v)
		case <-ctx.Done():
			m.tell(&v)
			return
		}
	}
}

func (m *Members) tell(v *view) {
	n := m.tracker.take(v)
	if len(n.events) > 0 {
		m.joiner.note(n.events, time.Now())
		all := v.all()
		m.told.Store(&all)
		if m.listener.Changed != nil {
			m.listener.Changed(n.events, all)
		}
	}
	for _, c := range n.conflicts {
		m.log.log(slog.LevelWarn, fmt.Sprintf("two nodes with the same %s: %s %s at %s and %s %s at %s", c.Same(),
			c.Existing.Name, c.Existing.ID, c.Existing.Addr, c.Other.Name, c.Other.ID, c.Other.Addr))
		if m.listener.Conflict != nil {
			m.listener.Conflict(c)
		}
	}
}

// List has all members, the own node among them until it has left, by name: what
// the listener was told last. It must not be changed.
func (m *Members) List() []Member { return *m.told.Load() }

// Addr is where peers reach this node.
func (m *Members) Addr() netip.AddrPort { return m.addr }

// Met is closed when a peer was seen for the first time, be it by the join list
// or because it asked. A node with a join list that was never there has no
// cluster, and must not found one.
func (m *Members) Met() <-chan struct{} { return m.tracker.met }

// JoinError says why nobody of the join list answered in the last round; nil
// before its end, and since somebody did.
func (m *Members) JoinError() error { return m.joiner.lastError() }

// SetTopology tells the peers which version of the topology this node follows.
// It does not wait; of several changes in a row the last counts.
func (m *Members) SetTopology(version uint64) {
	m.announcer.change(func(meta *Meta) { meta.Topology = version })
}

// SetWrites tells the peers at which format level this node writes, like SetTopology.
func (m *Members) SetWrites(l format.Level) {
	m.announcer.change(func(meta *Meta) { meta.Writes = l })
}

// SetFull tells the peers whether this node's disk has room, like SetTopology.
func (m *Members) SetFull(full bool) {
	m.announcer.change(func(meta *Meta) { meta.Full = full })
}

// SetKeys replaces the keys, as Options.Keys has them. A rotation takes three
// steps, each on all nodes before the next: old, new; new, old; new. ErrNoKeys
// where the node was started without any.
func (m *Members) SetKeys(keys [][]byte) error { return m.keys.set(keys) }

// Leave tells the peers that this node goes on its own will, and waits until
// the word is out, at most wait (0: LeaveWait). With an error some of them may
// see a failure instead. The node cannot come back but by another Start.
func (m *Members) Leave(wait time.Duration) error {
	if wait <= 0 {
		wait = LeaveWait
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.quiet()
	if err := m.announcer.leave(wait, m.list.Leave); err != nil {
		return fmt.Errorf("members: leaving: %w", err)
	}
	return nil
}

// Close ends the membership; without a Leave before it peers see a failure. It
// waits for the listener, and at most streamTimeout for an attempt to join.
func (m *Members) Close() error {
	m.mu.Lock()
	m.cancel()
	m.closed = true
	err := m.list.Shutdown()
	m.mu.Unlock()
	m.group.Wait()
	return err
}

// Stats are figures of now and counters since the start.
type Stats struct {
	Members   int   // in the list
	Strangers int64 // packets and streams without our key or label
	Health    int   // 0: this node keeps up; else it probes that many times slower, plus one
}

// Stats reads them.
func (m *Members) Stats() Stats {
	return Stats{Members: len(m.List()), Strangers: m.log.strangers.Load(), Health: m.list.GetHealthScore()}
}
