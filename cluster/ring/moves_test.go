package ring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/ids"
)

// group reads "1 2 3": voters, the first leads; "1 2+3": 3 is a learner.
func group(text string) (g Group) {
	voters, learners, _ := strings.Cut(text, "+")
	for _, n := range named(voters) {
		g.Voters = append(g.Voters, n.ID)
	}
	for _, n := range named(learners) {
		g.Learners = append(g.Learners, n.ID)
	}
	g.Leader = g.Voters[0]
	return g
}

func wanted(text string) (h Holders) {
	for _, n := range named(text) {
		h = append(h, n.ID)
	}
	return h
}

// until makes moves until there is none.
func until(t *testing.T, g Group, want Holders) (moves []Move, end Group) {
	t.Helper()
	for {
		m, more := g.Next(want)
		if !more {
			return moves, g
		}
		if moves = append(moves, m); len(moves) > 5*MaxReplicas {
			t.Fatalf("%v to %v does not end: %v", g, want, moves)
		}
		g = g.After(m)
	}
}

var moveNames = map[MoveKind]string{AddLearner: "add", Promote: "promote", Transfer: "lead", Demote: "demote", Remove: "remove"}

func TestMovesOfAGroup(t *testing.T) {
	for _, tc := range []struct{ name, group, want, moves string }{
		{"as it should be", "1 2 3", "1 2 3", ""},
		{"another leader", "1 2 3", "3 1 2", "lead 3"},
		{"the second node learns", "1", "1 2", "add 2"},
		{"the third makes three voters", "1+2", "1 2 3", "promote 2, add 3, promote 3"},
		{"one for another", "1 2 3", "1 2 4", "add 4, promote 4, remove 3"},
		{"the leader goes", "1 2 3", "2 3 4", "add 4, promote 4, lead 2, remove 1"},
		{"the leader goes to who comes", "1 2 3", "4 2 3", "add 4, promote 4, lead 4, remove 1"},
		{"all others", "1 2 3", "4 5 6", "add 4, promote 4, remove 2, add 5, promote 5, remove 3, add 6, promote 6, lead 4, remove 1"},
		{"three to two", "1 2 3", "2 3", "demote 3, lead 2, remove 1"},
		{"three to one", "1 2 3", "3", "remove 2, lead 3, remove 1"},
		{"the sole voter goes", "1+2", "2", "promote 2, lead 2, remove 1"},
		{"voter and learner change", "1+2", "2 1", "promote 2, lead 2, demote 1"},
		{"another learner", "1+2", "1 3", "add 3, remove 2"},
		{"copies before voters", "1 2 3", "2 4", "remove 3, lead 2, add 4, remove 1"},
		{"a learner of a plan that was given up", "1 2 3+4", "1 2 5", "remove 4, add 5, promote 5, remove 3"},
		{"in the middle", "1 2 3 4", "1 2 4", "remove 3"},
		{"five", "1 2 3", "1 2 3 4 5", "add 4, promote 4, add 5, promote 5"},
		{"four", "1 2 3", "1 2 3 4", "add 4"},
	} {
		moves, end := until(t, group(tc.group), wanted(tc.want))
		var text []string
		for _, m := range moves {
			text = append(text, fmt.Sprintf("%s %d", moveNames[m.Kind], m.Node))
		}
		if got := strings.Join(text, ", "); got != tc.moves {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.moves)
		}
		if h := wanted(tc.want); len(end.Voters) != len(h.Voters()) || len(end.Learners) != len(h.Learners()) || end.Leader != h.Leader() {
			t.Errorf("%s: ends as %v", tc.name, end)
		}
	}
}

// TestMovesKeepVoters: from any group to any other, under the rules of Next.
func TestMovesKeepVoters(t *testing.T) {
	for range 5000 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0))
		node := r.Perm(12)
		some := func(n int) (list []ids.Node) {
			for _, i := range node[:n] {
				list = append(list, ids.Node(i+1))
			}
			r.Shuffle(len(node), func(i, j int) { node[i], node[j] = node[j], node[i] })
			return list
		}
		members := some(1 + r.IntN(7))
		voters := 1 + r.IntN(len(members))
		g := Group{Voters: members[:voters], Learners: slices.Clone(members[voters:]), Leader: members[r.IntN(voters)]}
		want := Holders(some(1 + r.IntN(MaxReplicas)))
		from := g
		moves, end := until(t, g, want)
		for _, m := range moves {
			if m.Kind != Transfer && m.Kind != AddLearner && m.Kind != Promote && m.Node == g.Leader {
				t.Fatalf("seed %d: %v of the leader of %v", seed, m, g)
			}
			g = g.After(m)
			least, most := min(len(from.Voters), len(want.Voters())), max(len(from.Voters), len(want.Voters()))+1
			if n := len(g.Voters); n < least || n > most || !slices.Contains(g.Voters, g.Leader) {
				t.Fatalf("seed %d: %v to %v: %v makes it %v", seed, from, want, m, g)
			}
			if n := len(g.Voters) + len(g.Learners); n < min(len(from.Voters)+len(from.Learners), len(want)) || n > max(len(from.Voters)+len(from.Learners), len(want)+1) {
				t.Fatalf("seed %d: %v to %v: %v makes it %d members", seed, from, want, m, n)
			}
		}
		same := func(a, b []ids.Node) bool {
			return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
		}
		if !same(end.Voters, want.Voters()) || !same(end.Learners, want.Learners()) || end.Leader != want.Leader() {
			t.Fatalf("seed %d: %v to %v ends as %v", seed, from, want, end)
		}
	}
}

// TestWithoutLeader: nobody can be asked to transfer what nobody has.
func TestWithoutLeader(t *testing.T) {
	g := group("1 2 3")
	g.Leader = 0
	if m, more := g.Next(wanted("2 1 3")); more {
		t.Error(m)
	}
}

func TestMovesOfATopology(t *testing.T) {
	old := mustPlace(t, named("1 2 3"), 4, 3)
	next := mustReplan(t, old, named("1 2! 3 4"))
	count := map[MoveKind]int{}
	last := ids.Shard(0)
	for _, m := range Moves(old, next) {
		if count[m.Kind]++; m.Shard < last {
			t.Errorf("%v comes after shard %d", m, last)
		}
		last = m.Shard
	}
	if want := fmt.Sprint(map[MoveKind]int{AddLearner: 4, Promote: 4, Remove: 4, Transfer: count[Transfer]}); fmt.Sprint(count) != want || count[Transfer] == 0 {
		t.Errorf("%v, want %s", count, want)
	}
	if moves := Moves(next, next); moves != nil {
		t.Errorf("%v from a topology to itself", moves)
	}
	if got, want := fmt.Sprint(Moves(old, next)[0]), "shard 0: add learner 0000000000000004"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := MoveKind(9).String(); got != "MoveKind(9)" {
		t.Error(got)
	}
}
