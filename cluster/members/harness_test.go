package members

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"dormouse/codec/ids"
)

// patience is when a test gives up: a bound of last resort.
const patience = time.Minute

// key is one of 256 keys.
func key(n byte) []byte { return bytes.Repeat([]byte{n}, KeyLen) }

// node is a membership with what its listener was told.
type node struct {
	*Members
	name string

	mu        sync.Mutex
	moved     chan struct{} // closed and made anew with every call of the listener
	events    []Event
	all       []Member
	conflicts []Conflict
}

func (n *node) listener() Listener {
	return Listener{
		Changed: func(events []Event, all []Member) {
			n.note(func() { n.events, n.all = append(n.events, events...), all })
		},
		Conflict: func(c Conflict) { n.note(func() { n.conflicts = append(n.conflicts, c) }) },
	}
}

func (n *node) note(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.moved)
	n.moved = make(chan struct{})
}

// await waits until what the listener was told pleases. It does not look more
// often than that, for a busy loop would starve the probes.
func (n *node) await(t *testing.T, what string, pleases func() bool) {
	t.Helper()
	for deadline := time.After(patience); ; {
		n.mu.Lock()
		ok, moved := pleases(), n.moved
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-moved:
		case <-deadline:
			n.mu.Lock()
			defer n.mu.Unlock()
			t.Fatalf("%s was not told of %s, but of %s", n.name, what, n.lines())
		}
	}
}

// eventually waits for what no listener is told of.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !f(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// awaitList waits for a list of these names.
func (n *node) awaitList(t *testing.T, names ...string) {
	t.Helper()
	n.await(t, fmt.Sprint(names), func() bool { return slices.Equal(namesOf(n.all), names) })
}

// awaitEvent waits for an event about a name and returns it.
func (n *node) awaitEvent(t *testing.T, kind Kind, name string) (e Event) {
	t.Helper()
	n.await(t, fmt.Sprint(kind, " ", name), func() bool {
		at := slices.IndexFunc(n.events, func(e Event) bool { return e.Kind == kind && e.Member.Name == name })
		if at >= 0 {
			e = n.events[at]
		}
		return at >= 0
	})
	return e
}

// forget forgets events.
func (n *node) forget() { n.note(func() { n.events, n.conflicts = nil, nil }) }

func (n *node) lines() (all []string) {
	for _, e := range n.events {
		all = append(all, fmt.Sprintf("%s %s/%d", e.Kind, e.Member.Name, e.Member.Incarnation))
	}
	return all
}

func namesOf(all []Member) (names []string) {
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

// options of a node on loopback. Its ID and incarnation are made of its name.
func options(name string, join ...*node) Options {
	o := Options{
		Name: name, ID: ids.Node(name[0]), Incarnation: 1, Bind: netip.MustParseAddrPort("127.0.0.1:0"),
		Keys: [][]byte{key(1)}, Zone: "z", Ports: Ports{Cluster: 1, Link: 2, HTTP: 3},
	}
	for _, n := range join {
		o.Join = append(o.Join, n.Addr().String())
	}
	return o
}

func begin(t *testing.T, o Options) *node {
	t.Helper()
	n := &node{name: o.Name, moved: make(chan struct{})}
	o.Listener = n.listener()
	m, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	n.Members = m
	t.Cleanup(func() { n.kill(t) })
	return n
}

// kill ends a node without a word.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("closing %s: %v", n.name, err)
	}
}

// three nodes a, b and c that know one another.
func three(t *testing.T, change func(*Options)) (a, b, c *node) {
	t.Helper()
	with := func(o Options) Options {
		if change != nil {
			change(&o)
		}
		return o
	}
	a = begin(t, with(options("a")))
	b = begin(t, with(options("b", a)))
	c = begin(t, with(options("c", b)))
	for _, n := range []*node{a, b, c} {
		n.awaitList(t, "a", "b", "c")
	}
	return a, b, c
}

// network is one in which addresses can be cut off from all others.
type network struct {
	mu  sync.Mutex // guards cut
	cut map[string]bool
}

func (w *network) set(addr netip.AddrPort, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[addr.String()] = cut
}

func (w *network) apart(a, b string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[a] || w.cut[b]
}

// attach puts a node into the network.
func (w *network) attach(t *testing.T) func(*memberlist.Config) {
	return func(c *memberlist.Config) {
		under, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{c.BindAddr}, Logger: c.Logger})
		if err != nil {
			t.Fatal(err)
		}
		c.BindPort, c.AdvertisePort = under.GetAutoBindPort(), under.GetAutoBindPort()
		c.Transport = &link{under, w, fmt.Sprintf("%s:%d", c.BindAddr, c.BindPort)}
	}
}

type link struct {
	*memberlist.NetTransport
	network *network
	self    string
}

func (l *link) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	if l.network.apart(l.self, a.Addr) {
		return time.Now(), nil
	}
	return l.NetTransport.WriteToAddress(b, a)
}

func (l *link) DialAddressTimeout(a memberlist.Address, wait time.Duration) (net.Conn, error) {
	if l.network.apart(l.self, a.Addr) {
		return nil, fmt.Errorf("%s is cut off", a.Addr)
	}
	return l.NetTransport.DialAddressTimeout(a, wait)
}
