package dtlsrec

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
)

var peer = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5684}

// lane is one end of a line that carries datagrams, a net.PacketConn for pion. What
// is written to it goes to the other end, or to tap once that is set.
type lane struct {
	in, out chan []byte
	closed  chan struct{}
	once    *sync.Once

	mu  sync.Mutex
	tap chan []byte // guarded by mu
}

func newLine() (a, b *lane) {
	ab, ba := make(chan []byte, 64), make(chan []byte, 64)
	closed, once := make(chan struct{}), &sync.Once{}
	return &lane{in: ba, out: ab, closed: closed, once: once}, &lane{in: ab, out: ba, closed: closed, once: once}
}

func (l *lane) divert() chan []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tap = make(chan []byte, 64)
	return l.tap
}

func (l *lane) WriteTo(b []byte, _ net.Addr) (int, error) {
	l.mu.Lock()
	to := l.out
	if l.tap != nil {
		to = l.tap
	}
	l.mu.Unlock()
	select {
	case to <- bytes.Clone(b):
		return len(b), nil
	case <-l.closed:
		return 0, net.ErrClosed
	}
}

func (l *lane) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case datagram := <-l.in:
		return copy(b, datagram), peer, nil
	case <-l.closed:
		return 0, nil, net.ErrClosed
	}
}

func (l *lane) Close() error                     { l.once.Do(func() { close(l.closed) }); return nil }
func (l *lane) LocalAddr() net.Addr              { return peer }
func (l *lane) SetDeadline(time.Time) error      { return nil }
func (l *lane) SetReadDeadline(time.Time) error  { return nil }
func (l *lane) SetWriteDeadline(time.Time) error { return nil }

// exported is what dtls.State.MarshalBinary writes, as far as it is used here.
type exported struct {
	LocalEpoch, RemoteEpoch               uint16
	LocalRandom, RemoteRandom             [32]byte
	CipherSuiteID                         uint16
	MasterSecret                          []byte
	SequenceNumber                        uint64
	LocalConnectionID, RemoteConnectionID []byte
}

// met is a pion client after its handshake with a pion server, whose part we
// take over.
type met struct {
	state  exported
	client *dtls.Conn
	toUs   chan []byte // datagrams of the client from now on
	toThem func(datagram []byte)
}

// meet makes a handshake. A nil cid offers no Connection ID.
func meet(t *testing.T, suite Suite, clientCID, serverCID func() []byte) *met {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	config := func(cid func() []byte) *dtls.Config {
		return &dtls.Config{
			PSK:                   func([]byte) ([]byte, error) { return []byte("secret of the two"), nil },
			PSKIdentityHint:       []byte("urn:dev:1"),
			CipherSuites:          []dtls.CipherSuiteID{dtls.CipherSuiteID(suite)},
			ConnectionIDGenerator: cid,
		}
	}
	clientEnd, serverEnd := newLine()
	type result struct {
		conn *dtls.Conn
		err  error
	}
	accepted := make(chan result, 1)
	go func() {
		conn, err := dtls.ServerWithContext(ctx, serverEnd, peer, config(serverCID))
		accepted <- result{conn, err}
	}()
	client, err := dtls.ClientWithContext(ctx, clientEnd, peer, config(clientCID))
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	server := <-accepted
	if server.err != nil {
		t.Fatalf("server: %v", server.err)
	}
	m := &met{client: client, toUs: clientEnd.divert()}
	serverEnd.divert() // its close_notify goes nowhere
	m.toThem = func(datagram []byte) { clientEnd.in <- bytes.Clone(datagram) }
	t.Cleanup(func() {
		// The client's close_notify is the last record that is looked at.
		if err := client.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
		server.conn.Close()
	})
	state := server.conn.ConnectionState()
	packed, err := state.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(bytes.NewReader(packed)).Decode(&m.state); err != nil {
		t.Fatal(err)
	}
	return m
}

// secrets are those of the session, seen from the server.
func (m *met) secrets() Secrets {
	return Secrets{
		Suite: Suite(m.state.CipherSuiteID), Master: m.state.MasterSecret,
		ClientRandom: m.state.RemoteRandom, ServerRandom: m.state.LocalRandom,
	}
}

