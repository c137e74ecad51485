package device

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/bench/server/servertest"
	"dormouse/codec/exchange"
)

// shook is a session and the server's end of it.
func shook(t *testing.T, cid []byte) (client, server *secure.Link) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	toServer, toClient := make(chan []byte, 16), make(chan []byte, 16)
	var accepted secure.Accepted
	var running sync.WaitGroup
	running.Go(func() {
		var err error
		key := func(string) []byte { return []byte("key") }
		accepted, err = secure.Accept(ctx, func(b []byte) { toClient <- bytes.Clone(b) }, toServer, secure.ServerOptions{Key: key, CID: cid})
		if err != nil {
			t.Error(err)
			return
		}
		toClient <- accepted.Final
	})
	o := secure.Options{Identity: "a", Key: []byte("key")}
	client, err := secure.Handshake(ctx, func(b []byte) { toServer <- bytes.Clone(b) }, toClient, o)
	running.Wait()
	if err != nil || t.Failed() {
		t.Fatalf("%v", err)
	}
	return client, accepted.Link
}

func messages(texts ...string) (list [][]byte) {
	for _, text := range texts {
		list = append(list, []byte(text))
	}
	return list
}

// opened is what a server finds in datagrams.
func opened(t *testing.T, server *secure.Link, datagrams [][]byte) string {
	t.Helper()
	var all [][]byte
	for _, d := range datagrams {
		messages, err := server.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, messages...)
	}
	return string(bytes.Join(all, []byte(" ")))
}

// What a device says without a session waits for one handshake, and leaves with
// its end; what it repeats meanwhile leaves once, and no more than has room.
func TestLineWaitsForItsSession(t *testing.T) {
	client, server := shook(t, []byte("cid"))
	l := &line{}
	if d, shake := l.seal(nil); d != nil || shake {
		t.Error("a handshake for nothing")
	}
	if d, shake := l.seal(messages("a")); d != nil || !shake {
		t.Error("no handshake is asked for")
	}
	for _, m := range []string{"b", "a", "c", "d", "e"} {
		if d, shake := l.seal(messages(m)); d != nil || shake {
			t.Error("a second handshake")
		}
	}
	if got := opened(t, server, l.made(client)); got != "b c d e" {
		t.Errorf("sent %q", got)
	}
	d, _ := l.seal(messages("f"))
	if got := opened(t, server, d); got != "f" {
		t.Errorf("sent %q", got)
	}
	got, reused := l.open(server.Seal(nil, []byte("g")))
	if len(got) != 1 || string(got[0]) != "g" || reused != 0 {
		t.Errorf("opened %q, %d reused", got, reused)
	}
}

// A handshake that failed leaves nothing behind: the next message asks again.
func TestLineWithoutSession(t *testing.T) {
	l := &line{}
	l.seal(messages("a"))
	if d := l.made(nil); d != nil || l.close() != nil {
		t.Errorf("sends %q", d)
	}
	if got, _ := l.open([]byte("x")); got != nil {
		t.Errorf("opened %q", got)
	}
	if _, shake := l.seal(messages("a")); !shake {
		t.Error("not tried again")
	}
}

// The server's alert and its silence end a session; a device that leaves ends it.
func TestLineLosesItsSession(t *testing.T) {
	for name, lose := range map[string]func(*line, *secure.Link){
		"alert":   func(l *line, server *secure.Link) { l.open(server.Close(nil)) },
		"silence": func(l *line, _ *secure.Link) { l.silent() },
		"close": func(l *line, server *secure.Link) {
			if d := l.close(); len(d) != 1 {
				t.Errorf("%d datagrams", len(d))
			} else if _, err := server.Open(d[0]); err != nil {
				t.Error(err)
			} else if _, ended := server.Ended(); !ended {
				t.Error("the server was not told")
			}
		},
	} {
		client, server := shook(t, nil)
		l := &line{}
		l.made(client)
		lose(l, server)
		if _, shake := l.seal(messages("a")); !shake {
			t.Errorf("%s: the session goes on", name)
		}
	}
}

