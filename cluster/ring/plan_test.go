package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/ids"
)

// named makes nodes of a text: "1a 2b! 3*4 5~" are node 1 in zone a, node 2 in
// zone b that drains, node 3 of weight 4, and node 5 on standby.
func named(text string) (nodes []Node) {
	for word := range strings.FieldsSeq(text) {
		var n Node
		n.Draining, n.Standby = strings.Contains(word, "!"), strings.Contains(word, "~")
		word, weight, weighty := strings.Cut(strings.Trim(word, "!~"), "*")
		if weighty {
			fmt.Sscan(weight, &n.Weight)
		}
		n.Zone = strings.TrimLeft(word, "0123456789")
		fmt.Sscan(strings.TrimRight(word, "abcdefgh"), &n.ID)
		nodes = append(nodes, n)
	}
	return nodes
}

// many are nodes with random IDs, dealt out to the zones.
func many(r *rand.Rand, count, zones int) (nodes []Node) {
	for i := range count {
		nodes = append(nodes, Node{ID: ids.Node(r.Uint64() | 1), Zone: fmt.Sprint("zone ", i%zones), Weight: 1})
	}
	return nodes
}

func shuffled(r *rand.Rand, nodes []Node) []Node {
	nodes = slices.Clone(nodes)
	r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes
}

func mustPlace(t testing.TB, nodes []Node, shards, replicas int) Topology {
	t.Helper()
	top, err := Place(nodes, shards, replicas)
	if err != nil {
		t.Fatal(err)
	}
	check(t, &top)
	return top
}

func mustReplan(t testing.TB, old Topology, nodes []Node) Topology {
	t.Helper()
	top, err := Replan(old, nodes)
	if err != nil {
		t.Fatal(err)
	}
	check(t, &top)
	return top
}

// check is what holds of every topology: holders that may hold, as many as
// there can be, each once, and spread over zones; a form that is read again.
func check(t testing.TB, top *Topology) {
	t.Helper()
	may := holders(top.Nodes)
	p := newPlan(*top, may)
	for s, h := range top.Shards {
		if len(h) != min(top.Replicas, len(may)) {
			t.Fatalf("shard %d has holders %v of %d nodes", s, h, len(may))
		}
		zones := map[string]int{}
		for i, id := range h {
			n, known := top.Node(id)
			if !known || p.at(id) == p.nobody || slices.Contains(h[:i], id) {
				t.Fatalf("shard %d: %v must not hold it: %v", s, id, h)
			}
			if zones[n.Zone]++; zones[n.Zone] > p.perZone {
				t.Fatalf("shard %d: %d replicas in zone %q, at most %d", s, zones[n.Zone], n.Zone, p.perZone)
			}
		}
	}
	parsed, err := ParseTopology(top.Append(nil))
	if err != nil || string(parsed.Append(nil)) != string(top.Append(nil)) {
		t.Fatalf("the form of it is read as %v, %v", parsed, err)
	}
}

// moved counts the places and the leaders that a node has and had not before.
func moved(old, next *Topology) (replicas, leaders int) {
	for s, h := range next.Shards {
		for _, id := range h {
			if !slices.Contains(old.Shards[s], id) {
				replicas++
			}
		}
		if h.Leader() != old.Shards[s].Leader() {
			leaders++
		}
	}
	return replicas, leaders
}

// loads is "replicas/leaders" of each node.
func loads(top *Topology) string {
	var s []string
	for _, l := range top.Loads() {
		s = append(s, fmt.Sprintf("%d/%d", l.Replicas, l.Leaders))
	}
	return strings.Join(s, " ")
}

