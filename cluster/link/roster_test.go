package link

import (
	"net/netip"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

func roomFor(t *testing.T, most int) *roster {
	return &roster{self: nodeA, ring: ring(t, 1), most: most}
}

func node(id, incarnation uint64) wire.Node {
	return wire.Node{ID: ids.Node(id), Incarnation: incarnation}
}

func TestARosterKeepsItsBounds(t *testing.T) {
	r := roomFor(t, 3)
	now, _ := r.set(peersOf(nodeA, node(0, 1), node(1, 1), node(1, 2), node(2, 1), node(3, 1), node(4, 1)))
	if len(now) != 3 || now[1].node.Incarnation != 1 || now[4] != nil {
		t.Errorf("%v", now)
	}
	for id := uint64(21); id < 40; id++ {
		if _, left := r.set(peersOf(node(id, 1))); len(left) == 0 {
			t.Errorf("nobody left for %d", id)
		}
	}
	if len(r.past) != 3 || r.past[2].node != node(38, 1) {
		t.Errorf("%v", r.past)
	}
}

// TestOnlyNewerLivesReturn: a node that left comes back in the same life or a
// newer one.
func TestOnlyNewerLivesReturn(t *testing.T) {
	r := roomFor(t, 8)
	now, _ := r.set(peersOf(node(1, 5)))
	now[1].rx.window.accept(100)
	now[1].tx.counter = 70
	r.set(nil)
	if now, _ = r.set(peersOf(node(1, 4))); now[1] != nil {
		t.Errorf("incarnation 4 is back after 5")
	}
	now, _ = r.set(peersOf(node(1, 5)))
	if p := now[1]; p == nil || p.rx.window.fresh(100) || !p.rx.window.fresh(101) || p.tx.counter != 70 {
		t.Fatalf("the same life forgot: %+v", now[1])
	}
	r.set(nil)
	now, _ = r.set(peersOf(node(1, 6)))
	if p := now[1]; p == nil || !p.rx.window.fresh(1) || p.tx.counter != 70 {
		t.Errorf("a new life: %+v", now[1])
	}
	if len(r.past) != 0 {
		t.Errorf("%v", r.past)
	}
}

// TestWhoeverHoldsAPeerThatLeft can neither seal nor open with it: its counters
// were handed on.
func TestWhoeverHoldsAPeerThatLeft(t *testing.T) {
	var nonce [nonceSize]byte
	r := roomFor(t, 8)
	now, _ := r.set(peersOf(nodeB))
	p := now[nodeB.ID]
	d := r.ring.keys[0].direction(nodeB, nodeA)
	frame := d.seal(nil, nodeB, 1, goldenText(), &nonce)
	r.set(nil)
	if _, _, ok := p.next(nil, nodeA, goldenText(), &nonce); ok || p.tx.counter != 0 {
		t.Error("it sealed")
	}
	h, _ := parseHeader(frame)
	if _, why, ok := p.open(nil, &h, frame, &nonce); ok || why != DropUnknown {
		t.Errorf("opened: %v, %v", ok, why)
	}
	fwd := forward("x")
	if why, ok, _, _ := p.add(&fwd, &Options{FrameSize: 1400, QueueBytes: 1 << 20}); ok || why != DropPeerGone {
		t.Errorf("queued: %v, %v", ok, why)
	}
}

func TestAddressesMove(t *testing.T) {
	r := roomFor(t, 8)
	now, _ := r.set([]Peer{{node(1, 1), simAddr(1)}})
	before := now[1]
	now, left := r.set([]Peer{{node(1, 1), netip.MustParseAddrPort("[::ffff:127.0.0.1]:2")}})
	if now[1] != before || len(left) != 0 || before.tx.addr != simAddr(2) {
		t.Errorf("%v, %v", now, left)
	}
}
