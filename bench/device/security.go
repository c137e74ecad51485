package device

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"

	"dormouse/bench/device/secure"
	"dormouse/codec/dtlsrec"
)

// Security is how the devices of a fleet speak DTLS.
type Security struct {
	secure.Credentials
	Suites      []dtlsrec.Suite // that are offered; nil: CCM8
	NoCID       bool            // no Connection ID is offered
	RebindEvery int             // a new socket after so many messages, with CID alone; 0: never
}

const (
	// maxShakes are under way at the same time, and take 60 kB each; others wait.
	maxShakes = 64
	// shakeQueue is how many datagrams may wait for a handshake; more are lost.
	shakeQueue = 16
)

// guard makes sessions and sockets for the devices of a fleet.
type guard struct {
	security Security
	readers  *sync.WaitGroup
	listen   func(Event)

	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	shakes sync.WaitGroup
}

func newGuard(s Security, readers *sync.WaitGroup, listen func(Event)) *guard {
	ctx, cancel := context.WithCancel(context.Background())
	return &guard{
		security: s, readers: readers, listen: listen,
		ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxShakes),
	}
}

// close ends the handshakes under way.
func (g *guard) close() {
	g.cancel()
	g.shakes.Wait()
}

// shake makes a session for a device, and tells its worker how that ended. The
// socket stays until then.
func (g *guard) shake(m *member) {
	in, conn := make(chan []byte, shakeQueue), m.conn
	m.shaking = in
	c := g.security.Of(m.client.Endpoint())
	o := secure.Options{Identity: c.Identity, Key: c.Key, Suites: g.security.Suites, NoCID: g.security.NoCID}
	g.shakes.Go(func() {
		a := arrival{member: m}
		select {
		case g.slots <- struct{}{}:
			ctx, cancel := context.WithTimeout(g.ctx, secure.HandshakeTime)
			a.link, a.err = secure.Handshake(ctx, func(b []byte) { _, _ = conn.Write(b) }, in, o)
			cancel()
			<-g.slots
		case <-g.ctx.Done():
			a.err = g.ctx.Err()
		}
		select {
		case m.worker.in <- a:
		case <-m.worker.stopped:
		}
	})
}

// move gives a device another socket to its server, and so another port. What comes to the old
// one is lost. It stays where there is none to be had.
func (g *guard) move(m *member) {
	conn, err := net.DialUDP("udp", nil, m.conn.RemoteAddr().(*net.UDPAddr))
	if err != nil {
		return
	}
	old := m.conn
	m.conn, m.line.sent = conn, 0
	_ = old.Close() // ends its reader
	g.readers.Go(func() { m.read(conn, m.worker.in) })
	g.tell(m, Rebound, "")
}

func (g *guard) tell(m *member, kind EventKind, what string) {
	g.listen(Event{Kind: kind, Endpoint: m.client.Endpoint(), Path: what})
}

// pass takes a datagram or the end of a handshake for a device with DTLS, and
// returns the messages in it.
func (g *guard) pass(m *member, a arrival) (messages [][]byte) {
	switch {
	case a.buffer == nil:
		g.settle(m, a)
	case m.shaking != nil:
		select {
		case m.shaking <- bytes.Clone(a.buffer[:a.n]):
		default:
		}
	default:
		var reused int
		messages, reused = m.line.open(a.buffer[:a.n])
		for range reused {
			g.tell(m, NonceReused, "")
		}
	}
	return messages
}

// settle ends a handshake.
func (g *guard) settle(m *member, a arrival) {
	m.shaking = nil
	if a.err != nil {
		g.tell(m, ShakeFailed, a.err.Error())
	} else {
		g.tell(m, Shaken, fmt.Sprintf("%v, %d bytes of Connection ID", a.link.Suite(), len(a.link.CID())))
	}
	m.write(m.line.made(a.link))
}

// send sends messages of a device, or has them wait for a session.
func (g *guard) send(m *member, messages [][]byte) {
	if n := m.client.Counters().Unheard; n != m.unheard {
		m.unheard = n
		m.line.silent()
	}
	if len(messages) > 0 && m.line.moves() {
		g.move(m)
	}
	datagrams, shake := m.line.seal(messages)
	if shake {
		g.shake(m)
	}
	m.write(datagrams)
}