// TestSmallClusters is a life of 32 shards: each line follows the one before.
func TestSmallClusters(t *testing.T) {
	for _, life := range [][]struct {
		nodes, loads      string
		replicas, leaders int // that moved
	}{
		{ // from one node to five and back
			{"1", "32/32", 0, 0},
			{"1 2", "32/32 32/0", 32, 0}, // the second only learns
			{"1 2 3", "32/12 32/11 32/9", 32, 20},
			{"1 2 3 4", "24/8 24/8 24/9 24/7", 24, 7},
			{"1 2 3 4 5", "20/6 19/6 19/7 19/7 19/6", 19, 6},
			{"1 2 3 4! 5", "24/8 24/8 24/8 0/0 24/8", 19, 7},
			{"1 2 3 5", "24/8 24/8 24/8 24/8", 0, 0},
		},
		{ // a restart of three nodes, one after the other, moves no data
			{"1 2 3", "32/10 32/11 32/11", 0, 0},
			{"1~ 2 3", "32/0 32/16 32/16", 0, 10},
			{"1 2~ 3", "32/16 32/0 32/16", 0, 16},
			{"1 2 3~", "32/16 32/16 32/0", 0, 16},
			{"1~ 2~ 3~", "32/16 32/16 32/0", 0, 0},
			{"1 2 3", "32/11 32/12 32/9", 0, 9},
		},
		{ // of two nodes that begin together each leads half, and stays where it is alone
			{"1 2", "32/16 32/16", 0, 0},
			{"1~ 2", "32/16 32/16", 0, 0}, // the only voter cannot rest
			{"1 2!", "32/32 0/0", 0, 16},
		},
		{ // all drain: somebody has to stay
			{"1 2! 3", "32/16 0/0 32/16", 0, 0},
			{"1! 2! 3!", "32/11 32/9 32/12", 32, 9},
		},
		{ // weights
			{"1*2 2 3 4 5", "32/11 16/5 16/6 16/5 16/5", 0, 0},
			{"1*1 2*2 3 4 5", "16/5 32/10 16/5 16/6 16/6", 16, 8},
		},
		{ // zones go before balance: zone c has one node
			{"1a 2a 3b 4b 5c", "16/6 16/6 16/7 16/7 32/6", 0, 0},
			{"1a 2a 3b 4b 5c 6c", "16/5 16/5 16/5 16/6 16/6 16/5", 16, 5},
			{"1a 2a 3b 4b", "24/8 24/8 24/8 24/8", 32, 11}, // two zones: one of them has two
		},
	} {
		var last Topology
		for i, step := range life {
			if i == 0 {
				last = mustPlace(t, named(step.nodes), 32, 3)
				if got := loads(&last); got != step.loads {
					t.Errorf("%q: %s, want %s", step.nodes, got, step.loads)
				}
				continue
			}
			next := mustReplan(t, last, named(step.nodes))
			replicas, leaders := moved(&last, &next)
			if got := loads(&next); got != step.loads || replicas != step.replicas || leaders != step.leaders {
				t.Errorf("%q: %s with %d replicas and %d leaders moved, want %s with %d and %d",
					step.nodes, got, replicas, leaders, step.loads, step.replicas, step.leaders)
			}
			if next.Version != last.Version+1 {
				t.Errorf("%q: version %d after %d", step.nodes, next.Version, last.Version)
			}
			last = next
		}
	}
}

func TestVotersAndLearners(t *testing.T) {
	for n, want := range []struct{ voters, learners int }{1: {1, 0}, 2: {1, 1}, 3: {3, 0}, 4: {3, 1}, 5: {5, 0}} {
		h := Holders{1, 2, 3, 4, 5}[:n]
		if n == 0 {
			continue
		}
		if len(h.Voters()) != want.voters || len(h.Learners()) != want.learners || h.Voters()[0] != h.Leader() {
			t.Errorf("%d holders: voters %v, learners %v", n, h.Voters(), h.Learners())
		}
	}
}

func TestTopologyFinds(t *testing.T) {
	top := mustPlace(t, named("3 1a 2"), 4, 1)
	if n, ok := top.Node(1); !ok || n.Zone != "a" || n.Weight != 1 {
		t.Errorf("%v, %v", n, ok)
	}
	if n, ok := top.Node(4); ok {
		t.Errorf("%v is a node", n)
	}
	if len(top.Of(3)) != 1 || top.Of(4) != nil {
		t.Errorf("shards %v and %v", top.Of(3), top.Of(4))
	}
}

func TestNoPlan(t *testing.T) {
	crowd := make([]Node, MaxNodes+1)
	for name, tc := range map[string]struct {
		nodes            []Node
		shards, replicas int
		says             string
	}{
		"no nodes":       {nil, 1, 3, "0 nodes"},
		"too many nodes": {crowd, 1, 3, "1025 nodes"},
		"no ID":          {[]Node{{}}, 1, 3, "without an ID"},
		"twice":          {named("1 2 1"), 1, 3, "0000000000000001 is named twice"},
		"weight":         {named("1*1001"), 1, 3, "weight 1001"},
		"negative":       {[]Node{{ID: 1, Weight: -1}}, 1, 3, "weight -1"},
		"zone":           {[]Node{{ID: 1, Zone: strings.Repeat("z", 65)}}, 1, 3, "65 bytes"},
		"no shards":      {named("1"), 0, 3, "0 shards"},
		"many shards":    {named("1"), ids.MaxShards + 1, 3, "2049 shards"},
		"no replicas":    {named("1"), 1, 0, "0 replicas"},
		"many replicas":  {named("1"), 1, 8, "8 replicas"},
	} {
		if _, err := Place(tc.nodes, tc.shards, tc.replicas); !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWeightsAreGolden: another hash would move the data of every cluster.
func TestWeightsAreGolden(t *testing.T) {
	for _, tc := range []struct {
		shard ids.Shard
		node  ids.Node
		want  uint64
	}{
		{0, 1, 0xbfef8030ddc2d772}, {1, 1, 0x5f552ce482f2aa47}, {0, 2, 0x41142829ae9e115e}, {2047, 0xfedcba9876543210, 0xaae33f8f0054774d},
	} {
		if got := weight(tc.shard, tc.node); got != tc.want {
			t.Errorf("shard %d on %v: %#016x, want %#016x", tc.shard, tc.node, got, tc.want)
		}
	}
	top := mustPlace(t, named("1 2 3 4 5"), 6, 3)
	if got, want := fmt.Sprint(top.Shards), "[[3 1 4] [4 2 1] [5 1 4] [1 3 2] [5 3 2] [2 5 3]]"; strings.ReplaceAll(got, "000000000000000", "") != want {
		t.Errorf("%s, want %s", strings.ReplaceAll(got, "000000000000000", ""), want)
	}
}
