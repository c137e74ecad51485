package ring

import (
	"slices"

	"dormouse/codec/ids"
)

// After is the group when a move is done.
func (g Group) After(m Move) Group {
	without := func(list []ids.Node) []ids.Node {
		return slices.DeleteFunc(slices.Clone(list), func(n ids.Node) bool { return n == m.Node })
	}
	switch m.Kind {
	case Transfer:
		g.Leader = m.Node
		return g
	case AddLearner, Demote:
		g.Voters, g.Learners = without(g.Voters), append(without(g.Learners), m.Node)
	case Promote:
		g.Voters, g.Learners = append(without(g.Voters), m.Node), without(g.Learners)
	case Remove:
		g.Voters, g.Learners = without(g.Voters), without(g.Learners)
	}
	return g
}

// Moves are all moves from one topology to another, shard after shard and in
// the order of each, if every group is as old wants it and nothing fails. Those
// of different shards do not depend on one another. It is for showing and
// counting what a change costs: who carries it out asks Group.Next.
func Moves(old, next Topology) (moves []Move) {
	for s := range min(len(old.Shards), len(next.Shards)) {
		g := GroupOf(ids.Shard(s), old.Shards[s])
		for {
			m, more := g.Next(next.Shards[s])
			if !more {
				break
			}
			moves = append(moves, m)
			g = g.After(m)
		}
	}
	return moves
}
