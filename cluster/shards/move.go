package shards

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
)

// Change is one change of a group; see cluster/ring for the order of several.
type Change byte

// Changes of a group.
const (
	AddLearner Change = 1 + iota
	Promote
	Transfer
	Demote
	Remove
)

// maxBehind is how many entries a learner may lack to be made a voter.
const maxBehind = 1000

// Change asks the leader of a shard for a change. done is called when it is
// committed; with ErrMove where it cannot be made now: a learner that lags
// behind, another change under way, a leader that is to go; with
// ErrNotLeader or ErrLeadershipLost as a proposal. A Transfer is answered when it was begun.
func (e *Engine) Change(shard ids.Shard, c Change, n ids.Node, done func(error)) {
	if !e.inbox.call(func() {
		g := e.groups[shard]
		if g == nil || !g.serving {
			done(ErrNotLeader)
			return
		}
		if err := g.change(c, n, done); err != nil {
			done(fmt.Errorf("%w: shard %d: %w", ErrMove, shard, err))
		}
	}) {
		done(ErrClosed)
	}
}

// change begins it; where it returns an error done is not called.
func (g *group) change(c Change, n ids.Node, done func(error)) error {
	self := g.engine.o.Self
	var kind pb.ConfChangeType
	switch {
	case c == Transfer:
		if !slices.Contains(g.log.conf.Voters, uint64(n)) {
			return fmt.Errorf("node %v is no voter", n)
		}
		if n != self && g.lacks(n) > maxBehind {
			return fmt.Errorf("node %v lags behind", n)
		}
		if n != self && g.heir == 0 {
			g.heir, g.heirTicks = n, 0
			g.touch()
		}
		done(nil)
		return nil
	case g.changing():
		return fmt.Errorf("another change is under way")
	case c == AddLearner:
		kind = pb.ConfChangeAddLearnerNode
	case c == Promote:
		if lacks := g.lacks(n); lacks > maxBehind {
			return fmt.Errorf("node %v lacks %d entries", n, lacks)
		}
		kind = pb.ConfChangeAddNode
	case n == self:
		return fmt.Errorf("the leader goes last")
	case c == Demote:
		kind = pb.ConfChangeAddLearnerNode
	case c == Remove:
		kind = pb.ConfChangeRemoveNode
	default:
		return fmt.Errorf("no change %d", c)
	}
	if err := g.node.ProposeConfChange(pb.ConfChange{Type: kind, NodeID: uint64(n)}); err != nil {
		return err
	}
	g.sent = append(g.sent, flight{conf: true, proposals: []proposal{{shard: g.shard, done: done}}})
	g.engine.inbox.admit()
	g.touch()
	return nil
}

// admit counts what did not come by propose, and is answered all the same.
func (q *inbox) admit() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
}

// changing says that a change is on its way.
func (g *group) changing() bool {
	isConf := func(f flight) bool { return f.conf }
	return slices.ContainsFunc(g.sent, isConf) || slices.ContainsFunc(g.flights, isConf)
}

// lacks is how many entries a member is behind; as many as there can be where it
// is none, or has not answered lately. One that was just added counts as active
// for raft, and in a young log it would lack few entries with nothing at all.
func (g *group) lacks(n ids.Node) (entries uint64) {
	entries = 1 << 62
	g.node.WithProgress(func(id uint64, _ raft.ProgressType, p progress) {
		if id == uint64(n) && p.RecentActive && p.State == stateReplicate {
			entries = g.log.last() - min(p.Match, g.log.last())
		}
	})
	return entries
}

// Forget lets followers of a node that is known to have failed look for another
// leader at once, not when it has been silent for long enough. The first of the
// voters that are left asks to lead.
func (e *Engine) Forget(n ids.Node) {
	e.inbox.call(func() {
		for _, g := range e.list {
			if g.away || g.leader != n || g.leads {
				continue
			}
			_ = g.node.ForgetLeader() // refused by one that follows nobody
			heir := slices.IndexFunc(g.log.conf.Voters, func(v uint64) bool { return v != uint64(n) })
			if heir >= 0 && g.log.conf.Voters[heir] == uint64(e.o.Self) {
				_ = g.node.Campaign() // refused by one that leads already
			}
			g.touch()
		}
	})
}
