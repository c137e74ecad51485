package ring

import (
	"fmt"
	"slices"

	"dormouse/codec/ids"
)

// MoveKind is what a move does. Each is one change of a raft group.
type MoveKind byte

const (
	AddLearner MoveKind = 1 + iota // done when the node has caught up with the log
	Promote                        // makes a learner a voter
	Transfer                       // makes a voter the leader
	Demote                         // makes a voter a learner
	Remove                         // takes a voter or learner out of the group
)

func (k MoveKind) String() string {
	switch k {
	case AddLearner:
		return "add learner"
	case Promote:
		return "promote"
	case Transfer:
		return "lead by"
	case Demote:
		return "demote"
	case Remove:
		return "remove"
	}
	return fmt.Sprintf("MoveKind(%d)", byte(k))
}

// Move is one change of the group of a shard.
type Move struct {
	Shard ids.Shard
	Kind  MoveKind
	Node  ids.Node
}

func (m Move) String() string { return fmt.Sprintf("shard %d: %v %v", m.Shard, m.Kind, m.Node) }

// Wanted is what a group should be: who votes, the preferred leader first, and who
// follows only.
type Wanted struct{ Voters, Learners []ids.Node }

func (w Wanted) has(n ids.Node) bool {
	return slices.Contains(w.Voters, n) || slices.Contains(w.Learners, n)
}

func (w Wanted) size() int { return len(w.Voters) + len(w.Learners) }

// Group is the raft group of one shard as it is.
type Group struct {
	Shard            ids.Shard
	Voters, Learners []ids.Node
	Leader           ids.Node // a voter; 0 where nobody leads
}

// GroupOf is the group that is as the topology wants it.
func GroupOf(s ids.Shard, h Holders) Group {
	return Group{s, slices.Clone(h.Voters()), slices.Clone(h.Learners()), h.Leader()}
}

// Next is the move by which a group comes nearer to what is wanted; false means
// that it is there. Its leader asks. It is asked again after each move, with the
// group as it is then: so a move that failed, a new leader in between or a newer
// topology need no plan to be mended. Rules:
//
//   - The voters are never fewer than they were, or than are wanted if that is
//     less, and never more than one above the greater of both.
//   - Who comes is a learner first. One comes at a time, one goes at a time, and
//     a learner that nobody wants any more goes before another one comes.
//   - The leader neither goes nor is demoted: it transfers before that. That
//     the preferred leader leads, where another is as good, comes last.
//
// want must not be empty.
func (g Group) Next(want Holders) (Move, bool) {
	return g.Toward(Wanted{want.Voters(), want.Learners()})
}

// Toward is Next for a group with members as one likes; there must be a voter.
func (g Group) Toward(want Wanted) (Move, bool) {
	for _, step := range []func(Group, Wanted) (MoveKind, ids.Node){
		Group.shrink, Group.promote, Group.dropLearner, Group.add, Group.lead,
	} {
		if kind, node := step(g, want); kind != 0 {
			return Move{g.Shard, kind, node}, true
		}
	}
	return Move{}, false
}

// shrink takes a voter away while there are more than wanted: one that is not
// wanted at all before one that shall follow only, and the leader last of all.
func (g Group) shrink(want Wanted) (MoveKind, ids.Node) {
	if len(g.Voters) <= len(want.Voters) {
		return 0, 0
	}
	var goes ids.Node
	for _, v := range g.Voters {
		if slices.Contains(want.Voters, v) {
			continue
		}
		if goes == 0 || goes == g.Leader || v != g.Leader && want.has(goes) && !want.has(v) {
			goes = v
		}
	}
	switch {
	case goes == g.Leader:
		return Transfer, g.heir(want)
	case want.has(goes):
		return Demote, goes
	case !g.spare(want):
		return 0, 0
	}
	return Remove, goes
}

// heir is who leads after a leader that goes: the preferred one if it votes
// already, else the first wanted voter that does, else any other one.
func (g Group) heir(want Wanted) ids.Node {
	for _, v := range want.Voters {
		if v != g.Leader && slices.Contains(g.Voters, v) {
			return v
		}
	}
	return g.Voters[slices.IndexFunc(g.Voters, func(v ids.Node) bool { return v != g.Leader })]
}

func (g Group) promote(want Wanted) (MoveKind, ids.Node) {
	for _, v := range want.Voters {
		if slices.Contains(g.Learners, v) {
			return Promote, v
		}
	}
	return 0, 0
}

// spare says that the group has more members than wanted. Where it has not, one
// that is not wanted is a copy that is needed until another one has come.
func (g Group) spare(want Wanted) bool { return len(g.Voters)+len(g.Learners) > want.size() }

// dropLearner removes a learner that is not wanted.
func (g Group) dropLearner(want Wanted) (MoveKind, ids.Node) {
	if !g.spare(want) {
		return 0, 0
	}
	for _, n := range g.Learners {
		if !want.has(n) {
			return Remove, n
		}
	}
	return 0, 0
}

func (g Group) add(want Wanted) (MoveKind, ids.Node) {
	for _, n := range append(slices.Clone(want.Voters), want.Learners...) {
		if !slices.Contains(g.Voters, n) && !slices.Contains(g.Learners, n) {
			return AddLearner, n
		}
	}
	return 0, 0
}

func (g Group) lead(want Wanted) (MoveKind, ids.Node) {
	if first := want.Voters[0]; g.Leader != 0 && g.Leader != first && slices.Contains(g.Voters, first) {
		return Transfer, first
	}
	return 0, 0
}
