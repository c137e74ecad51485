package ring

import "dormouse/codec/ids"

// Topology is where every shard should be. It is agreed through the system
// group, and of two the one with the higher version is in force.
type Topology struct {
	Version  uint64    // from 1; each that differs is one higher
	Replicas int       // wanted of each shard, 1 to MaxReplicas; fewer are placed where fewer nodes may hold them
	Nodes    []Node    // in the order of their IDs
	Shards   []Holders // by shard, each with at least one node
}

// Holders are the nodes that should hold a shard: first the preferred leader,
// then the other voters, and of an even number the last is a learner. For an
// even number of voters outvotes no more failures than one less, and two
// would stand still with either.
type Holders []ids.Node

// Leader is the preferred leader.
func (h Holders) Leader() ids.Node { return h[0] }

// Voters are those that vote: 1 of 1 or 2, 3 of 3 or 4.
func (h Holders) Voters() []ids.Node { return h[:len(h)-(1-len(h)%2)] }

// Learners are those that only follow, at most one.
func (h Holders) Learners() []ids.Node { return h[len(h)-(1-len(h)%2):] }

// Of is where a shard should be, nil for one that is not.
func (t *Topology) Of(s ids.Shard) Holders {
	if int(s) >= len(t.Shards) {
		return nil
	}
	return t.Shards[s]
}

// Node finds a node of the topology.
func (t *Topology) Node(id ids.Node) (Node, bool) {
	i, ok := find(t.Nodes, id)
	if !ok {
		return Node{}, false
	}
	return t.Nodes[i], true
}

// Load is what a node has to do.
type Load struct {
	Node     ids.Node
	Replicas int // shards that it holds, leaders among them
	Leaders  int // shards that it should lead
}

// Loads is the load of each node, in the order of Nodes.
func (t *Topology) Loads() []Load {
	loads := make([]Load, len(t.Nodes))
	at := make(map[ids.Node]*Load, len(t.Nodes))
	for i, n := range t.Nodes {
		loads[i].Node = n.ID
		at[n.ID] = &loads[i]
	}
	for _, h := range t.Shards {
		for i, id := range h {
			at[id].Replicas++
			if i == 0 {
				at[id].Leaders++
			}
		}
	}
	return loads
}
