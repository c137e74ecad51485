package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/wire"
)

// in runs a test in a bubble, where time passes by itself and no goroutine may be
// left, with nodes A and B that have met.
func in(t *testing.T, change func(*Options), f func(t *testing.T, n *network, a, b *node)) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.start(t, nodeA, change), n.start(t, nodeB, change)
		a.SetPeers([]Peer{b.peer})
		b.SetPeers([]Peer{a.peer})
		<-time.After(2 * time.Second) // one may have come before it was a peer
		synctest.Wait()
		if a.Stats().Reached != 1 || b.Stats().Reached != 1 {
			t.Fatalf("%v; %v", a.Stats(), b.Stats())
		}
		f(t, n, a, b)
	})
}

// inHeld is in, where both hold what they serve.
func inHeld(t *testing.T, f func(t *testing.T, n *network, a, b *node, h *held)) {
	var h *held // made in the bubble, or time would not pass in it
	in(t, func(o *Options) {
		if h == nil {
			h = newHeld()
		}
		o.Serve = h.serve
	}, func(t *testing.T, n *network, a, b *node) { f(t, n, a, b, h) })
}

// TestCutOff: a peer that falls silent is noticed within five seconds, by calls,
// too, and found again when the network is.
func TestCutOff(t *testing.T) {
	inHeld(t, func(t *testing.T, n *network, a, b *node, h *held) {
		<-time.After(time.Minute) // silence that is none breaks nothing
		if a.Stats().Broken > 0 || b.Stats().Broken > 0 {
			t.Fatalf("%v; %v", a.Stats(), b.Stats())
		}
		failed := make(chan error, 1)
		go func() {
			_, err := a.Call(t.Context(), nodeB.ID, 1, []byte("x"))
			failed <- err
		}()
		next(t, h.began)
		n.cut.Store(true)
		cut := time.Now()
		a.Send(nodeB.ID, []byte("lost"))
		err := <-failed
		if d := time.Since(cut); !errors.Is(err, ErrUnknownOutcome) || d > 5*time.Second {
			t.Errorf("after %v: %v", d, err)
		}
		if got := next(t, h.ended); got != "x" {
			t.Error(got)
		}
		<-time.After(6 * time.Second)
		began := time.Now()
		if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if a.Send(nodeB.ID, []byte("x")) {
			t.Error("a frame was taken")
		}
		n.cut.Store(false)
		<-time.After(7 * time.Second) // an attempt under way may end first
		synctest.Wait()
		if a.Stats().Reached != 1 || b.Stats().Reached != 1 {
			t.Fatalf("%v; %v", a.Stats(), b.Stats())
		}
		a.Send(nodeB.ID, []byte("found"))
		if got := next(t, b.frames); got != "a/1 found" {
			t.Error(got)
		}
	})
}

// TestSilent: silence counts while the network is waited for, not while a frame is
// at work.
func TestSilent(t *testing.T) {
	c := &pipe{}
	for range 2 * silentBeats {
		if c.silent() {
			t.Fatal("who did not listen heard nothing")
		}
	}
	c.reading.Store(true)
	for i := range silentBeats + 1 {
		if got := c.silent(); got != (i == silentBeats) {
			t.Errorf("beat %d: %v", i, got)
		}
	}
}

// TestPeerDiesInACall: the call that it had may have happened, and the next is not
// sent.
func TestPeerDiesInACall(t *testing.T) {
	inHeld(t, func(t *testing.T, n *network, a, b *node, h *held) {
		failed := make(chan error, 1)
		go func() {
			_, err := a.Call(t.Context(), nodeB.ID, 1, []byte("x"))
			failed <- err
		}()
		next(t, h.began)
		b.Close()
		if err := <-failed; !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		synctest.Wait()
		// The reconnection is waited for, and fails.
		if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, errNobody) {
			t.Error(err)
		}
	})
}

