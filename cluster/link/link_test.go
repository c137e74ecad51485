package link

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/wire"
)

// member is a node of a simulated cluster. Its port is its node ID.
type member struct {
	*Link
	socket *simSocket
	node   wire.Node

	mu  sync.Mutex
	got []wire.Forward
	by  []wire.Node
}

// join makes a node, which is closed with the test.
func join(t *testing.T, n *simnet, node wire.Node, change func(*Options), keys ...byte) *member {
	t.Helper()
	m := &member{node: node, socket: n.listen(int(node.ID))}
	o := Options{Self: node, Ring: ring(t, keys...), Receive: m.receive}
	if change != nil {
		change(&o)
	}
	l, err := New(m.socket, o)
	if err != nil {
		t.Fatal(err)
	}
	m.Link = l
	t.Cleanup(func() { _ = l.Close() })
	return m
}

func (m *member) receive(from wire.Node, batch []wire.Forward) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fwd := range batch {
		fwd.Datagram = append([]byte(nil), fwd.Datagram...)
		m.got, m.by = append(m.got, fwd), append(m.by, from)
	}
}

// texts counts what was received by its payload.
func (m *member) texts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[string]int{}
	for _, fwd := range m.got {
		n[string(fwd.Datagram)]++
	}
	return n
}

func (m *member) dropped(why Drop) uint64 { return m.Stats().Dropped[why] }

func peersOf(nodes ...wire.Node) (list []Peer) {
	for _, n := range nodes {
		list = append(list, Peer{n, simAddr(int(n.ID))})
	}
	return list
}

// pair is two nodes that know one another.
func pair(t *testing.T, n *simnet) (a, b *member) {
	a, b = join(t, n, nodeA, nil, 1), join(t, n, nodeB, nil, 1)
	a.SetPeers(peersOf(nodeA, nodeB))
	b.SetPeers(peersOf(nodeA, nodeB))
	return a, b
}

func fresh(payload string) wire.Forward {
	fwd := forward(payload)
	fwd.Hops = 0
	return fwd
}

// settle lets everything arrive that is under way.
func settle() {
	<-time.After(time.Second)
	synctest.Wait()
}

func TestADatagramAndItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		request, answer := fresh("request"), fresh("answer")
		request.DTLS, answer.Kind = true, wire.ToIngress
		if !a.Send(nodeB.ID, request) || !b.Send(nodeA.ID, answer) {
			t.Error("not sent")
		}
		settle()
		request.Hops, answer.Hops = 1, 1
		if len(b.got) != 1 || b.by[0] != nodeA || fmt.Sprint(b.got[0]) != fmt.Sprint(request) {
			t.Errorf("%+v by %v", b.got, b.by)
		}
		if len(a.got) != 1 || a.by[0] != nodeB || fmt.Sprint(a.got[0]) != fmt.Sprint(answer) {
			t.Errorf("%+v by %v", a.got, a.by)
		}
	})
}

// TestABadNetwork: what arrives arrived once, whatever the network does, and
// nothing is lost that the network did not lose.
func TestABadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		n.loss, n.twice, n.delay = 0.1, 0.2, 50*time.Millisecond
		a, b := pair(t, n)
		const rounds, each = 300, 10
		for i := range rounds {
			for j := range each {
				a.Send(nodeB.ID, fresh(fmt.Sprintf("%d.%d", i, j)))
				b.Send(nodeA.ID, fresh(fmt.Sprintf("%d.%d", i, j)))
			}
			<-time.After(time.Millisecond)
		}
		settle()
		for _, m := range []*member{a, b} {
			texts, s := m.texts(), m.Stats()
			for text, times := range texts {
				if times != 1 {
					t.Errorf("%s came %d times", text, times)
				}
			}
			if got := len(texts); got < rounds*each*3/4 || got == rounds*each {
				t.Errorf("%d of %d datagrams came", got, rounds*each)
			}
			if s.Dropped[DropReplay] == 0 || s.Received != uint64(len(texts)) || s.Received < 2*s.ReceivedFrames {
				t.Errorf("%v", s)
			}
		}
		n.nonceTwice(t)
	})
}

