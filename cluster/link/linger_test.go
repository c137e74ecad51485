package link

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLingering: after a pause a datagram goes at once, close behind another it
// waits for company, and a full frame waits for nobody.
func TestLingering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a := join(t, n, nodeA, func(o *Options) { o.Linger = 10 * time.Millisecond }, 1)
		a.SetPeers(peersOf(nodeB))
		send := func(payload string, frames uint64) {
			t.Helper()
			a.Send(nodeB.ID, fresh(payload))
			synctest.Wait()
			if got := a.Stats().SentFrames; got != frames {
				t.Errorf("%.9s: %d frames have left, want %d", payload, got, frames)
			}
			<-time.After(time.Millisecond)
		}
		send("at once", 1)
		for i := range 5 {
			send(fmt.Sprint("waits ", i), 1)
		}
		<-time.After(5 * time.Millisecond)
		synctest.Wait()
		if s := a.Stats(); s.SentFrames != 2 || s.Sent != 6 {
			t.Errorf("%v", s)
		}
		send("waits", 2)
		send(strings.Repeat("full frame", 140), 4)
	})
}

func TestNoLingering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimnet(t)
		a := join(t, n, nodeA, func(o *Options) { o.Linger = -1 }, 1)
		a.SetPeers(peersOf(nodeB))
		for i := range uint64(5) {
			a.Send(nodeB.ID, fresh("x"))
			synctest.Wait()
			if got := a.Stats().SentFrames; got != i+1 {
				t.Errorf("%d frames after %d datagrams", got, i+1)
			}
		}
	})
}
