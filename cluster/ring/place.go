package ring

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"dormouse/codec/ids"
)

// Place makes the first topology of a cluster of 1 to ids.MaxShards shards. An
// error has ErrPlan in its chain and says what cannot be planned with.
func Place(nodes []Node, shards, replicas int) (Topology, error) {
	if shards < 1 || shards > ids.MaxShards {
		return Topology{}, fmt.Errorf("%w: %d shards, 1 to %d are possible", ErrPlan, shards, ids.MaxShards)
	}
	return Replan(Topology{Replicas: replicas, Shards: make([]Holders, shards)}, nodes)
}

// Replan makes the topology that follows old when these are the nodes, with the
// least movement. If nothing differs it is old itself, its version too. A node
// that is not named has left, and holds nothing. Shards are as many as before;
// old.Replicas may be set to another number first. Errors are those of Place.
func Replan(old Topology, nodes []Node) (Topology, error) {
	if old.Replicas < 1 || old.Replicas > MaxReplicas {
		return Topology{}, fmt.Errorf("%w: %d replicas, 1 to %d are possible", ErrPlan, old.Replicas, MaxReplicas)
	}
	nodes, err := ordered(nodes)
	if err != nil {
		return Topology{}, err
	}
	next := old
	for range maxPasses {
		last := next
		next = replan(last, nodes)
		if last.Version > 0 && bytes.Equal(next.Append(nil), last.Append(nil)) {
			break
		}
		next.Version = old.Version + 1
	}
	if next.Version == old.Version {
		return old, nil
	}
	return next, nil
}

// maxPasses bounds how often a plan is looked over again. Nearly all stand
// after the first; some few mend in the second what a chain that closed its
// own way (moveTo) left.
const maxPasses = 8

// replan is one pass of Replan; the version is still that of old.
func replan(old Topology, nodes []Node) Topology {
	p := newPlan(old, holders(nodes))
	p.keep()
	p.setQuotas()
	p.fill()
	p.chain()
	p.fillAnyhow()
	return Topology{Version: old.Version, Replicas: old.Replicas, Nodes: nodes, Shards: p.holders(p.leaders())}
}

// plan is the work on one topology. Nodes are known by their place in nodes,
// and len(nodes) is nobody: who holds what no node holds, with quota 0.
type plan struct {
	old      []Holders
	nodes    []Node  // those that may hold, in the order of their IDs
	zone     []int   // of each node; nobody's is none's
	zones    int     // how many
	nobody   int     // = len(nodes)
	replicas int     // of each shard: as wanted, or as many as there are nodes
	perZone  int     // most replicas of one shard in one zone
	held     [][]int // replicas places for each shard: who holds them
	load     []int   // places that a node holds
	quota    []int   // places that it should hold
	full     []bool  // it, or its zone, can have no more
	last     int     // node that got the last place of all quotas
	level    int     // its quota then
}

func newPlan(old Topology, nodes []Node) *plan {
	p := &plan{
		old: old.Shards, nodes: nodes, nobody: len(nodes), replicas: min(old.Replicas, len(nodes)),
		held: make([][]int, len(old.Shards)), load: make([]int, len(nodes)+1), quota: make([]int, len(nodes)+1),
		full: make([]bool, len(nodes)),
	}
	p.setZones()
	return p
}

// at is the place of a node in nodes, nobody for one that may not hold.
func (p *plan) at(id ids.Node) int {
	i, ok := find(p.nodes, id)
	if !ok {
		return p.nobody
	}
	return i
}

// weight is the rendezvous weight of a shard on a node.
func (p *plan) weight(shard, node int) uint64 { return weight(ids.Shard(shard), p.nodes[node].ID) }

// holders puts the outcome in order: the leader, then who held the shard before
// in the order of before, then the others by weight. So a voter stays one when
// another node comes.
func (p *plan) holders(leaders []int) []Holders {
	all := make([]Holders, len(p.held))
	for s, held := range p.held {
		rank := func(node int) int {
			if node == leaders[s] {
				return -1
			}
			if i := slices.Index(p.old[s], p.nodes[node].ID); i >= 0 {
				return i
			}
			return MaxReplicas
		}
		inOrder := slices.SortedFunc(slices.Values(held), func(a, b int) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(p.weight(s, b), p.weight(s, a)), cmp.Compare(a, b))
		})
		for _, node := range inOrder {
			all[s] = append(all[s], p.nodes[node].ID)
		}
	}
	return all
}
