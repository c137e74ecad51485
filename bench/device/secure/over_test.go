package secure_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/bench/device/secure/securetest"
)

var key = []byte("secret of the two")

func listen(t *testing.T, noCID bool) *securetest.Server {
	t.Helper()
	s, err := securetest.Listen("127.0.0.1:0", securetest.Options{
		NoCID: noCID,
		Key:   func(string) []byte { return key },
		Serve: func(c *securetest.Session, b []byte) { c.Send(append([]byte(c.Identity+" "), b...)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dial(t *testing.T, s *securetest.Server) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.Address()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func ask(t *testing.T, conn *net.UDPConn, link *secure.Link, text string) string {
	t.Helper()
	if _, err := conn.Write(link.Seal(nil, []byte(text))); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := link.Open(b[:n])
	if err != nil || len(got) != 1 {
		t.Fatalf("%q, %v", got, err)
	}
	return string(got[0])
}

// Over a real socket, and then from another one with each message: a session
// with Connection ID goes on wherever its device is.
func TestOver(t *testing.T) {
	s := listen(t, false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := dial(t, s)
	link, err := secure.Over(ctx, conn, secure.Options{Identity: "a", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got := ask(t, conn, link, "hello"); got != "a hello" {
			t.Errorf("answered %q", got)
		}
		conn = dial(t, s)
	}
	if s.Sessions() != 1 || link.ReusedNonces() != 0 || s.ReusedNonces() != 0 {
		t.Errorf("%d sessions, %d nonces used twice by the server, %d by us", s.Sessions(), link.ReusedNonces(), s.ReusedNonces())
	}
}

func TestOverAClosedSocket(t *testing.T) {
	s := listen(t, true)
	conn := dial(t, s)
	conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := secure.Over(ctx, conn, secure.Options{Identity: "a", Key: key}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
