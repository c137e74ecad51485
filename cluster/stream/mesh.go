package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/ids"
)

// Mesh is a node's end of all connections between it and its peers. Its methods
// may be called concurrently.
type Mesh struct {
	o      Options
	terms  *terms
	guests guests
	count  counters

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	once   sync.Once
	done   sync.WaitGroup // all goroutines

	peers   atomic.Pointer[map[ids.Node]*peer] // as of the last SetPeers
	mu      sync.Mutex                         // one SetPeers at a time
	refusal limiter
}

// peer is a node that this one dials.
type peer struct {
	frames, calls *way
	stop          context.CancelFunc
}

// New starts a Mesh without peers. Errors wrap ErrOptions, and leave the listener
// to the caller.
func New(o Options) (*Mesh, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Mesh{o: o, terms: o.terms()}
	m.guests = guests{o: &m.o, here: map[ids.Node]*guest{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.peers.Store(&map[ids.Node]*peer{})
	m.done.Go(m.accept)
	return m, nil
}

// SetPeers says which other nodes there are, all of them; this node and what is
// beyond Options.MaxPeers is passed over. Connections to nodes that it does not
// name, and to lives of a node before the one that it names, are given up. Of a
// peer of which a newer incarnation was named before, the newer one stays.
func (m *Mesh) SetPeers(list []Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return
	}
	before := *m.peers.Load()
	named := m.o.peersOf(list)
	now := make(map[ids.Node]*peer, len(named))
	for id, to := range named {
		if p := before[id]; p != nil {
			p.frames.set(to)
			p.calls.set(to)
			named[id], _, _ = p.frames.state() // the newer of both
			now[id] = p
			continue
		}
		now[id] = m.join(to)
	}
	m.guests.setPeers(named)
	m.peers.Store(&now)
	for id, p := range before {
		if now[id] == nil {
			p.stop()
		}
	}
}

func (m *Mesh) join(to Peer) *peer {
	ctx, stop := context.WithCancel(m.ctx)
	p := &peer{frames: newWay(m, forFrames, to), calls: newWay(m, forCalls, to), stop: stop}
	m.done.Go(func() { p.frames.run(ctx) })
	m.done.Go(func() { p.calls.run(ctx) })
	return p
}

// Send queues a copy of a frame for a peer, and reports whether it will be tried.
// It is not where the frame is empty or too long, the node is no peer or not
// connected, or the queue is full. It never waits.
func (m *Mesh) Send(to ids.Node, frame []byte) bool {
	p := (*m.peers.Load())[to]
	if p == nil {
		m.count.droppedAway.Add(1)
		return false
	}
	o := p.frames.open.Load()
	switch {
	case o == nil:
		m.count.droppedAway.Add(1)
		return false
	case len(frame) == 0 || len(frame) > o.pipe.longest:
		m.count.droppedLength.Add(1)
		return false
	}
	var head [frameHeader]byte
	_, err := o.pipe.out.add(appendFrameHeader(head[:0], len(frame)), frame)
	switch {
	case errors.Is(err, errFull):
		m.count.droppedFull.Add(1)
	case err != nil:
		m.count.droppedAway.Add(1)
	}
	return err == nil
}

// Call asks a peer, and returns what its Serve did: an answer that belongs to the
// caller, or a *RemoteError. Other errors are an ErrNotSent or an
// ErrUnknownOutcome, never both. Kind is for the peer's Serve.
func (m *Mesh) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	m.count.calls.Add(1)
	answer, err := m.call(ctx, to, kind, request)
	if err != nil {
		m.count.callsFailed.Add(1)
	}
	return answer, err
}

func (m *Mesh) call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	p := (*m.peers.Load())[to]
	if p == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoPeer, to)
	}
	c, err := p.calls.caller(ctx)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, kind, request)
}

// Stats says what happened so far.
func (m *Mesh) Stats() Stats {
	s := m.count.snapshot()
	for p := range maps.Values(*m.peers.Load()) {
		s.Peers++
		if p.frames.open.Load() != nil && p.calls.open.Load() != nil {
			s.Reached++
		}
	}
	return s
}

// Close ends the Mesh: what waits is dropped, calls fail, and neither Frame nor
// Serve runs any more when it returns; the contexts of those that do have ended.
// It may be called again.
func (m *Mesh) Close() error {
	var err error
	m.once.Do(func() {
		m.mu.Lock() // no SetPeers starts anything from here on
		m.cancel()
		m.mu.Unlock()
		err = m.o.Listener.Close()
	})
	m.done.Wait()
	return err
}

// pause waits, unless the Mesh is closed before.
func (m *Mesh) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-m.ctx.Done():
	}
}

// refused tells of a refusal, unless there were too many in this second: all are
// counted.
func (m *Mesh) refused(remote string, err error) {
	if m.refusal.allow(time.Now()) {
		m.o.Refused(remote, err)
	}
}

// refusalBurst bounds what Options.Refused is told in a second.
const refusalBurst = 20

type limiter struct {
	mu     sync.Mutex
	second int64
	told   int // in it
}

func (l *limiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Unix() != l.second {
		l.second, l.told = now.Unix(), 0
	}
	l.told++
	return l.told <= refusalBurst
}
