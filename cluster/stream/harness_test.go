package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/wire"
)

var (
	nodeA = wire.Node{ID: 0xa, Incarnation: 1}
	nodeB = wire.Node{ID: 0xb, Incarnation: 2}
	nodeC = wire.Node{ID: 0xc, Incarnation: 3}
)

// soon bounds a wait for what is to happen; no test passes by it.
const soon = 30 * time.Second

// authority is a CA that issues certificates for tests.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t), pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

var bothUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}

func (a *authority) issue(t testing.TB, name string, usage ...x509.ExtKeyUsage) Credentials {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: usage,
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, a.pool}
}

func (a *authority) identity(t testing.TB, name string) Identity {
	c := a.issue(t, name, bothUsages...)
	return func() Credentials { return c }
}

// node is a Mesh under test, and what reached it.
type node struct {
	*Mesh
	t       testing.TB
	peer    Peer
	frames  chan string // "node/incarnation frame"
	refused chan string
}

// start runs a node on loopback. By default it echoes calls.
func start(t testing.TB, self wire.Node, change func(*Options)) *node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, self, listener, change)
}

func startOn(t testing.TB, self wire.Node, listener net.Listener, change func(*Options)) *node {
	t.Helper()
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, peer: Peer{self, at}, frames: make(chan string, 1<<16), refused: make(chan string, 1<<10)}
	o := Options{
		Self: self, Cluster: "mice", Listener: listener,
		Frame: func(from wire.Node, frame []byte) {
			n.frames <- fmt.Sprintf("%x/%d %s", uint64(from.ID), from.Incarnation, frame)
		},
		Serve: func(_ context.Context, from wire.Node, kind byte, request []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%x/%d %d %s", uint64(from.ID), from.Incarnation, kind, request), nil
		},
		Refused: func(_ string, err error) { n.refused <- err.Error() },
	}
	if change != nil {
		change(&o)
	}
	if n.Mesh, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// meet makes nodes peers of one another, and waits until all are connected.
func meet(t testing.TB, nodes ...*node) {
	t.Helper()
	var all []Peer
	for _, n := range nodes {
		all = append(all, n.peer)
	}
	for _, n := range nodes {
		n.SetPeers(all)
	}
	for _, n := range nodes {
		until(t, func() bool { return n.Stats().Reached == len(nodes)-1 }, n.Stats)
	}
}

// until waits for a condition that other goroutines bring about.
func until(t testing.TB, ok func() bool, state func() Stats) {
	t.Helper()
	deadline := time.After(soon)
	for tick := time.NewTicker(2 * time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not come about: %v", state())
		}
	}
}

func next(t testing.TB, from chan string) string {
	t.Helper()
	select {
	case s := <-from:
		return s
	case <-time.After(soon):
		t.Fatal("nothing came")
		return ""
	}
}

// learns waits for a refusal that says so. That a node was no peer yet when it came
// is said now and then where nodes meet.
func (n *node) learns(t testing.TB, want string) {
	t.Helper()
	for {
		got := next(t, n.refused)
		if strings.Contains(got, want) {
			return
		}
		if !strings.Contains(got, "is no peer of") {
			t.Errorf("told %q, want %q", got, want)
			return
		}
	}
}

// line is one end of a connection of a network in memory.
type line struct {
	net.Conn
	network *network
	local   *net.TCPAddr
}

func (l line) Write(b []byte) (int, error) {
	if l.network.cut.Load() {
		return len(b), nil // on its way for ever
	}
	return l.Conn.Write(b)
}

func (l line) RemoteAddr() net.Addr { return l.local }

// network connects nodes within a bubble of testing/synctest.
type network struct {
	cut atomic.Bool // whatever is written is lost

	mu    sync.Mutex
	rooms map[string]*room
	dials []time.Time
}

// room is a listener of it.
type room struct {
	network *network
	at      *net.TCPAddr
	calls   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newNetwork() *network { return &network{rooms: map[string]*room{}} }

func (n *network) listen(port int) *room {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := &room{network: n, at: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, calls: make(chan net.Conn), closed: make(chan struct{})}
	n.rooms[r.at.String()] = r
	return r
}

func (r *room) Accept() (net.Conn, error) {
	select {
	case c := <-r.calls:
		return c, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

func (r *room) Addr() net.Addr { return r.at }

func (r *room) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}

var errNobody = errors.New("connection refused")

func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, time.Now())
	r := n.rooms[address]
	n.mu.Unlock()
	if r == nil {
		return nil, errNobody
	}
	here, there := net.Pipe()
	select {
	case r.calls <- line{there, n, r.at}:
		return line{here, n, r.at}, nil
	case <-r.closed:
		return nil, errNobody
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inMemory starts a node at a port of the network.
func (n *network) start(t testing.TB, self wire.Node, change func(*Options)) *node {
	t.Helper()
	return startOn(t, self, n.listen(int(self.ID)), func(o *Options) {
		o.dial = n.dial
		if change != nil {
			change(o)
		}
	})
}
