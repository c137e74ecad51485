package ring

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dormouse/codec/ids"
)

// sizes of clusters, and the zones that their nodes are dealt out to.
var sizes = []struct{ nodes, shards, zones int }{
	{3, 32, 1}, {5, 32, 1}, {5, 32, 5}, {7, 64, 3}, {16, 64, 1}, {16, 64, 4}, {64, 256, 1}, {100, 1024, 1}, {99, 1024, 3}, {100, 1024, 10},
}

// Bounds of the properties: the greatest load by the mean, and what moves by
// the least that must. The shares of small clusters are small numbers, of which
// a whole one more is the least that can be more.
const (
	mostLoad = 1.25
	mostMove = 1.2
	few      = 4 // more than must may move where only some do: least knows no zones, and they close places
)

// spread is the greatest load by the mean, for replicas and leaders, in parts
// of the weight of the nodes that hold any.
func spread(top *Topology) (replicas, leaders float64) {
	weight := 0
	for _, n := range holders(top.Nodes) {
		weight += n.Weight
	}
	places := len(top.Shards) * len(top.Shards[0])
	for i, l := range top.Loads() {
		share := float64(top.Nodes[i].Weight) / float64(weight)
		replicas = max(replicas, float64(l.Replicas)/share/float64(places))
		leaders = max(leaders, float64(l.Leaders)/share/float64(len(top.Shards)))
	}
	return replicas, leaders
}

// checkSpread allows a whole one above the mean where that is more.
func checkSpread(t *testing.T, what string, top *Topology) {
	t.Helper()
	replicas, leaders := spread(top)
	n := float64(len(holders(top.Nodes)))
	shards := float64(len(top.Shards))
	atMost := func(mean float64) float64 { return max(mostLoad, math.Ceil(mean)/mean) + 1e-9 }
	if replicas > atMost(shards*float64(len(top.Shards[0]))/n) || leaders > atMost(shards/n) {
		t.Errorf("%s: load by mean %.3f of replicas, %.3f of leaders", what, replicas, leaders)
	}
}

// change is something that happens to a cluster, and the least that has to
// move by it: the share of who comes, or what is on who goes.
type change struct {
	name  string
	nodes []Node
}

// changes are made of nodes by a random one of them, or a new one.
func changes(r *rand.Rand, nodes []Node) []change {
	i := r.IntN(len(nodes))
	joined := append(slices.Clone(nodes), Node{ID: ids.Node(r.Uint64() | 1), Zone: nodes[i].Zone, Weight: 1})
	drains := slices.Clone(nodes)
	drains[i].Draining = true
	return []change{
		{"join", joined},
		{"leave", slices.Delete(slices.Clone(nodes), i, i+1)},
		{"drain", drains},
	}
}

// least is what must move from one topology to nodes: what is held by who
// may hold it no more, and what is below the shares of the others.
func least(old *Topology, nodes []Node) (replicas, leaders int) {
	nodes, _ = ordered(nodes)
	p := newPlan(*old, holders(nodes))
	p.keep()
	p.setQuotas()
	l := &lead{plan: p}
	l.setBounds(leadSlack)
	led := make([]int, len(p.nodes)+1)
	for _, h := range old.Shards {
		led[p.at(h.Leader())]++
	}
	for node := range p.nodes {
		replicas += max(0, p.quota[node]-p.load[node])
		leaders += max(0, l.low[node]-led[node])
	}
	return replicas, max(leaders, led[p.nobody])
}

// TestBalanceAndMovement prints the figures of docs/decisions.
// Zones of different sizes are there for the rules of check alone: they go
// before balance.
func TestBalanceAndMovement(t *testing.T) {
	const seeds = 5 // of each size
	for _, size := range sizes {
		if size.nodes*size.shards > 50_000 && testing.Short() {
			continue
		}
		worst := map[string][2]float64{}
		worstOf := func(what string, replicas, leaders float64) {
			w := worst[what]
			worst[what] = [2]float64{max(w[0], replicas), max(w[1], leaders)}
		}
		for range seeds {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 0))
			nodes := many(r, size.nodes, size.zones)
			old := mustPlace(t, nodes, size.shards, 3)
			if size.nodes%size.zones == 0 {
				checkSpread(t, fmt.Sprintf("seed %d: place %v", seed, size), &old)
			}
			a, b := spread(&old)
			worstOf("balance", a, b)
			for _, c := range changes(r, nodes) {
				next := mustReplan(t, old, c.nodes)
				what := fmt.Sprintf("seed %d: %v %s", seed, size, c.name)
				if size.zones == 1 {
					checkSpread(t, what, &next)
				}
				leastReplicas, leastLeaders := least(&old, c.nodes)
				replicas, leaders := moved(&old, &next)
				if float64(replicas) > max(mostMove*float64(leastReplicas), float64(leastReplicas+few)) {
					t.Errorf("%s: %d replicas moved, the least is %d", what, replicas, leastReplicas)
				}
				if float64(leaders) > max(mostMove*float64(leastLeaders), float64(leastLeaders+few)) {
					t.Errorf("%s: %d leaders moved, the least is %d", what, leaders, leastLeaders)
				}
				a, b := spread(&next)
				worstOf("balance", a, b)
				worstOf(c.name, float64(replicas)/float64(max(1, leastReplicas)), float64(leaders)/float64(max(1, leastLeaders)))
			}
		}
		text := ""
		for _, what := range []string{"balance", "join", "leave", "drain"} {
			text += fmt.Sprintf("  %s %.2f %.2f", what, worst[what][0], worst[what][1])
		}
		t.Logf("%3d nodes %4d shards %2d zones: replicas, leaders:%s", size.nodes, size.shards, size.zones, text)
	}
}

