package stream

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// frames says hello as a node that sends frames, and returns the connection when it
// is welcome.
func (n *network) frames(t *testing.T, self wire.Node, to *node) net.Conn {
	t.Helper()
	conn, err := n.dial(t.Context(), to.peer.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	g := greeting{word: wordHello, purpose: forFrames, self: self, wanted: to.peer.Node.ID, clock: time.Now(), longest: MinFrame, cluster: "mice"}
	if _, err := conn.Write(g.append(nil)); err != nil {
		t.Fatal(err)
	}
	o, err := readOpening(conn)
	if err == nil {
		g, err = o.readBody(conn)
	}
	if err != nil || g.word != wordWelcome {
		t.Fatalf("%+v, %v", g, err)
	}
	go io.Copy(io.Discard, conn)
	return conn
}

// TestOneFrameAtATime: a newer connection of a node ends the older one, and waits
// for the frame that is at work.
func TestOneFrameAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		var at atomic.Int32
		let := make(chan struct{})
		b := n.start(t, nodeB, func(o *Options) {
			frame := o.Frame
			o.Frame = func(from wire.Node, f []byte) {
				if at.Add(1) > 1 {
					t.Error("two frames of a node at a time")
				}
				<-let
				frame(from, f)
				at.Add(-1)
			}
		})
		b.SetPeers([]Peer{{nodeC, nowhere}})
		first := n.frames(t, nodeC, b)
		if _, err := first.Write([]byte("\x00\x00\x00\x011\x00\x00\x00\x012")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		second := n.frames(t, nodeC, b)
		if _, err := second.Write([]byte("\x00\x00\x00\x013")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if at.Load() != 1 {
			t.Error("no frame is at work")
		}
		close(let)
		// The second frame went with its connection.
		if got := next(t, b.frames) + ", " + next(t, b.frames); got != "c/3 1, c/3 3" {
			t.Error(got)
		}
		synctest.Wait()
		if len(b.frames) > 0 {
			t.Errorf("%s came, too", <-b.frames)
		}
	})
}

// TestGuestsLeave: nothing is kept of a node that is not connected any more.
func TestGuestsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, nodeB, nil)
		for i := range ids.Node(100) { // more than MaxStrangers
			c, err := Dial(t.Context(), b.peer.Addr.String(), DialOptions{Self: wire.Node{ID: 0x100 + i}, Cluster: "mice", dial: n.dial})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Call(t.Context(), 1, nil); err != nil {
				t.Fatal(err)
			}
			c.Close()
			synctest.Wait()
		}
		b.guests.mu.Lock()
		defer b.guests.mu.Unlock()
		if len(b.guests.here) > 0 {
			t.Errorf("%d are kept", len(b.guests.here))
		}
	})
}

// TestCrowd: whoever does not greet has a place for five seconds, and there are
// so many places.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, nodeB, nil)
		for range maxGreetings + 3 {
			conn, err := n.dial(t.Context(), b.peer.Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		synctest.Wait()
		if s := b.Stats(); s.Crowded != 3 {
			t.Errorf("%+v", s)
		}
		<-time.After(greetTimeout + time.Second)
		c, err := Dial(t.Context(), b.peer.Addr.String(), DialOptions{Self: nodeA, Cluster: "mice", dial: n.dial})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Call(t.Context(), 1, nil); err != nil { // it has come in on both sides
			t.Error(err)
		}
		c.Close()
		if s := b.Stats(); s.RefusedIn != maxGreetings || len(b.refused) > refusalBurst {
			t.Errorf("%d refusals were told; %+v", len(b.refused), s)
		}
	})
}

// poor is a listener without file descriptors.
type poor struct {
	*room
	fails atomic.Int32
}

func (p *poor) Accept() (net.Conn, error) {
	if p.fails.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	return p.room.Accept()
}

func TestListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		listener := &poor{room: n.listen(1)}
		listener.fails.Store(3)
		b := startOn(t, nodeB, listener, nil)
		began := time.Now()
		c, err := Dial(t.Context(), b.peer.Addr.String(), DialOptions{Self: nodeA, Cluster: "mice", dial: n.dial})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if d := time.Since(began); d != 3*acceptPause || b.Stats().AcceptErrors != 3 {
			t.Errorf("after %v: %+v", d, b.Stats())
		}
	})
}
