package link

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Link sends datagrams to other nodes and receives theirs, on one socket. Its
// methods may be called concurrently; none of them waits for a peer.
type Link struct {
	o      Options
	socket Socket
	count  counters

	peers atomic.Pointer[map[ids.Node]*peer] // as of the last SetPeers

	mu     sync.Mutex // guards all below; taken before a peer's locks
	roster roster

	ready  visits
	closed chan struct{}
	once   sync.Once
	done   sync.WaitGroup // the reader and the sender
}

// Listen binds a UDP socket for a Link, with buffers for a burst where the
// kernel grants them.
func Listen(address string) (*net.UDPConn, error) {
	const buffer = 4 << 20
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("link: reading the address %q: %w", address, err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("link: binding %s: %w", address, err)
	}
	_ = conn.SetReadBuffer(buffer) // the kernel gives what it likes, which will do
	_ = conn.SetWriteBuffer(buffer)
	return conn, nil
}

// New starts a Link without peers; the socket is its own from now on, and closed
// by Close. Errors wrap ErrOptions, and leave the socket to the caller.
func New(socket Socket, o Options) (*Link, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Link{o: o, socket: socket, ready: newVisits(), closed: make(chan struct{})}
	l.roster = roster{self: o.Self, ring: o.Ring, most: o.MaxPeers}
	l.peers.Store(&map[ids.Node]*peer{})
	l.done.Go(l.read)
	l.done.Go(l.write)
	return l, nil
}

// SetPeers says which other nodes there are, all of them; this node and what is
// beyond Options.MaxPeers is passed over. A node that is not named any more is a
// stranger, what waits for it is dropped. Of a node of which a newer incarnation
// was named before, the newer one stays.
func (l *Link) SetPeers(list []Peer) {
	l.mu.Lock()
	now, left := l.roster.set(list)
	l.peers.Store(&now)
	l.mu.Unlock()
	for _, p := range left {
		l.count.drop(DropPeerGone, p.forget())
	}
}

// SetRing replaces the keys; what waits is sealed under the new first one.
func (l *Link) SetRing(ring *Ring) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roster.setRing(ring)
}

// Send queues a datagram for a node, and reports whether it will be tried. It
// counts the link: fwd.Hops is 0 for what comes from a device or an endpoint
// here, and as it was received for what is passed on. It never waits, and does
// not keep fwd.
func (l *Link) Send(to ids.Node, fwd wire.Forward) bool {
	if why, ok := l.send(to, &fwd); !ok {
		l.count.drop(why, 1)
		return false
	}
	return true
}

func (l *Link) send(to ids.Node, fwd *wire.Forward) (Drop, bool) {
	switch {
	case l.isClosed():
		return DropClosed, false
	case len(fwd.Datagram) > wire.MaxForwarded:
		return DropTooLong, false
	case fwd.Hops >= wire.MaxHops:
		return DropHops, false
	case fwd.Path.IsZero():
		return DropNoPath, false
	}
	p := (*l.peers.Load())[to]
	if p == nil {
		return DropNoPeer, false
	}
	fwd.Hops++
	why, added, first, full := p.add(fwd, &l.o)
	if first {
		l.ready.add(p)
	}
	if full {
		l.ready.hurry()
	}
	return why, added
}

// Stats says what happened so far.
func (l *Link) Stats() Stats {
	s := l.count.snapshot()
	s.Peers = len(*l.peers.Load())
	return s
}

// Close ends the Link: what waits is dropped, and Receive is not called any more
// when it returns. It may be called again.
func (l *Link) Close() error {
	var err error
	l.once.Do(func() {
		close(l.closed)
		err = l.socket.Close()
	})
	l.done.Wait()
	return err
}

func (l *Link) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// pause waits, unless the Link is closed before.
func (l *Link) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.closed:
	}
}