// TestPace: attempts come further and further apart, up to a second, and not at
// all when the node is no peer.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, nodeA, nil)
		count := func() int {
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.dials)
		}
		a.SetPeers([]Peer{{nodeB, nowhere}})
		<-time.After(time.Minute)
		tries := count()
		if tries < 2*60 || tries > 2*2*60+30 {
			t.Errorf("%d attempts in a minute", tries)
		}
		a.SetPeers(nil)
		<-time.After(time.Minute)
		if more := count() - tries; more > 0 {
			t.Errorf("%d attempts to reach a node that is no peer", more)
		}
	})
}

// TestNextLife: a peer that has started again replaces what its last life had, and
// that is not let in any more.
func TestNextLife(t *testing.T) {
	in(t, nil, func(t *testing.T, n *network, a, b *node) {
		old := b
		next2 := wire.Node{ID: nodeB.ID, Incarnation: nodeB.Incarnation + 1}
		again := startOn(t, next2, n.listen(0x1b), func(o *Options) { o.dial = n.dial })
		again.SetPeers([]Peer{a.peer})
		a.SetPeers([]Peer{again.peer, old.peer})
		<-time.After(2 * time.Second)
		synctest.Wait()
		if old.Stats().Reached != 0 || again.Stats().Reached != 1 || a.Stats().Reached != 1 {
			t.Errorf("%v; %v; %v", old.Stats(), again.Stats(), a.Stats())
		}
		old.learns(t, "life 2 of node 000000000000000b is over, life 3 was seen")
		a.Send(nodeB.ID, []byte("to whom"))
		again.Send(nodeA.ID, []byte("from whom"))
		if got := next(t, again.frames) + ", " + next(t, a.frames); got != "a/1 to whom, b/3 from whom" {
			t.Error(got)
		}
		// Old news changes nothing.
		a.SetPeers([]Peer{old.peer})
		<-time.After(2 * time.Second)
		if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); err != nil || a.Stats().Reached != 1 {
			t.Errorf("%v, %v", err, a.Stats())
		}
	})
}

// TestMoved: a peer with another address is reached there without a pause.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.start(t, nodeA, nil), n.start(t, nodeB, nil)
		stuck := n.listen(0x2b) // takes no call: the attempt hangs
		b.SetPeers([]Peer{a.peer})
		a.SetPeers([]Peer{{nodeB, netip.MustParseAddrPort(stuck.at.String())}})
		synctest.Wait()
		began := time.Now()
		answer := make(chan error)
		go func() {
			_, err := a.Call(t.Context(), nodeB.ID, 1, nil)
			answer <- err
		}()
		synctest.Wait()
		a.SetPeers([]Peer{b.peer})
		if err := <-answer; err != nil || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestWaiting: frames and requests that wait when the connection breaks are not
// sent, and those that left may have come.
func TestWaiting(t *testing.T) {
	c, there := net.Pipe() // nobody reads
	defer there.Close()
	p := newPipe(terms{maxFrame: MinFrame, queueBytes: 1000}.lived(), c, c, forCalls, greeting{self: nodeB, longest: MinFrame})
	calls := newCaller(p, 10)
	var writer sync.WaitGroup
	outcomes := make(chan error, 2)
	call := func() {
		_, err := calls.call(t.Context(), 1, make([]byte, 400))
		outcomes <- err
	}
	go call()
	writer.Go(func() { p.write(func(int, int) {}) })
	under := func(n int) func() bool {
		return func() bool {
			calls.mu.Lock()
			defer calls.mu.Unlock()
			return len(calls.flying) == n
		}
	}
	none := func() Stats { return Stats{} }
	until(t, func() bool { p.out.mu.Lock(); defer p.out.mu.Unlock(); return p.out.taken == 1 }, none)
	go call()
	until(t, under(2), none)
	if _, err := calls.call(t.Context(), 1, make([]byte, 400)); !errors.Is(err, ErrNotSent) || !errors.Is(err, errFull) {
		t.Error(err)
	}
	p.fail(errSilent)
	writer.Wait()
	calls.end()
	unknown, not := 0, 0
	for range 2 {
		switch err := <-outcomes; {
		case errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrNotSent):
			unknown++
		case errors.Is(err, ErrNotSent) && !errors.Is(err, ErrUnknownOutcome):
			not++
		}
	}
	if unknown != 1 || not != 1 || p.dropped != 1 {
		t.Errorf("%d unknown, %d not sent, %d dropped", unknown, not, p.dropped)
	}
	if _, err := calls.call(t.Context(), 1, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
}

