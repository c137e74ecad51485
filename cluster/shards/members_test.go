package shards_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"dormouse/cluster/shards"
	"dormouse/cluster/sim/disk"
	"dormouse/codec/ids"
)

// Groups that change while some of their nodes do not hear of it: each of these
// was found by cluster/sim.

// isolate cuts a node off, or lets it speak again.
func (w *net) isolate(n ids.Node, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.nodes {
		w.cut[[2]ids.Node{n, id}], w.cut[[2]ids.Node{id, n}] = cut, cut
	}
}

// changes waits until a change of shard 0 is made.
func (w *net) changes(c shards.Change, n ids.Node) {
	w.t.Helper()
	w.until(fmt.Sprintf("change %d of node %d", c, n), func() bool {
		l := w.leader(0)
		return l != nil && l.change(0, c, n) == nil
	})
}

// leads waits until a node does.
func (w *net) leads(n ids.Node) {
	w.t.Helper()
	w.until(fmt.Sprintf("node %d leads", n), func() bool {
		l := w.leader(0)
		if l != nil && l.id != n {
			_ = l.change(0, shards.Transfer, n) // asked again if it was not possible
		}
		return l != nil && l.id == n
	})
}

func (w *net) writes(key string) {
	w.t.Helper()
	w.until("shard 0 commits", func() bool {
		l := w.leader(0)
		return l != nil && l.propose(0, put(key, "v")) == nil
	})
}

func (w *net) three() (a, b, c *member) {
	a, b, c = w.start(1, disk.New(), true), w.start(2, disk.New(), false), w.start(3, disk.New(), false)
	w.grow(2)
	w.grow(3)
	w.leads(1)
	return a, b, c
}

// In a young log it lacks few entries with nothing at all.
func TestALearnerThatHasNothingIsNotPromoted(t *testing.T) {
	in(t, 1, func(w *net) {
		a, b := w.start(1, disk.New(), true), w.start(2, disk.New(), false)
		w.writes("a")
		w.isolate(2, true)
		w.changes(shards.AddLearner, 2)
		if err := a.change(0, shards.Promote, 2); !errors.Is(err, shards.ErrMove) {
			t.Errorf("promoted: %v", err)
		}
		w.isolate(2, false)
		w.changes(shards.Promote, 2)
		w.until("it has the state", func() bool { return b.get(0, "a") == "v" })
	})
}

// It has told its leader what it has, and must not drop that when it comes to
// the entry by which it was removed: it is a member again by a later one.
func TestWhoIsRemovedAndBackMeanwhileKeepsItsLog(t *testing.T) {
	in(t, 1, func(w *net) {
		_, _, c := w.three()
		w.writes("a")
		w.isolate(3, true)
		w.changes(shards.Remove, 3)
		w.changes(shards.AddLearner, 3)
		w.writes("b")
		w.isolate(3, false)
		w.until("it has what it missed", func() bool { return c.get(0, "a") == "v" && c.get(0, "b") == "v" })
		w.changes(shards.Promote, 3)
		w.isolate(2, true)
		w.writes("c")
		w.until("it counts", func() bool { return c.get(0, "c") == "v" })
	})
}

// A message that was late says that a member has what it has dropped.
func TestAMemberThatLacksWhatItHadIsFilledAnew(t *testing.T) {
	in(t, 1, func(w *net) {
		var mu sync.Mutex
		var said [][]byte // by node 3 to node 1
		a, _ := w.start(1, disk.New(), true), w.start(2, disk.New(), false)
		var c *member
		c = w.start(3, disk.New(), false, func(o *shards.Options) {
			send := o.Send
			o.Send = func(to ids.Node, frame []byte) {
				mu.Lock()
				if to == 1 {
					said = append(said, slices.Clone(frame))
				}
				mu.Unlock()
				send(to, frame)
			}
		})
		w.grow(2)
		w.grow(3)
		w.leads(1)
		w.writes("a")
		w.until("it has it", func() bool { return c.get(0, "a") == "v" })
		w.changes(shards.Remove, 3)
		w.until("its state is gone", func() bool { _, there := c.engine.Status(0); return !there })
		w.isolate(3, true)
		w.changes(shards.AddLearner, 3)
		mu.Lock()
		for _, frame := range said {
			if err := a.engine.Receive(3, frame); err != nil {
				t.Error(err)
			}
		}
		mu.Unlock()
		w.isolate(3, false)
		w.writes("b")
		w.until("it has all again", func() bool { return c.get(0, "a") == "v" && c.get(0, "b") == "v" })
	})
}

// A learner looks for no leader, so nobody would tell it.
func TestALearnerThatWasRemovedUnheardDropsItsData(t *testing.T) {
	in(t, 1, func(w *net) {
		_, _, c := w.three()
		w.changes(shards.Demote, 3)
		w.writes("a")
		w.until("it has it", func() bool { return c.get(0, "a") == "v" })
		w.isolate(3, true)
		w.changes(shards.Remove, 3)
		w.isolate(3, false)
		w.until("its state is gone", func() bool {
			_, there := c.engine.Status(0)
			return !there && c.get(0, "a") == ""
		})
	})
}

// A voter that lags behind does not know the members that came since, and the
// group may need its vote for one of them.
func TestAVoterThatLagsBehindVotesForWhoItDoesNotKnow(t *testing.T) {
	in(t, 1, func(w *net) {
		w.three()
		w.start(4, disk.New(), false)
		w.isolate(3, true)
		w.changes(shards.AddLearner, 4)
		w.changes(shards.Promote, 4)
		w.leads(4)
		w.changes(shards.Remove, 2)
		w.changes(shards.Remove, 1)
		w.until("nobody leads", func() bool { return w.leader(0) == nil })
		w.isolate(3, false)
		w.writes("a")
	})
}

// The leader of two is removed by the entry of the leader before it.
func TestWhoIsLeftAloneLeads(t *testing.T) {
	in(t, 1, func(w *net) {
		a, b := w.start(1, disk.New(), true), w.start(2, disk.New(), false)
		w.grow(2)
		w.leads(1)
		w.mu.Lock()
		w.cut[[2]ids.Node{2, 1}] = true
		w.mu.Unlock()
		a.engine.Change(0, shards.Remove, 2, func(error) {})
		w.until("nobody leads", func() bool { return w.leader(0) == nil })
		w.isolate(2, false)
		b.engine.Forget(1) // and asks to lead at once
		w.until("one is alone", func() bool { st, _ := a.engine.Status(0); return len(st.Voters) == 1 })
		w.writes("a")
	})
}
