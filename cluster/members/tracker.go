package members

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/hashicorp/memberlist"
)

// MaxMembers bounds the names that are known at a time; further nodes are
// refused.
const MaxMembers = 1024

// tracker stands between memberlist, which calls it under its own lock and must
// not wait, and the goroutine that tells the listener. It keeps the latest of
// each name, so that it is bounded by MaxMembers whatever happens.
type tracker struct {
	self string
	wake chan struct{} // there is something to take; one place
	met  chan struct{} // closed with the first peer

	// mu guards what follows. Nothing is called while it is held.
	mu      sync.Mutex
	latest  map[string]sighting // those that are gone until they are taken
	dirty   []string            // names to take, each once, in order of their first change
	queued  map[string]bool     // the same names
	clashes map[string]Conflict // by name, the newest
	hasMet  bool
	taken   bool // a peer has our name at another address
}

func newTracker(self string) *tracker {
	return &tracker{
		self: self, wake: make(chan struct{}, 1), met: make(chan struct{}),
		latest: map[string]sighting{}, queued: map[string]bool{}, clashes: map[string]Conflict{},
	}
}

// read makes a node of memberlist a Member.
func read(n *memberlist.Node) (Member, error) {
	if !validName(n.Name) {
		return Member{}, fmt.Errorf("members: %q is no name of a node", n.Name)
	}
	ip, ok := netip.AddrFromSlice(n.Addr)
	if !ok {
		return Member{}, fmt.Errorf("members: reading the address of %s: %d bytes", n.Name, len(n.Addr))
	}
	meta, err := ParseMeta(n.Meta)
	if err != nil {
		return Member{}, fmt.Errorf("reading what %s tells of itself: %w", n.Name, err)
	}
	return Member{Name: n.Name, Addr: netip.AddrPortFrom(ip.Unmap(), n.Port), Meta: meta}, nil
}

// NotifyAlive refuses nodes that could not be listed, before they become
// members of anything.
func (t *tracker) NotifyAlive(n *memberlist.Node) error {
	if _, err := read(n); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.latest[n.Name]; !known && len(t.latest) >= MaxMembers {
		return fmt.Errorf("members: %d nodes are known, no more", MaxMembers)
	}
	return nil
}

// NotifyJoin, NotifyUpdate and NotifyLeave are never called at the same time.
func (t *tracker) NotifyJoin(n *memberlist.Node)   { t.saw(n, true) }
func (t *tracker) NotifyUpdate(n *memberlist.Node) { t.saw(n, true) }
func (t *tracker) NotifyLeave(n *memberlist.Node)  { t.saw(n, false) }

func (t *tracker) saw(n *memberlist.Node, present bool) {
	m, err := read(n)
	if err != nil {
		return // refused by NotifyAlive, so it is none that was told
	}
	t.mu.Lock()
	t.latest[m.Name] = sighting{m, present}
	if !t.queued[m.Name] {
		t.queued[m.Name] = true
		t.dirty = append(t.dirty, m.Name)
	}
	first := present && m.Name != t.self && !t.hasMet
	t.hasMet = t.hasMet || first
	t.mu.Unlock()
	if first {
		close(t.met)
	}
	t.ring()
}

// NotifyConflict is called for every message of a second node of the same name.
func (t *tracker) NotifyConflict(existing, other *memberlist.Node) {
	e, err := read(existing)
	o, err2 := read(other)
	if err != nil || err2 != nil {
		return
	}
	t.mu.Lock()
	t.clashes[o.Name] = Conflict{Existing: e, Other: o}
	t.taken = t.taken || o.Name == t.self
	t.mu.Unlock()
	t.ring()
}

func (t *tracker) ring() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// news is what is to be told.
type news struct {
	events    []Event
	conflicts []Conflict
}

// take compares what is with what was told.
func (t *tracker) take(v *view) (n news) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range t.dirty {
		s := t.latest[name]
		if !s.present {
			delete(t.latest, name)
		}
		delete(t.queued, name)
		for _, e := range v.take(name, s) {
			n.events = append(n.events, e)
			if e.Kind == Joined {
				n.conflicts = append(n.conflicts, v.joined(e.Member)...)
			}
		}
	}
	t.dirty = t.dirty[:0]
	for name, c := range t.clashes {
		if v.clash(c) {
			n.conflicts = append(n.conflicts, c)
		}
		delete(t.clashes, name)
	}
	return n
}

// current is the member of that name as it is now.
func (t *tracker) current(name string) Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.latest[name].member
}

// contested reports a conflict about the own name since the last call.
func (t *tracker) contested() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.taken
	t.taken = false
	return taken
}