// cidCases are who asks for a Connection ID of which length: -1 for nobody.
var cidCases = []struct {
	name           string
	client, server int
}{
	{"no CID", -1, -1},
	{"CID to the server alone", 0, 8},
	{"CIDs both ways", 5, 8},
	{"one byte", 1, 8},
	{"to the client alone", 3, 0},
}

func cidOf(n int) func() []byte {
	if n < 0 {
		return nil
	}
	if n == 0 {
		return dtls.OnlySendCIDGenerator()
	}
	return dtls.RandomCIDGenerator(n)
}

// TestPionGoesOnWithUs: a session that pion made goes on with our records, in
// every suite, with and without Connection ID.
func TestPionGoesOnWithUs(t *testing.T) {
	for _, suite := range suites {
		for _, tc := range cidCases {
			if suite == CBCSHA256 && tc.client >= 0 {
				continue // TestPionsMACWithCID
			}
			t.Run(fmt.Sprintf("%v/%s", suite, tc.name), func(t *testing.T) {
				m := meet(t, suite, cidOf(tc.client), cidOf(tc.server))
				if got := len(m.state.LocalConnectionID); got != max(tc.server, 0) {
					t.Fatalf("our CID has %d bytes", got)
				}
				ours, err := NewCipher(m.secrets(), true)
				if err != nil {
					t.Fatal(err)
				}
				talk(t, m, ours)
			})
		}
	}
}

// talk passes messages of several lengths both ways, and ends with the alert.
func talk(t *testing.T, m *met, ours *Cipher) {
	t.Helper()
	// A record that pion drops would be waited for without end.
	if err := m.client.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	window, seq := Window{}, uint64(1000)
	for _, n := range []int{1, 15, 16, 17, 64, 255, 1024} {
		sent := bytes.Repeat([]byte{byte(n)}, n)
		if _, err := m.client.Write(sent); err != nil {
			t.Fatal(err)
		}
		datagram := <-m.toUs
		h, fragment, rest, err := ParseHeader(datagram, len(m.state.LocalConnectionID))
		if err != nil || len(rest) != 0 || h.Epoch != 1 || !bytes.Equal(h.CID, m.state.LocalConnectionID) {
			t.Fatalf("%x: %+v, %d bytes left, %v", datagram, h, len(rest), err)
		}
		if !window.Fresh(h.Sequence) || !window.Accept(h.Sequence) {
			t.Errorf("record %d is not new", h.Sequence)
		}
		got, typ, err := ours.Open(nil, h, fragment)
		if err != nil || typ != TypeApplicationData || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes: %x of %v, %v", n, got, typ, err)
		}

		seq++
		m.toThem(ours.Seal(nil, TypeApplicationData, 1, seq, m.state.RemoteConnectionID, sent))
		answer := make([]byte, 2048)
		k, err := m.client.Read(answer)
		if err != nil || !bytes.Equal(answer[:k], sent) {
			t.Fatalf("%d bytes: pion read %x, %v", n, answer[:k], err)
		}
	}
	goodbye(t, m, ours, seq+1)
}

// goodbye: pion understands our close_notify and answers with its own.
func goodbye(t *testing.T, m *met, ours *Cipher, seq uint64) {
	t.Helper()
	m.toThem(ours.Seal(nil, TypeAlert, 1, seq, m.state.RemoteConnectionID, Alert{Warning, CloseNotify}.Append(nil)))
	if _, err := m.client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("pion goes on after close_notify: %v", err)
	}
	datagram := <-m.toUs
	h, fragment, _, err := ParseHeader(datagram, len(m.state.LocalConnectionID))
	if err != nil {
		t.Fatal(err)
	}
	plaintext, typ, err := ours.Open(nil, h, fragment)
	if err != nil || typ != TypeAlert {
		t.Fatalf("%v, %v", typ, err)
	}
	if a, err := ParseAlert(plaintext); err != nil || !a.Ends() || a.Description != CloseNotify {
		t.Errorf("%+v, %v", a, err)
	}
}
