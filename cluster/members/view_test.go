package members

import (
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/hashicorp/memberlist"

	"dormouse/codec/ids"
)

// life is a member n in one of its lives.
func life(incarnation uint64, change ...func(*Member)) Member {
	m := Member{Name: "n", Meta: Meta{ID: 1, Incarnation: incarnation}}
	for _, f := range change {
		f(&m)
	}
	return m
}

func leaving(m *Member) { m.Leaving = true }
func moved(m *Member)   { m.Topology = 5 }
func wiped(m *Member)   { m.ID = 2 }

func TestView(t *testing.T) {
	for _, c := range []struct {
		name string
		told *Member // nil: none
		seen sighting
		want []Event
	}{
		{"came", nil, sighting{life(1), true}, []Event{{Joined, life(1)}}},
		{"came and went", nil, sighting{life(1), false}, nil},
		{"stayed", new(life(1)), sighting{life(1), true}, nil},
		{"went", new(life(1)), sighting{life(1), false}, []Event{{Failed, life(1)}}},
		{"said so and went", new(life(1)), sighting{life(1, leaving), false}, []Event{{Left, life(1, leaving)}}},
		{"changed", new(life(1)), sighting{life(1, moved), true}, []Event{{Updated, life(1, moved)}}},
		{"will leave", new(life(1)), sighting{life(1, leaving), true}, []Event{{Updated, life(1, leaving)}}},
		{"next life", new(life(1)), sighting{life(2), true}, []Event{{Failed, life(1)}, {Joined, life(2)}}},
		{"left, next life", new(life(1, leaving)), sighting{life(2), true}, []Event{{Left, life(1, leaving)}, {Joined, life(2)}}},
		{"wiped", new(life(1)), sighting{life(1, wiped), true}, []Event{{Failed, life(1)}, {Joined, life(1, wiped)}}},
		{"next life came and went", new(life(1)), sighting{life(2, leaving), false}, []Event{{Failed, life(1)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newView()
			if c.told != nil {
				v.told["n"] = *c.told
			}
			if got := v.take("n", c.seen); !slices.Equal(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if got := v.take("n", c.seen); got != nil {
				t.Errorf("and again %+v", got)
			}
			if _, listed := v.told["n"]; listed != c.seen.present {
				t.Errorf("listed: %v", listed)
			}
		})
	}
}

func TestConflictIsToldOnce(t *testing.T) {
	v := newView()
	c := Conflict{Existing: life(1), Other: life(1, wiped)}
	v.take("n", sighting{c.Existing, true})
	v.joined(c.Existing)
	if !v.clash(c) || v.clash(c) {
		t.Error("not told once")
	}
	v.joined(life(2))
	if !v.clash(c) {
		t.Error("not told of the next life")
	}
}

// raw is a node as memberlist has it.
func raw(t *testing.T, name string, m Meta) *memberlist.Node {
	t.Helper()
	meta, err := AppendMeta(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return &memberlist.Node{Name: name, Addr: net.IPv4(127, 0, 0, 1), Port: 1, Meta: meta}
}

func TestTrackerIsBounded(t *testing.T) {
	tr := newTracker("self")
	for i := range MaxMembers {
		n := raw(t, fmt.Sprintf("n%d", i), Meta{ID: ids.Node(i + 1)})
		if err := tr.NotifyAlive(n); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			tr.NotifyJoin(n)
			tr.NotifyLeave(n)
		}
		tr.NotifyJoin(n)
	}
	if len(tr.dirty) != MaxMembers {
		t.Errorf("%d names wait", len(tr.dirty))
	}
	if err := tr.NotifyAlive(raw(t, "more", Meta{ID: 1})); err == nil {
		t.Error("one more is let in")
	}
	if err := tr.NotifyAlive(raw(t, "n7", Meta{ID: 1})); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	v := newView()
	if n := tr.take(&v); len(n.events) != MaxMembers || len(tr.dirty) != 0 {
		t.Errorf("%d events, %d names wait", len(n.events), len(tr.dirty))
	}
}

func TestTrackerRefusesWhatItCannotRead(t *testing.T) {
	tr := newTracker("self")
	for name, n := range map[string]*memberlist.Node{
		"metadata": {Name: "n", Addr: net.IPv4(127, 0, 0, 1)},
		"name":     raw(t, "a\nb", Meta{ID: 1}),
		"address":  func() *memberlist.Node { n := raw(t, "n", Meta{ID: 1}); n.Addr = nil; return n }(),
	} {
		if err := tr.NotifyAlive(n); err == nil {
			t.Errorf("%s: let in", name)
		}
		tr.NotifyJoin(n)
	}
	if len(tr.latest) > 0 {
		t.Errorf("kept %v", tr.latest)
	}
}