// TestReorderingAloneLosesNothing: the window is wide enough for a path that
// shuffles 1000 frames.
func TestReorderingAloneLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		n.delay = 500 * time.Millisecond
		a, b := pair(t, n)
		for i := range 3000 {
			a.Send(nodeB.ID, fresh(fmt.Sprint(i)))
			<-time.After(time.Millisecond)
		}
		settle()
		if got := len(b.texts()); got != 3000 || b.Stats().ReceivedFrames != 3000 {
			t.Errorf("%d came; %v", got, b.Stats())
		}
	})
}

// TestAStalledSocketHoldsUpNobody: Send drops beyond its bound, and what fits
// leaves when the socket is free again.
func TestAStalledSocketHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		a.socket.full = make(chan struct{})
		accepted := 0
		for i := range 10_000 {
			if a.Send(nodeB.ID, fresh(strings.Repeat("x", 100)+fmt.Sprint(i))) {
				accepted++
			}
			if i == 0 {
				synctest.Wait() // the sender has the first frame in its hands
			}
		}
		if most := 1 + a.o.QueueBytes/100; accepted == 10_000 || accepted > most || accepted < most/2 {
			t.Errorf("%d accepted", accepted)
		}
		if got := a.dropped(DropQueueFull); got != uint64(10_000-accepted) {
			t.Errorf("%d dropped, %d accepted", got, accepted)
		}
		close(a.socket.full)
		settle()
		if got := len(b.texts()); got != accepted {
			t.Errorf("%d came of %d", got, accepted)
		}
		if s := a.Stats(); s.Sent < 8*s.SentFrames {
			t.Errorf("few datagrams a frame: %v", s)
		}
	})
}

func TestWhatSendRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		far, nowhere, long := forward("far"), fresh("x"), fresh("")
		far.Hops, nowhere.Path, long.Datagram = wire.MaxHops, wire.ReturnPath{}, make([]byte, wire.MaxForwarded+1)
		for why, send := range map[Drop]func() bool{
			DropNoPeer:  func() bool { return a.Send(nodeA.ID, fresh("to myself")) },
			DropHops:    func() bool { return a.Send(nodeB.ID, far) },
			DropNoPath:  func() bool { return a.Send(nodeB.ID, nowhere) },
			DropTooLong: func() bool { return a.Send(nodeB.ID, long) },
		} {
			if send() || a.dropped(why) != 1 {
				t.Errorf("%v: %v", why, a.Stats())
			}
		}
		long.Datagram = long.Datagram[:wire.MaxForwarded]
		if !a.Send(nodeB.ID, long) {
			t.Error("the longest datagram was refused")
		}
		settle()
		if len(b.got) != 1 || len(b.got[0].Datagram) != wire.MaxForwarded {
			t.Errorf("%d datagrams came", len(b.got))
		}
		a.Close()
		if err := a.Close(); err != nil || a.Send(nodeB.ID, fresh("late")) || a.dropped(DropClosed) != 1 {
			t.Errorf("after Close: %v, %v", err, a.Stats())
		}
	})
}

// TestHopsEnd: a datagram that is passed on and on leaves the circle.
func TestHopsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a, b := pair(t, n)
		a.o.Receive = func(_ wire.Node, batch []wire.Forward) { a.Send(nodeB.ID, batch[0]) }
		b.o.Receive = func(_ wire.Node, batch []wire.Forward) { b.Send(nodeA.ID, batch[0]) }
		a.Send(nodeB.ID, fresh("round"))
		settle()
		if sent := a.Stats().Sent + b.Stats().Sent; sent != wire.MaxHops || b.dropped(DropHops) != 1 {
			t.Errorf("%d links crossed; %v", sent, b.Stats())
		}
	})
}

func TestOptions(t *testing.T) {
	receive := func(wire.Node, []wire.Forward) {}
	for name, o := range map[string]Options{
		"no node":     {Ring: ring(t, 1), Receive: receive},
		"no ring":     {Self: nodeA, Receive: receive},
		"no receiver": {Self: nodeA, Ring: ring(t, 1)},
	} {
		if l, err := New(nil, o); l != nil || !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}