// TestLife lets clusters live: joins, leaves, drains, weights, zones, standby,
// another number of replicas. Every topology holds what check asks for, is the
// same for nodes in any order, and stays when nothing happens. The seeds that
// are named found something once.
func TestLife(t *testing.T) {
	seeds := []uint64{5015409837439388549} // a chain that closes its own way
	for range 40 {
		seeds = append(seeds, rand.Uint64())
	}
	for _, seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		zones := 1 + r.IntN(5)
		nodes := many(r, 1+r.IntN(12), zones)
		top := mustPlace(t, nodes, 1+r.IntN(100), 1+r.IntN(5))
		for step := range 20 {
			nodes = happen(r, nodes, zones)
			if r.IntN(8) == 0 {
				top.Replicas = 1 + r.IntN(5)
			}
			next := mustReplan(t, top, nodes)
			again := mustReplan(t, top, shuffled(r, nodes))
			if string(again.Append(nil)) != string(next.Append(nil)) {
				t.Fatalf("seed %d, step %d: nodes in another order give another topology", seed, step)
			}
			if same := mustReplan(t, next, nodes); string(same.Append(nil)) != string(next.Append(nil)) {
				a, b := moved(&next, &same)
				t.Fatalf("seed %d, step %d: nothing happened, and %d replicas and %d leaders move", seed, step, a, b)
			}
			top = next
		}
	}
}

func happen(r *rand.Rand, nodes []Node, zones int) []Node {
	nodes = slices.Clone(nodes)
	i := r.IntN(len(nodes))
	switch n := &nodes[i]; r.IntN(7) {
	case 0, 1:
		nodes = append(nodes, many(r, 1+r.IntN(2), 1+r.IntN(zones))...)
	case 2:
		if len(nodes) > 1 {
			nodes = slices.Delete(nodes, i, i+1)
		}
	case 3:
		n.Draining = !n.Draining
	case 4:
		n.Standby = !n.Standby
	case 5:
		n.Weight = 1 + r.IntN(4)
	case 6:
		n.Zone = fmt.Sprint("zone ", r.IntN(zones))
	}
	return nodes
}

// TestManyChanges: what is left of each change does not add up. A hundred nodes,
// of which any number up to ten come and go at once, a hundred times.
func TestManyChanges(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	nodes := many(r, 100, 1)
	top := mustPlace(t, nodes, 1024, 3)
	var sum struct{ replicas, leaders, leastReplicas, leastLeaders int }
	var most [2]float64
	for range 100 {
		nodes = shuffled(r, nodes)
		if len(nodes) > 140 || len(nodes) > 60 && r.IntN(2) == 0 {
			nodes = nodes[1+r.IntN(10):]
		} else {
			nodes = append(nodes, many(r, 1+r.IntN(10), 1)...)
		}
		leastReplicas, leastLeaders := least(&top, nodes)
		next := mustReplan(t, top, nodes)
		replicas, leaders := moved(&top, &next)
		sum.replicas, sum.leastReplicas = sum.replicas+replicas, sum.leastReplicas+leastReplicas
		sum.leaders, sum.leastLeaders = sum.leaders+leaders, sum.leastLeaders+leastLeaders
		a, b := spread(&next)
		most[0], most[1] = max(most[0], a), max(most[1], b)
		top = next
	}
	t.Logf("%+v moved, load by mean at most %.2f", sum, most)
	if most[0] > mostLoad || most[1] > mostLoad || float64(sum.replicas) > mostMove*float64(sum.leastReplicas) || float64(sum.leaders) > mostMove*float64(sum.leastLeaders) {
		t.Errorf("seed %d: %+v moved, load by mean at most %.2f", seed, sum, most)
	}
}

// TestWeightsAreObeyed: twice the weight, twice the replicas and leaders.
func TestWeightsAreObeyed(t *testing.T) {
	seed := rand.Uint64()
	nodes := many(rand.New(rand.NewPCG(seed, 0)), 20, 1)
	for i := range nodes {
		nodes[i].Weight = 1 + i%3
	}
	top := mustPlace(t, nodes, 1024, 3)
	for i, l := range top.Loads() {
		w := float64(top.Nodes[i].Weight)
		replicas, leaders := float64(l.Replicas)/(3072*w/39), float64(l.Leaders)/(1024*w/39)
		if math.Abs(replicas-1) > 0.03 || math.Abs(leaders-1) > 1./leadSlack+0.02 {
			t.Errorf("seed %d: weight %v: %d replicas, %d leaders: %.2f and %.2f of its share", seed, w, l.Replicas, l.Leaders, replicas, leaders)
		}
	}
}
