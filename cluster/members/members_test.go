package members

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"dormouse/codec/ids"
)

func TestThreeNodesMeet(t *testing.T) {
	a := begin(t, options("a"))
	a.awaitList(t, "a")
	if hasMet(a.Met()) {
		t.Error("alone, it has met a peer")
	}
	b := begin(t, options("b", a))
	c := begin(t, options("c", b))
	for _, n := range []*node{a, b, c} {
		n.awaitList(t, "a", "b", "c")
		<-n.Met()
	}
	want := Member{Name: "c", Addr: c.Addr(), Meta: options("c").meta()}
	if got := a.awaitEvent(t, Joined, "c").Member; got != want {
		t.Errorf("a sees %+v, want %+v", got, want)
	}
	if err := c.JoinError(); err != nil {
		t.Error(err)
	}
}

func TestKilledNodeFails(t *testing.T) {
	a, b, c := three(t, nil)
	start := time.Now()
	c.kill(t)
	a.awaitEvent(t, Failed, "c")
	first := time.Since(start)
	b.awaitEvent(t, Failed, "c")
	t.Logf("noticed after %v and %v", first.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	a.awaitList(t, "a", "b")
	b.awaitList(t, "a", "b")
}

func TestNodeLeaves(t *testing.T) {
	a, b, c := three(t, nil)
	if err := c.Leave(patience); err != nil {
		t.Fatal(err)
	}
	if err := c.Leave(patience); err != nil {
		t.Errorf("leaving again: %v", err)
	}
	for _, n := range []*node{a, b, c} {
		n.awaitEvent(t, Left, "c")
	}
	b.awaitList(t, "a", "b")
	c.kill(t)
	if err := c.Leave(0); !errors.Is(err, ErrClosed) {
		t.Errorf("leaving when closed: %v", err)
	}
}

func TestAloneNodeLeaves(t *testing.T) {
	a := begin(t, options("a"))
	if err := a.Leave(0); err != nil {
		t.Error(err)
	}
}

// Whether the death was noticed or not: the old life ends, the next begins.
func TestNodeComesBack(t *testing.T) {
	a, b, c := three(t, nil)
	a.forget()
	o := options("c", b)
	o.Bind, o.Incarnation = c.Addr(), 2
	c.kill(t)
	begin(t, o)
	a.await(t, "c's second life", func() bool { return slices.Equal(a.lines(), []string{"failed c/1", "joined c/2"}) })
}

// A new machine has the old one's name: it is let in as soon as the old is dead.
func TestNodeComesBackElsewhere(t *testing.T) {
	a, b, c := three(t, nil)
	a.forget()
	c.kill(t)
	o := options("c", b)
	o.Incarnation, o.ID = 2, 99
	again := begin(t, o)
	a.await(t, "c's second life", func() bool { return slices.Equal(a.lines(), []string{"failed c/1", "joined c/2"}) })
	if m := a.awaitEvent(t, Joined, "c").Member; m.Addr != again.Addr() || m.ID != 99 {
		t.Errorf("it came back as %+v", m)
	}
}

func TestUpdate(t *testing.T) {
	a, b, c := three(t, nil)
	for version := range uint64(20) {
		c.SetTopology(version + 1)
	}
	for _, n := range []*node{a, b, c} {
		n.await(t, "topology 20", func() bool {
			last := n.events[len(n.events)-1]
			return last.Kind == Updated && last.Member.Name == "c" && last.Member.Topology == 20
		})
	}
}

func TestSameName(t *testing.T) {
	a, b, c := three(t, nil)
	o := options("c", a)
	o.ID = 99
	other := begin(t, o)
	for _, n := range []*node{a, b, other} {
		n.await(t, "the conflict", func() bool { return len(n.conflicts) > 0 })
	}
	if got := a.conflicts[0]; got.Same() != "name" || got.Existing.Addr != c.Addr() || got.Other.Addr != other.Addr() || got.Other.ID != 99 {
		t.Errorf("a has %+v", got)
	}
	if got := other.conflicts[0]; got.Existing.ID != 99 || got.Other.Addr != c.Addr() {
		t.Errorf("the second c has %+v", got)
	}
	for _, n := range []*node{a, b, c, other} {
		n.awaitList(t, "a", "b", "c")
	}
}

func TestSameID(t *testing.T) {
	a, _, c := three(t, nil)
	o := options("d", a)
	o.ID = ids.Node('c')
	other := begin(t, o)
	for _, n := range []*node{a, c, other} {
		n.await(t, "the conflict", func() bool { return len(n.conflicts) == 1 })
		got := n.conflicts[0]
		names := []string{got.Existing.Name, got.Other.Name}
		slices.Sort(names)
		if got.Same() != "ID" || !slices.Equal(names, []string{"c", "d"}) {
			t.Errorf("%s has %+v", n.name, got)
		}
		n.awaitList(t, "a", "b", "c", "d")
	}
}

// memberlist forgets a member that was away for longer than it gossips to the
// dead, on both sides of a cut.
func TestCutHeals(t *testing.T) {
	w := &network{cut: map[string]bool{}}
	a, b, c := three(t, func(o *Options) {
		attach := w.attach(t)
		o.reconnect = 50 * time.Millisecond
		o.tune = func(c *memberlist.Config) { attach(c); c.GossipToTheDeadTime = time.Millisecond }
	})
	w.set(c.Addr(), true)
	a.awaitList(t, "a", "b")
	b.awaitList(t, "a", "b")
	c.awaitList(t, "c")
	w.set(c.Addr(), false)
	for _, n := range []*node{a, b, c} {
		n.awaitList(t, "a", "b", "c")
	}
}

// A listener that stands still holds up nobody, and is told the sum.
func TestSlowListener(t *testing.T) {
	held, goOn := make(chan struct{}), make(chan struct{})
	var batches [][]Event
	o := options("a")
	o.Listener.Changed = func(events []Event, _ []Member) {
		if batches = append(batches, events); len(batches) == 1 {
			close(held)
			<-goOn
		}
	}
	a, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	<-held
	anyone := &node{Members: a}
	b := begin(t, options("b", anyone))
	c := begin(t, options("c", anyone))
	b.awaitList(t, "a", "b", "c")
	c.kill(t)
	b.SetTopology(5)
	eventually(t, "a's memberlist knows", func() bool {
		a.tracker.mu.Lock()
		defer a.tracker.mu.Unlock()
		return !a.tracker.latest["c"].present && a.tracker.latest["b"].member.Topology == 5
	})
	close(goOn)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	told := slices.Concat(batches[1:]...)
	if len(told) != 1 || told[0].Kind != Joined || told[0].Member.Name != "b" || told[0].Member.Topology != 5 {
		t.Errorf("told of %+v", told)
	}
}

func TestJoinGoesOn(t *testing.T) {
	a := begin(t, options("a"))
	addr := a.Addr()
	a.kill(t)
	b := begin(t, options("b", a))
	b.joiner.round(t.Context())
	if err := b.JoinError(); err == nil || !strings.Contains(err.Error(), addr.String()) || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %v", err)
	}
	o := options("a")
	o.Bind = addr
	begin(t, o)
	b.awaitList(t, "a", "b")
}

// Being found by c does not keep b from looking for a, whom c does not know.
func TestJoinGoesOnWhenFound(t *testing.T) {
	a := begin(t, options("a"))
	o := options("a")
	o.Bind = a.Addr()
	a.kill(t)
	b := begin(t, options("b", a))
	c := begin(t, options("c", b))
	b.awaitList(t, "b", "c")
	a = begin(t, o)
	for _, n := range []*node{a, b, c} {
		n.awaitList(t, "a", "b", "c")
	}
}

// Its own address in the join list is no peer.
func TestJoinSelf(t *testing.T) {
	o := options("a")
	o.Bind = netip.MustParseAddrPort("127.0.0.1:" + freePort(t))
	o.Join = []string{o.Bind.String(), "localhost:" + strings.Split(o.Bind.String(), ":")[1]}
	a := begin(t, o)
	a.awaitList(t, "a")
	a.joiner.round(t.Context())
	if hasMet(a.Met()) {
		t.Error("it has met itself")
	}
}
