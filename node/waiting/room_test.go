package waiting

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// place is a node as its room sees it.
type place struct {
	t *testing.T
	*Room

	mu    sync.Mutex // guards all below
	leads map[ids.Shard]ids.Node
	sent  []string
	here  func(fwd *wire.Forward) // nil: it is taken
}

const self = 1

// in runs a test in a bubble of time.
func in(t *testing.T, o Options, f func(p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &place{t: t, leads: map[ids.Shard]ids.Node{}}
		o.Owner, o.Here, o.Forward = p.owner, p.take, p.forward
		p.Room = New(o)
		p.Start()
		defer p.Close()
		f(p)
	})
}

func (p *place) owner(shard ids.Shard) (ids.Node, bool, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.leads[shard]
	return n, n == self, n != 0
}

func (p *place) take(fwd *wire.Forward) {
	p.mu.Lock()
	f := p.here
	p.sent = append(p.sent, "here "+string(fwd.Datagram))
	p.mu.Unlock()
	if f != nil {
		f(fwd)
	}
}

func (p *place) forward(to ids.Node, fwd wire.Forward) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, fmt.Sprintf("%d %s after %d", uint64(to), fwd.Datagram, fwd.Hops))
	return true
}

// lead says who leads a shard from now on, 0 for nobody.
func (p *place) lead(shard ids.Shard, n ids.Node) {
	p.mu.Lock()
	p.leads[shard] = n
	p.mu.Unlock()
	p.News()
	synctest.Wait()
}

func (p *place) comes(shard ids.Shard, word string) bool {
	return p.Pass(shard, wire.Forward{Hops: 2, Endpoint: 7, Datagram: []byte(word)})
}

func (p *place) want(want ...string) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.sent, want) {
		p.t.Errorf("sent %q, want %q", p.sent, want)
	}
	p.sent = nil
}

func (p *place) stats(want Stats) {
	p.t.Helper()
	if got := p.Stats(); got != want {
		p.t.Errorf("%+v, want %+v", got, want)
	}
}

func TestWhoHasAnOwnerDoesNotWait(t *testing.T) {
	in(t, Options{}, func(p *place) {
		p.lead(3, 9)
		p.comes(3, "a")
		p.want("9 a after 2")
		p.stats(Stats{})
	})
}

// TestTheyLeaveWithTheNews: in their order, here or elsewhere, and their links are
// counted anew.
func TestTheyLeaveWithTheNews(t *testing.T) {
	in(t, Options{}, func(p *place) {
		for _, word := range []string{"a", "b", "c"} {
			p.comes(3, word)
			p.comes(4, "x"+word)
		}
		p.want()
		p.lead(3, self)
		p.want("here a", "here b", "here c")
		p.lead(4, 9)
		p.want("9 xa after 0", "9 xb after 0", "9 xc after 0")
		p.stats(Stats{Held: 6, Released: 6})
	})
}

// TestNewsThatAreLost: who leads is asked now and then.
func TestNewsThatAreLost(t *testing.T) {
	in(t, Options{}, func(p *place) {
		p.comes(3, "a")
		synctest.Wait()
		p.mu.Lock()
		p.leads[3] = 9
		p.mu.Unlock()
		p.want()
		<-time.After(lookEvery)
		p.want("9 a after 0")
	})
}

func TestNobodyLeadsInTime(t *testing.T) {
	in(t, Options{}, func(p *place) {
		p.comes(3, "a")
		<-time.After(time.Second)
		p.comes(3, "b")
		<-time.After(time.Second)
		p.lead(3, 9)
		p.want("9 b after 0")
		p.stats(Stats{Held: 2, Released: 1, Expired: 1})
	})
}

func TestTheRoomIsFull(t *testing.T) {
	in(t, Options{Datagrams: 2}, func(p *place) {
		if !p.comes(3, "a") || !p.comes(4, "b") || p.comes(3, "c") {
			t.Error("the third one is not the one that is dropped")
		}
		p.lead(3, 9)
		p.lead(4, 9)
		p.want("9 a after 0", "9 b after 0")
		p.stats(Stats{Held: 2, Released: 2, Full: 1})
	})
}

// TestWhoComesWhileTheyLeave stands behind them, though it might go at once; and
// where the leadership ends again all wait on, in their order.
func TestWhoComesWhileTheyLeave(t *testing.T) {
	in(t, Options{}, func(p *place) {
		p.here = func(fwd *wire.Forward) {
			if string(fwd.Datagram) == "a" {
				p.comes(3, "c")
				p.lead3(0)
			}
			p.comes(3, string(fwd.Datagram)+"'") // as the shell does when it leads no more
		}
		p.comes(3, "a")
		p.comes(3, "b")
		p.lead(3, self)
		p.want("here a", "here b")
		p.lead(3, 9)
		p.want("9 c after 0", "9 a' after 0", "9 b' after 0")
		p.stats(Stats{Held: 5, Released: 5})
	})
}

func (p *place) lead3(n ids.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads[3] = n
}

// TestClose waits for those who wait, and takes nobody else.
func TestClose(t *testing.T) {
	in(t, Options{}, func(p *place) {
		p.comes(3, "a")
		p.comes(4, "b")
		ended := make(chan struct{})
		go func() { p.Close(); close(ended) }()
		synctest.Wait()
		if p.comes(3, "c") {
			t.Error("a closed room takes somebody")
		}
		p.lead(3, 9)
		p.want("9 a after 0")
		p.comes(3, "d")
		p.want("9 d after 2")
		begun := time.Now()
		<-ended
		if waited := time.Since(begun); waited > DefaultPatience+lookEvery {
			t.Errorf("Close took %v", waited)
		}
		p.stats(Stats{Held: 2, Released: 1, Expired: 1, Full: 1})
	})
	New(Options{}).Close()
}
