package link

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// onLoopback starts a Link on a loopback socket and says where it is.
func onLoopback(t testing.TB, self wire.Node, linger time.Duration, receive Receive) (*Link, Peer) {
	t.Helper()
	conn, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(conn, Options{Self: self, Ring: ring(t, 1), Receive: receive, Linger: linger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, Peer{self, at}
}

// TestLoopback: requests of any length come back as answers, over sockets of
// the kernel. One is under way at a time, for loopback may drop, too.
func TestLoopback(t *testing.T) {
	answers := make(chan string, 1)
	a, atA := onLoopback(t, nodeA, 0, func(_ wire.Node, batch []wire.Forward) {
		answers <- string(batch[0].Datagram)
	})
	var b *Link
	started := make(chan struct{})
	b, atB := onLoopback(t, nodeB, 0, func(from wire.Node, batch []wire.Forward) {
		<-started
		for _, fwd := range batch {
			fwd.Kind, fwd.Hops = wire.ToIngress, 0
			b.Send(from.ID, fwd)
		}
	})
	close(started)
	a.SetPeers([]Peer{atA, atB})
	b.SetPeers([]Peer{atA, atB})
	for _, size := range []int{0, 60, 1400, 9000, wire.MaxForwarded} {
		want := strings.Repeat("x", size)
		if !a.Send(nodeB.ID, fresh(want)) {
			t.Fatalf("%d bytes: not sent", size)
		}
		select {
		case got := <-answers:
			if got != want {
				t.Errorf("%d bytes came back of %d", len(got), size)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d bytes: no answer; %v; %v", size, a.Stats(), b.Stats())
		}
	}
}

// TestAPeerThatIsNotThere: the note of its host ends nothing.
func TestAPeerThatIsNotThere(t *testing.T) {
	answers := make(chan wire.Node, 1)
	a, atA := onLoopback(t, nodeA, 0, func(wire.Node, []wire.Forward) {})
	b, atB := onLoopback(t, nodeB, 0, func(from wire.Node, _ []wire.Forward) { answers <- from })
	closed, atC := onLoopback(t, wire.Node{ID: 0xc}, 0, func(wire.Node, []wire.Forward) {})
	closed.Close()
	all := []Peer{atA, atB, atC}
	a.SetPeers(all)
	b.SetPeers(all)
	for range 10 {
		a.Send(0xc, fresh("x"))
	}
	a.Send(nodeB.ID, fresh("x"))
	select {
	case from := <-answers:
		if from != nodeA {
			t.Errorf("from %v", from)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing came: %v; %v", a.Stats(), b.Stats())
	}
}
