package ring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"dormouse/codec/ids"
)

// Bounds of a plan. Shards are bounded by ids.MaxShards.
const (
	MaxNodes    = 1024 // of a topology
	MaxReplicas = 7    // of a shard: of seven voters three may fail
	MaxWeight   = 1000 // of a node
	MaxZone     = 64   // bytes of a zone's name
)

// ErrPlan is in the chain of what is returned for nodes or numbers that cannot
// be planned with.
var ErrPlan = errors.New("ring: no plan")

// Node is what placement knows of a node.
type Node struct {
	ID ids.Node

	// Zone is what fails as one: a rack, a room, a data centre. Nodes without
	// one share the empty zone. At most MaxZone bytes.
	Zone string

	// Weight is the node's share as compared with others, 1 to MaxWeight; 0 is
	// taken as 1. A node of weight 2 holds and leads twice as much.
	Weight int

	// Draining: the node shall hold nothing, and is about to leave for good.
	// Where every node drains, none does: somebody has to hold the data.
	Draining bool

	// Standby: the node keeps what it holds and leads nothing. For a restart,
	// which moves no data. Where no other holds a shard, it leads all the same.
	Standby bool
}

// ordered copies nodes into the order of their IDs, their weights filled in,
// or says why nothing can be planned with them.
func ordered(nodes []Node) ([]Node, error) {
	if len(nodes) == 0 || len(nodes) > MaxNodes {
		return nil, fmt.Errorf("%w: %d nodes, 1 to %d can be placed on", ErrPlan, len(nodes), MaxNodes)
	}
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	for i := range nodes {
		n := &nodes[i]
		if n.Weight == 0 {
			n.Weight = 1
		}
		if err := n.check(); err != nil {
			return nil, err
		}
		if i > 0 && nodes[i-1].ID == n.ID {
			return nil, fmt.Errorf("%w: node %v is named twice", ErrPlan, n.ID)
		}
	}
	return nodes, nil
}

// find is the place of a node among nodes in the order of their IDs.
func find(nodes []Node, id ids.Node) (int, bool) {
	return slices.BinarySearchFunc(nodes, id, func(n Node, id ids.Node) int { return cmp.Compare(n.ID, id) })
}

func (n *Node) check() error {
	switch {
	case n.ID == 0:
		return fmt.Errorf("%w: a node without an ID", ErrPlan)
	case n.Weight < 1 || n.Weight > MaxWeight:
		return fmt.Errorf("%w: node %v has weight %d, 1 to %d are possible", ErrPlan, n.ID, n.Weight, MaxWeight)
	case len(n.Zone) > MaxZone:
		return fmt.Errorf("%w: the zone of node %v has %d bytes, at most %d", ErrPlan, n.ID, len(n.Zone), MaxZone)
	}
	return nil
}

// holders are the nodes that may hold replicas: those that do not drain, or all.
func holders(nodes []Node) []Node {
	var stay []Node
	for _, n := range nodes {
		if !n.Draining {
			stay = append(stay, n)
		}
	}
	if len(stay) == 0 {
		return nodes
	}
	return stay
}
