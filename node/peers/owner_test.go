package peers

import (
	"encoding/binary"
	"testing"

	"dormouse/cluster/members"
	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// group is the one group that a node has a replica of, or none.
type group struct {
	engine
	status shards.Status
	here   bool
}

func (g *group) Status(ids.Shard) (shards.Status, bool) { return g.status, g.here }

// says is the frame in which a node says what it leads.
func says(shard ids.Shard, term uint64) []byte {
	b := binary.BigEndian.AppendUint16([]byte{leadsVersion}, uint16(shard))
	return binary.BigEndian.AppendUint64(b, term)
}

// A replica knows best who leads; what others said counts where it knows nothing
// newer, and they are there.
func TestOwner(t *testing.T) {
	const shard = 3
	for name, tc := range map[string]struct {
		here         bool
		leader       ids.Node
		term         uint64
		said         ids.Node
		saidTerm     uint64
		gone         bool
		want         ids.Node
		nobodyIsSaid bool
	}{
		"the group's leader":              {here: true, leader: 2, term: 7, said: 3, saidTerm: 6, want: 2},
		"a later one, by its own word":    {here: true, leader: 2, term: 7, said: 3, saidTerm: 8, want: 3},
		"an election behind what is said": {here: true, term: 8, said: 3, saidTerm: 7},
		"one that was elected just now":   {here: true, term: 8, said: 3, saidTerm: 8, want: 3},
		"one that failed":                 {here: true, term: 8, said: 3, saidTerm: 8, gone: true},
		"no replica here":                 {said: 3, saidTerm: 7, want: 3},
		"no replica, and it failed":       {said: 3, saidTerm: 7, gone: true},
		"nothing at all":                  {nobodyIsSaid: true},
	} {
		g := &group{status: shards.Status{Shard: shard, Leader: tc.leader, Term: tc.term}, here: tc.here}
		heard := 0
		p := &Peers{o: Options{Self: wire.Node{ID: 1}, Shards: 6, Formats: first, Heard: func() { heard++ }}, engine: g,
			nodes: map[ids.Node]*node{3: {alive: !tc.gone}}, leads: map[ids.Shard]lead{}}
		if !tc.nobodyIsSaid {
			for range 2 {
				if err := p.heardLeads(tc.said, says(shard, tc.saidTerm)); err != nil {
					t.Error(err)
				}
			}
			if heard != 1 {
				t.Errorf("%s: heard %d times what is new once", name, heard)
			}
		}
		if got, known := p.Owner(shard); got != tc.want && known || known != (tc.want != 0) {
			t.Errorf("%s: %v, known %v; want %v", name, got, known, tc.want)
		}
	}
}

func TestLeadsThatAreCut(t *testing.T) {
	p := &Peers{o: Options{Shards: 6, Formats: first, Heard: func() {}}, leads: map[ids.Shard]lead{}}
	frame := says(3, 7)
	for n := range frame {
		if err := p.heardLeads(2, frame[:n]); (err == nil) != (n == 1) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// registry is a State with the records of nodes.
type registry struct {
	nothing
	records []Record
}

func (r registry) Scan(_ ids.Shard, _ wire.Class, _, _ []byte, _ bool, f func(key, value []byte) bool) error {
	for i := range r.records {
		f(r.records[i].key(), r.records[i].append(nil))
	}
	return nil
}

// A node that failed stays a peer; one that was removed, or never belonged here,
// does not when it is gone.
func TestWhoHasGoneIsForgotten(t *testing.T) {
	identity := identities(t)
	p := open(t, options(1, identity("a")))
	list := []Record{{ID: 2, Name: "failed"}, {ID: 3, Name: "removed", Removed: true}, {ID: 4, Name: "removed, there", Removed: true}}
	for i := range list {
		list[i].Addr, list[i].Reads = p.o.Bind, firstLevel
	}
	p.o.State = registry{records: list}
	g := &group{}
	p.engine = g
	for id := ids.Node(2); id < 6; id++ {
		m := members.Member{Addr: p.o.Bind, Meta: members.Meta{ID: id, Incarnation: 1, Ports: members.Ports{Cluster: 1, Link: 1}}}
		p.nodes[id] = &node{alive: id == 4, Member: m}
		p.leads[ids.Shard(id)] = lead{id, 9}
	}
	p.setPeers()
	p.forget()
	if n := p.mesh.Stats().Peers; n != 4 {
		t.Errorf("%d peers where nothing is known of the cluster", n)
	}
	g.here = true
	p.forget()
	if mesh, link := p.mesh.Stats().Peers, p.link.Stats().Peers; mesh != 2 || link != 2 || p.nodes[2] == nil || p.nodes[4] == nil {
		t.Errorf("%d and %d peers, %v", mesh, link, p.nodes)
	}
	if p.leads[3].node != 0 || p.leads[2].node != 2 || p.leads[3].term != 9 {
		t.Errorf("what they lead: %v", p.leads)
	}
}
