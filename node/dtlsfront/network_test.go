package dtlsfront

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"

	"github.com/pion/dtls/v2"
)

var testKey = []byte("sixteen byte key")

// testPSK knows the identities that begin with "device".
func testPSK(identity []byte) (Credential, bool) {
	if bytes.HasPrefix(identity, []byte("device")) {
		return Credential{Key: testKey, Endpoint: "ep-" + string(identity), Serial: 7}, true
	}
	return Credential{}, false
}

// network is a front, clients in the same process, sessions as their owner
// would keep them, and the loss between them.
type network struct {
	t     testing.TB
	front *Front

	mu       sync.Mutex
	lose     func(toClient bool, datagram []byte) bool // nil: nothing is lost
	clients  map[wire.ReturnPath]*pipe
	sessions map[wire.ReturnPath]*session
	toClient map[wire.ReturnPath][][]byte // all that was sent, lost or not
	done     []Done
	failed   []Failed
	refused  [Refusals]int
	held     []func(error) // Commits that wait, where hold is true
	hold     bool
	cids     uint32

	transmit func(path wire.ReturnPath, datagram []byte) // where clients are behind a real socket
	answer   func(request []byte) []byte                 // nil: the same in capitals
}

// session is what goes on after a handshake.
type session struct {
	Established
	cipher *dtlsrec.Cipher
	window dtlsrec.Window
	next   uint64
}

func newNetwork(t testing.TB, change func(*network, *Options)) *network {
	t.Helper()
	n := &network{
		t: t, clients: map[wire.ReturnPath]*pipe{}, sessions: map[wire.ReturnPath]*session{},
		toClient: map[wire.ReturnPath][][]byte{},
	}
	o := Options{
		PSK: testPSK, Send: n.send, Commit: n.commit, NewCID: n.newCID,
		Events: Events{
			HandshakeDone:   func(d Done) { n.mu.Lock(); n.done = append(n.done, d); n.mu.Unlock() },
			HandshakeFailed: func(f Failed) { n.mu.Lock(); n.failed = append(n.failed, f); n.mu.Unlock() },
			Refused:         func(r Refused) { n.mu.Lock(); n.refused[r.Kind]++; n.mu.Unlock() },
		},
	}
	if change != nil {
		change(n, &o)
	}
	var err error
	if n.front, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.front.Close)
	return n
}

func (n *network) newCID() ids.CID {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cids++
	return ids.Key{7}.NewCID(3, n.cids)
}

// commit makes the session, at once or when the test lets it.
func (n *network) commit(e Established, done func(error)) {
	c, err := dtlsrec.NewCipher(e.Secrets, true)
	if err != nil {
		n.t.Error(err)
	}
	s := &session{Established: e, cipher: c, next: e.NextSequence}
	s.window.Accept(e.ReceivedSequence)
	n.mu.Lock()
	n.sessions[e.Path] = s
	hold := n.hold
	if hold {
		n.held = append(n.held, done)
	}
	n.mu.Unlock()
	if !hold {
		done(nil)
	}
}

// send is the way to a client.
func (n *network) send(path wire.ReturnPath, datagram []byte) {
	datagram = bytes.Clone(datagram)
	n.mu.Lock()
	n.toClient[path] = append(n.toClient[path], datagram)
	c, lost := n.clients[path], n.lose != nil && n.lose(true, datagram)
	n.mu.Unlock()
	if n.transmit != nil {
		n.transmit(path, datagram)
	}
	if c == nil || lost {
		return
	}
	select {
	case c.in <- datagram:
	default: // an inbox that is full loses
	}
}

// receive is the way from a client, with the decision that a router makes.
func (n *network) receive(path wire.ReturnPath, datagram []byte) {
	n.mu.Lock()
	lost := n.lose != nil && n.lose(false, datagram)
	n.mu.Unlock()
	switch {
	case lost:
	case n.front.Handles(path, datagram):
		n.front.Receive(path, datagram)
	default:
		n.uplink(path, datagram)
	}
}

