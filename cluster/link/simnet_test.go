package link

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// simnet is a network in memory that loses, doubles and reorders, inside a
// bubble of testing/synctest. It keeps what passed it, for tests that replay.
type simnet struct {
	mu    sync.Mutex
	rand  *rand.Rand
	at    map[netip.AddrPort]*simSocket
	loss  float64
	twice float64
	delay time.Duration // at most; what leaves later may come earlier

	sent  []simPacket // all of them, also what was lost
	bad   []string    // nonces that came twice
	nonce map[string]string
}

type simPacket struct {
	from, to netip.AddrPort
	data     string
}

type simSocket struct {
	net    *simnet
	addr   netip.AddrPort
	inbox  chan simPacket
	closed chan struct{}
	once   sync.Once
	full   chan struct{} // where not nil, writes wait until it is closed
}

func newSimnet(t testing.TB) *simnet {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return &simnet{rand: rand.New(rand.NewPCG(seed, 0)), at: map[netip.AddrPort]*simSocket{}, nonce: map[string]string{}}
}

func (n *simnet) listen(port int) *simSocket {
	s := &simSocket{net: n, addr: simAddr(port), inbox: make(chan simPacket, 1024), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at[s.addr] = s
	return s
}

func simAddr(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

// audit notes the nonce of a frame: for one receiver, the header holds all that
// key and nonce are made of. The receiver's incarnation it does not know, which
// makes it stricter than it has to be.
func (n *simnet) audit(p simPacket) {
	if _, err := parseHeader([]byte(p.data)); err != nil {
		return
	}
	name := p.to.String() + p.data[:headerSize]
	if before, used := n.nonce[name]; used && before != p.data {
		n.bad = append(n.bad, fmt.Sprintf("to %v: %x and %x", p.to, before, p.data))
	}
	n.nonce[name] = p.data
}

func (s *simSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if s.full != nil {
		select {
		case <-s.full:
		case <-s.closed:
		}
	}
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
	}
	s.net.send(simPacket{s.addr, to, string(b)})
	return len(b), nil
}

func (n *simnet) send(p simPacket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.audit(p)
	n.sent = append(n.sent, p)
	copies := 1
	if n.rand.Float64() < n.twice {
		copies = 2
	}
	for range copies {
		if n.rand.Float64() < n.loss {
			continue
		}
		wait := time.Duration(0)
		if n.delay > 0 {
			wait = time.Duration(n.rand.Int64N(int64(n.delay)))
		}
		time.AfterFunc(wait, func() { n.deliver(p) })
	}
}

func (n *simnet) deliver(p simPacket) {
	n.mu.Lock()
	s := n.at[p.to]
	n.mu.Unlock()
	if s == nil {
		return
	}
	select {
	case s.inbox <- p:
	default: // as a kernel does
	}
}

func (s *simSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-s.inbox:
		return copy(b, p.data), p.from, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (s *simSocket) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// recording is all that has passed so far.
func (n *simnet) recording() []simPacket {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]simPacket(nil), n.sent...)
}

// nonceTwice fails the test where a nonce came twice under a key.
func (n *simnet) nonceTwice(t *testing.T) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range n.bad {
		t.Error("a nonce twice ", text)
	}
}