// TestStuckWrite: a peer whose buffers are full for five seconds is given up.
func TestStuckWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, there := net.Pipe() // nobody reads
		defer there.Close()
		p := newPipe(terms{maxFrame: MinFrame, queueBytes: 1000}.lived(), c, c, forFrames, greeting{self: nodeB, longest: MinFrame})
		began := time.Now()
		if _, err := p.out.add([]byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		p.write(func(int, int) {})
		var timeout net.Error
		if d := time.Since(began); !errors.As(p.cause, &timeout) || !timeout.Timeout() || d != writeTimeout {
			t.Errorf("after %v: %v", d, p.cause)
		}
	})
}

// TestClose: whatever is under way ends, and nothing is left; it may come twice.
func TestClose(t *testing.T) {
	inHeld(t, func(t *testing.T, n *network, a, b *node, h *held) {
		failed := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := a.Call(t.Context(), nodeB.ID, 1, nil)
				failed <- err
			}()
			next(t, h.began)
		}
		for i := range 100 {
			a.Send(nodeB.ID, fmt.Append(nil, i))
		}
		a.Close()
		a.Close()
		for range 2 {
			if err := <-failed; !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
		if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) || a.Send(nodeB.ID, []byte("x")) {
			t.Error(err)
		}
		a.SetPeers([]Peer{b.peer})
	})
}

// TestHangingGreeting: who says nothing is let go after five seconds.
func TestHangingGreeting(t *testing.T) {
	in(t, nil, func(t *testing.T, n *network, a, b *node) {
		conn, err := n.dial(t.Context(), b.peer.Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := io.ReadAll(conn); err != nil || time.Since(began) != greetTimeout {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		b.learns(t, "timeout")
	})
}

func TestDial(t *testing.T) {
	ca := newAuthority(t)
	b := start(t, nodeB, func(o *Options) { o.Identity = ca.identity(t, "b") })
	o := DialOptions{Self: nodeA, Cluster: "mice", Identity: ca.identity(t, "a")}
	c, err := Dial(t.Context(), b.peer.Addr.String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if answer, err := c.Call(t.Context(), 3, []byte("join")); err != nil || string(answer) != "a/1 3 join" || c.Peer() != nodeB {
		t.Errorf("%q, %v, %v", answer, err, c.Peer())
	}
	// It may have several, and the oldest goes.
	var others []*Client
	for range maxCallsEach {
		other, err := Dial(t.Context(), b.peer.Addr.String(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		others = append(others, other)
	}
	<-c.pipe.broken
	for _, other := range others {
		if _, err := other.Call(t.Context(), 1, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Call(t.Context(), 3, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	b.Close()
	if _, err := others[0].Call(t.Context(), 1, nil); !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if _, err := Dial(t.Context(), b.peer.Addr.String(), o); err == nil {
		t.Error("a closed node answered")
	}
}

func TestDialIsRefused(t *testing.T) {
	b := start(t, nodeB, nil)
	for want, o := range map[string]DialOptions{
		`is of the cluster "mice"`:  {Self: nodeA, Cluster: "rats"},
		"was reached by itself":     {Self: nodeB, Cluster: "mice"},
		"the clocks of node":        {Self: nodeA, Cluster: "mice", Now: func() time.Time { return time.Now().Add(time.Hour) }},
		"no loopback address, and ": {Self: nodeA, Cluster: "mice", dial: abroad},
	} {
		c, err := Dial(t.Context(), b.peer.Addr.String(), o)
		if c != nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, b.peer.Addr.String(), DialOptions{Self: nodeA, Cluster: "mice"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// abroad connects to an address that is not on loopback.
func abroad(context.Context, string) (net.Conn, error) {
	here, _ := net.Pipe()
	return line{here, newNetwork(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}}, nil
}
