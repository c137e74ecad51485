package secure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

var testKey = []byte("secret of the two")

// wire is the server's end of a line to a Handshake, as pion wants it, with the
// loss between the two.
type wire struct {
	toServer, toClient chan []byte
	closed             chan struct{}
	once               sync.Once

	mu     sync.Mutex
	lose   func() bool // guarded by mu; nil: never
	sent   [][]byte    // all that the client sent, lost or not
	served [][]byte    // all that the server sent
}

func newWire() *wire {
	return &wire{toServer: make(chan []byte, 64), toClient: make(chan []byte, 64), closed: make(chan struct{})}
}

func (w *wire) lost() bool { return w.lose != nil && w.lose() }

// fromClient is what Handshake sends by.
func (w *wire) fromClient(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, bytes.Clone(b))
	if !w.lost() {
		w.toServer <- bytes.Clone(b)
	}
}

func (w *wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served = append(w.served, bytes.Clone(b))
	if !w.lost() {
		w.toClient <- bytes.Clone(b)
	}
	return len(b), nil
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case datagram := <-w.toServer:
		return copy(b, datagram), nowhere, nil
	case <-w.closed:
		return 0, nil, net.ErrClosed
	}
}

func (w *wire) Close() error                     { w.once.Do(func() { close(w.closed) }); return nil }
func (w *wire) LocalAddr() net.Addr              { return nowhere }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// serverSide is pion's server, and what it had to say.
type serverSide struct {
	conn *dtls.Conn
	err  error
}

// meet makes a handshake with pion's server. A nil cid has it offer none.
func meet(t *testing.T, w *wire, cid func() []byte, o Options) (*Link, *dtls.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	config := &dtls.Config{
		PSK: func(identity []byte) ([]byte, error) {
			if string(identity) != "urn:dev:1" {
				return nil, errors.New("nobody's")
			}
			return testKey, nil
		},
		CipherSuites: []dtls.CipherSuiteID{
			dtls.TLS_PSK_WITH_AES_128_CCM_8, dtls.TLS_PSK_WITH_AES_128_CCM,
			dtls.TLS_PSK_WITH_AES_128_GCM_SHA256, dtls.TLS_PSK_WITH_AES_128_CBC_SHA256,
		},
		ConnectionIDGenerator: cid,
	}
	accepted := make(chan serverSide, 1)
	go func() {
		conn, err := dtls.ServerWithContext(ctx, w, nowhere, config)
		accepted <- serverSide{conn, err}
	}()
	link, err := Handshake(ctx, w.fromClient, w.toClient, o)
	if err != nil {
		cancel()
		w.Close()
		if s := <-accepted; s.conn != nil {
			s.conn.Close()
		}
		return nil, nil, err
	}
	s := <-accepted
	if s.err != nil {
		t.Fatalf("server: %v", s.err)
	}
	t.Cleanup(func() { s.conn.Close() })
	return link, s.conn, nil
}

func mustMeet(t *testing.T, w *wire, cid func() []byte, o Options) (*Link, *dtls.Conn) {
	t.Helper()
	link, conn, err := meet(t, w, cid, o)
	if err != nil {
		t.Fatal(err)
	}
	return link, conn
}

// talk passes messages of several lengths both ways.
func talk(t *testing.T, w *wire, link *Link, conn *dtls.Conn) {
	t.Helper()
	for _, n := range []int{1, 16, 60, 255, 1024} {
		sent := bytes.Repeat([]byte{byte(n)}, n)
		w.fromClient(link.Seal(nil, sent))
		got := make([]byte, 2048)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		k, err := conn.Read(got)
		if err != nil || !bytes.Equal(got[:k], sent) {
			t.Fatalf("%d bytes: the server read %x, %v", n, got[:k], err)
		}
		if _, err := conn.Write(sent); err != nil {
			t.Fatal(err)
		}
		plaintexts := next(t, w, link)
		if len(plaintexts) != 1 || !bytes.Equal(plaintexts[0], sent) {
			t.Fatalf("%d bytes: opened %x", n, plaintexts)
		}
		link.Sleep()
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// next opens datagrams until one has application data; repetitions of the
// handshake may come before.
func next(t *testing.T, w *wire, link *Link) [][]byte {
	t.Helper()
	for {
		plaintexts, err := link.Open(<-w.toClient)
		if len(plaintexts) > 0 {
			return plaintexts
		}
		if !errors.Is(err, ErrReplay) && !errors.Is(err, ErrForeign) {
			t.Fatalf("opened nothing: %v", err)
		}
	}
}

// goodbye: the server understands close_notify, and answers it.
func goodbye(t *testing.T, w *wire, link *Link, conn *dtls.Conn) {
	t.Helper()
	w.fromClient(link.Close(nil))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the server goes on after close_notify: %v", err)
	}
	if a, ended := link.Ended(); !ended || a.Description != dtlsrec.CloseNotify {
		t.Errorf("ended %v by %v", ended, a)
	}
	if b := append(link.Seal(nil, []byte("more")), link.Close(nil)...); len(b) > 0 {
		t.Errorf("an ended session seals %x", b)
	}
}

// lossy loses one datagram in five.
func lossy(seed uint64) func() bool {
	random := rand.New(rand.NewPCG(seed, 5))
	return func() bool { return random.IntN(5) == 0 }
}