func TestLineMoves(t *testing.T) {
	for name, tt := range map[string]struct {
		cid   []byte
		every int
		moves bool
	}{
		"with CID": {[]byte("cid"), 2, true}, "without": {nil, 2, false}, "never": {[]byte("cid"), 0, false},
	} {
		client, _ := shook(t, tt.cid)
		l := &line{every: tt.every}
		l.made(client)
		l.seal(messages("a"))
		if l.moves() {
			t.Errorf("%s: moves after one message of two", name)
		}
		l.seal(messages("b"))
		if l.moves() != tt.moves {
			t.Errorf("%s: %v", name, l.moves())
		}
	}
}

// watcher is the output of a fleet, and tells when so many lines had a text.
type watcher struct {
	mu   sync.Mutex
	b    bytes.Buffer
	text string
	left int
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(p, []byte(w.text)) {
		if w.left--; w.left == 0 {
			w.then()
		}
	}
	return w.b.Write(p)
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// runSecure runs a fleet until all devices do their work, and what happens to its
// server then has led to so many lines with a text.
func runSecure(t *testing.T, o FleetOptions, happens func(*servertest.Server), text string, count int) (*servertest.Server, string) {
	t.Helper()
	s, err := servertest.Listen("127.0.0.1:0", "127.0.0.1:0")
	if err == nil {
		err = s.Secure("127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // far beyond what it takes
	defer cancel()
	out := &watcher{text: ": registered", left: o.N}
	out.then = func() {
		happens(s)
		out.text, out.left, out.then = text, count, cancel
	}
	o.Address, o.Provision, o.Verbose, o.Ramp, o.Prefix = s.CoAPS().String(), s.API(), true, time.Millisecond, "f"
	o.Send = Report{Paths: list("/3303/0/5700"), Every: 20 * time.Millisecond}
	if err := RunFleet(ctx, o, out); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.DTLS().ReusedNonces() > 0 || strings.Contains(out.String(), NonceReused.String()) {
		t.Errorf("a nonce was used twice:\n%s", out)
	}
	return s, out.String()
}

// With a new port for every message, one handshake each is all there is, and
// nothing goes unanswered. The server counts the De-registers from elsewhere.
func TestFleetRebinds(t *testing.T) {
	const n = 5
	s, out := runSecure(t, FleetOptions{N: n, Security: &Security{RebindEvery: 1}}, func(*servertest.Server) {}, ": sent", 50)
	if s.DTLS().Sessions() != n || s.Moved() != n || strings.Count(out, ": rebound") < 50 || strings.Contains(out, ": no answer") {
		t.Errorf("%d sessions, %d messages from elsewhere\n%s", s.DTLS().Sessions(), s.Moved(), out)
	}
	for _, want := range []string{fmt.Sprintf("handshake done %d,", n), "f1: handshake done: TLS_PSK_WITH_AES_128_CCM_8, 8 bytes", "de-registered 5"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// A server that ends its sessions gets new ones, and so does one that has lost
// them without a word, once it has not answered a request at all.
func TestFleetComesBack(t *testing.T) {
	const n = 3
	params := exchange.Params{AckTimeout: 30 * time.Millisecond, MaxRetransmit: 1}
	for name, lose := range map[string]func(*servertest.Server){
		"alert": func(s *servertest.Server) { s.DTLS().Hangup() }, "silence": func(s *servertest.Server) { s.DTLS().Forget() },
	} {
		for _, noCID := range []bool{false, true} {
			o := FleetOptions{N: n, Security: &Security{NoCID: noCID}, Options: Options{Params: params}}
			s, out := runSecure(t, o, lose, "handshake done", n)
			if s.DTLS().Sessions() < 2*n {
				t.Errorf("%s, without CID %v: %d sessions\n%s", name, noCID, s.DTLS().Sessions(), out)
			}
		}
	}
}

// A wrong key is told, and tried again.
func TestFleetIsRefused(t *testing.T) {
	credentials := secure.Credentials{Identity: "x", Seed: "a"}
	o := FleetOptions{N: 1, Security: &Security{Credentials: credentials}, Options: Options{Params: exchange.Params{AckTimeout: 10 * time.Millisecond}}}
	s, err := servertest.Listen("127.0.0.1:0", "127.0.0.1:0")
	if err == nil {
		err = s.Secure("127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &watcher{text: "handshake failed", left: 2, then: cancel}
	o.Address, o.Verbose, o.Grace = s.CoAPS().String(), true, time.Millisecond
	if err := RunFleet(ctx, o, out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "refused by the peer") {
		t.Errorf("%s", out)
	}
}