// uplink answers what a session got.
func (n *network) uplink(path wire.ReturnPath, datagram []byte) {
	n.mu.Lock()
	s := n.sessions[path]
	n.mu.Unlock()
	if s == nil {
		return
	}
	cidLen := 0
	if s.HasCID {
		cidLen = ids.CIDLen
	}
	h, fragment, _, err := dtlsrec.ParseHeader(datagram, cidLen)
	if err != nil || !s.window.Fresh(h.Sequence) || s.HasCID && !bytes.Equal(h.CID, s.LocalCID[:]) {
		return
	}
	plaintext, kind, err := s.cipher.Open(nil, h, fragment)
	if err != nil || kind != dtlsrec.TypeApplicationData {
		return
	}
	s.window.Accept(h.Sequence)
	answer := n.answer
	if answer == nil {
		answer = bytes.ToUpper
	}
	out := s.cipher.Seal(nil, dtlsrec.TypeApplicationData, 1, s.next, s.PeerCID, answer(plaintext))
	s.next++
	n.send(path, out)
}

// drop makes a seeded loss of a share in percent, both ways.
func dropping(seed uint64, percent int) func(bool, []byte) bool {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(bool, []byte) bool { return r.IntN(100) < percent }
}

func pathOf(i int) wire.ReturnPath {
	a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	return wire.ReturnPath{Peer: netip.AddrPortFrom(a, 5684), Local: netip.AddrFrom4([4]byte{192, 0, 2, 1})}
}

// socket makes the client's end at a path.
func (n *network) socket(path wire.ReturnPath) *pipe {
	p := newPipe(net.UDPAddrFromAddrPort(path.Peer), func(b []byte) { n.receive(path, bytes.Clone(b)) })
	p.in = make(chan []byte, 64)
	n.mu.Lock()
	n.clients[path] = p
	n.mu.Unlock()
	return p
}

func clientConfig(identity string, key []byte, suites ...dtls.CipherSuiteID) *dtls.Config {
	if suites == nil {
		suites = []dtls.CipherSuiteID{dtls.TLS_PSK_WITH_AES_128_CCM_8}
	}
	return &dtls.Config{
		PSK:             func([]byte) ([]byte, error) { return key, nil },
		PSKIdentityHint: []byte(identity),
		CipherSuites:    suites,
	}
}

// dial makes a handshake as a client.
func (n *network) dial(path wire.ReturnPath, c *dtls.Config, limit time.Duration) (*dtls.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p := n.socket(path)
	return dtls.ClientWithContext(ctx, p, p.peer, c)
}

// settled dials, and waits until the front has nothing to do any more. It is for
// bubbles with one client at a time.
func (n *network) settled(path wire.ReturnPath, c *dtls.Config, limit time.Duration) (*dtls.Conn, error) {
	conn, err := n.dial(path, c, limit)
	synctest.Wait()
	return conn, err
}

// echo has one exchange over the session; what is lost is sent again.
func (n *network) echo(conn *dtls.Conn, text string) error {
	answer := make([]byte, 100)
	for range 50 {
		if _, err := conn.Write([]byte(text)); err != nil {
			return err
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		k, err := conn.Read(answer)
		conn.SetReadDeadline(time.Time{}) // pion has a goroutine for each that is not taken back
		if err == nil && string(answer[:k]) == string(bytes.ToUpper([]byte(text))) {
			return nil
		}
		var timeout net.Error
		if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return fmt.Errorf("reading the echo: %w", err)
		}
	}
	return errors.New("no echo in 50 attempts")
}

func (n *network) sent(path wire.ReturnPath) [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.toClient[path])
}

// quiet waits, in a bubble, until the front has nothing to do.
func (n *network) quiet() { synctest.Wait() }

// timeout is a context that ends with the test at the latest.
func timeout(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}
