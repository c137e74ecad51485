package link

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/wire"
)

// TestEverythingAtOnce: senders, while peers go and return and keys change.
// Nothing comes twice, no nonce does, and what Send accepted is accounted for.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		n.twice, n.delay = 0.2, 5*time.Millisecond
		a, b := pair(t, n)
		var wait sync.WaitGroup
		for g := range 4 {
			wait.Go(func() {
				for i := range 2000 {
					a.Send(nodeB.ID, fresh(fmt.Sprintf("%d.%d", g, i)))
					if i%10 == 0 {
						<-time.After(time.Millisecond)
					}
				}
			})
		}
		wait.Go(func() {
			for i := range 40 {
				a.SetRing(ring(t, byte(1+i%2), byte(2-i%2)))
				b.SetRing(ring(t, 1, 2))
				for _, m := range []*member{a, b} {
					m.SetPeers(nil)
					m.SetPeers(peersOf(nodeA, nodeB))
				}
				<-time.After(5 * time.Millisecond)
			}
		})
		wait.Wait()
		settle()
		for text, times := range b.texts() {
			if times != 1 {
				t.Errorf("%s came %d times", text, times)
			}
		}
		s := a.Stats()
		if left := s.Sent + s.Dropped[DropPeerGone] + s.Dropped[DropNoPeer] + s.Dropped[DropQueueFull]; left != 8000 || len(b.texts()) < 4000 {
			t.Errorf("%d came, %d of 8000 accounted for: %v", len(b.texts()), left, s)
		}
		n.nonceTwice(t)
	})
}

// brokenSocket fails so many reads.
type brokenSocket struct {
	*simSocket
	failures int
}

func (s *brokenSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if s.failures > 0 {
		s.failures--
		return 0, netip.AddrPort{}, errors.New("broken")
	}
	return s.simSocket.ReadFromUDPAddrPort(b)
}

// TestASocketThatFails is read again, with pauses, and left at Close.
func TestASocketThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a := join(t, n, nodeA, nil, 1)
		a.SetPeers(peersOf(nodeB))
		socket := &brokenSocket{n.listen(int(nodeB.ID)), 50}
		got := 0
		b, err := New(socket, Options{Self: nodeB, Ring: ring(t, 1), Receive: func(wire.Node, []wire.Forward) { got++ }})
		if err != nil {
			t.Fatal(err)
		}
		b.SetPeers(peersOf(nodeA))
		a.Send(nodeB.ID, fresh("x"))
		start := time.Now()
		settle()
		if got != 1 || b.Stats().ReadErrors != 50 || time.Since(start) != time.Second {
			t.Errorf("%d came; %d errors", got, b.Stats().ReadErrors)
		}
		b.Close()
		broken := &brokenSocket{n.listen(int(nodeB.ID)), 1 << 30}
		if b, err = New(broken, b.o); err != nil {
			t.Fatal(err)
		}
		settle()
		b.Close()
		if got := b.Stats().ReadErrors; got < 90 || got > 110 {
			t.Errorf("%d errors in a second", got)
		}
	})
}
