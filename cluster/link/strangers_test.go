package link

import (
	"testing"
	"testing/synctest"

	"dormouse/codec/wire"
)

// replay sends a recording again, to where each frame went or to somebody else.
func replay(n *simnet, recording []simPacket, to *member) {
	for _, p := range recording {
		if to != nil {
			p.to = to.socket.addr
		}
		n.deliver(p)
	}
}

// TestStrangersGetNoAnswer: frames of another cluster, garbage, and everything
// recorded, sent to everybody again, change nothing and are counted by kind.
func TestStrangersGetNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		nodeC := wire.Node{ID: 0xc, Incarnation: 1}
		c := join(t, n, nodeC, nil, 1)
		stranger := join(t, n, wire.Node{ID: 0xd, Incarnation: 1}, nil, 9)
		impostor := join(t, n, nodeA, nil, 9)
		n.at[a.socket.addr] = a.socket // the impostor hears nothing
		for _, m := range []*member{a, b, c, stranger, impostor} {
			m.SetPeers(peersOf(nodeA, nodeB, nodeC))
		}
		for range 5 {
			a.Send(nodeB.ID, fresh("a"))
			settle()
		}
		recording := n.recording()
		replay(n, recording, nil)
		replay(n, recording, a)
		replay(n, recording, c)
		stranger.Send(nodeB.ID, fresh("d"))
		impostor.Send(nodeB.ID, fresh("e"))
		n.deliver(simPacket{to: b.socket.addr, data: "GET / HTTP/1.1"})
		settle()
		if got := b.texts(); len(got) != 1 || got["a"] != 5 || len(a.texts())+len(c.texts()) != 0 {
			t.Errorf("a %v, b %v, c %v", a.texts(), got, c.texts())
		}
		for _, tc := range []struct {
			m    *member
			why  Drop
			want uint64
		}{
			{b, DropReplay, 5}, {a, DropReflected, 5}, {c, DropForged, 5},
			{b, DropUnknown, 1}, {b, DropKey, 1}, {b, DropMalformed, 1},
		} {
			if got := tc.m.dropped(tc.why); got != tc.want {
				t.Errorf("node %x, %v: %d, want %d; %v", tc.m.node.ID, tc.why, got, tc.want, tc.m.Stats())
			}
		}
		if got := len(n.recording()) - len(recording); got != 2 {
			t.Errorf("%d frames left, want the two of strangers", got)
		}
	})
}

// TestARestartForgetsNoReplay: the receiver's window is lost with its life, and
// what was recorded before opens nowhere.
func TestARestartForgetsNoReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		a.Send(nodeB.ID, fresh("before"))
		settle()
		recording := n.recording()
		b.Close()
		again := wire.Node{ID: nodeB.ID, Incarnation: nodeB.Incarnation + 1}
		b = join(t, n, again, nil, 1)
		b.SetPeers(peersOf(nodeA, again))
		a.Send(nodeB.ID, fresh("to the life before"))
		replay(n, recording, nil)
		settle()
		if len(b.texts()) != 0 || b.dropped(DropForged) != 2 {
			t.Errorf("%v, %v", b.texts(), b.Stats())
		}
		a.SetPeers(peersOf(nodeA, again))
		a.SetPeers(peersOf(nodeA, nodeB)) // old news
		a.Send(nodeB.ID, fresh("after"))
		b.Send(nodeA.ID, fresh("answer"))
		settle()
		if b.texts()["after"] != 1 || a.texts()["answer"] != 1 {
			t.Errorf("%v, %v; %v, %v", a.texts(), b.texts(), a.Stats(), b.Stats())
		}
		n.nonceTwice(t)
	})
}

// TestAPeerThatGoesAndReturns in the same life: a failure detector was wrong.
// No nonce comes twice and nothing that was recorded counts again.
func TestAPeerThatGoesAndReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		for i := range 5 {
			a.Send(nodeB.ID, fresh("steady"))
			settle()
			recording := n.recording()
			for _, m := range []*member{a, b} {
				m.SetPeers(nil)
				m.SetPeers(peersOf(nodeA, nodeB))
			}
			replay(n, recording, nil)
			settle()
			if got := b.texts()["steady"]; got != i+1 {
				t.Fatalf("round %d: %d came", i, got)
			}
		}
		n.nonceTwice(t)
	})
}

func TestWhatWaitsForAPeerThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		a.socket.full = make(chan struct{})
		a.Send(nodeB.ID, fresh("in hand"))
		synctest.Wait()
		a.Send(nodeB.ID, fresh("waits"))
		a.SetPeers(nil)
		if a.Send(nodeB.ID, fresh("late")) || a.dropped(DropPeerGone) != 1 || a.dropped(DropNoPeer) != 1 {
			t.Errorf("%v", a.Stats())
		}
		close(a.socket.full)
		settle()
		if got := b.texts(); len(got) != 1 || got["in hand"] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// TestKeysRotate: no datagram is lost while nodes change their keys one after
// the other, and no nonce comes twice when a key returns.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		sent := 0
		for _, keys := range [][]byte{{1, 2}, {2, 1}, {2}, {2, 1}, {1, 2}, {1}} {
			for _, m := range []*member{a, b} {
				m.SetRing(ring(t, keys...))
				a.Send(nodeB.ID, fresh("x"))
				b.Send(nodeA.ID, fresh("x"))
				settle()
				sent++
			}
		}
		if a.texts()["x"] != sent || b.texts()["x"] != sent {
			t.Errorf("%v, %v of %d; %v, %v", a.texts(), b.texts(), sent, a.Stats(), b.Stats())
		}
		a.SetRing(ring(t, 3))
		a.Send(nodeB.ID, fresh("x"))
		settle()
		if b.dropped(DropKey) != 1 {
			t.Errorf("%v", b.Stats())
		}
		n.nonceTwice(t)
	})
}
