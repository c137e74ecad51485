package shards

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/wire"
)

// A group goes on without a node that is removed, and the node may not hear of it:
// it asks, as a voter or when it has been silent for long, and who knows better
// says so. A node that was removed and is added again has the same ID for raft:
// what it said before must not be taken for what the new replica has.

// asks tells the messages of one that takes itself for a member.
func asks(m *pb.Message) bool {
	switch m.Type {
	case pb.MsgVote, pb.MsgPreVote, pb.MsgAppResp, pb.MsgHeartbeatResp, pb.MsgReadIndex:
		return true
	}
	return false
}

// dismissed drops a replica that its group has gone on without. It may be a
// member again, and then has told of what it has: an entry behind the one that
// this is about shows that.
func (e *Engine) dismissed(g *group, r *received) error {
	if g == nil || g.away || g.fetching || r.gone.index <= g.log.applied.index || g.leads {
		return nil
	}
	if last, _ := g.log.Term(g.log.last()); g.log.last() > r.gone.index && last >= r.gone.term {
		return nil
	}
	if !g.blank() && !g.isMember(r.from) && g.silent <= idleTicks {
		return nil // a stranger to the group as it is known here, and no need to believe one
	}
	return e.drop(g)
}

// idleTicks is how long a replica that is in no group, or does not know of it,
// waits for its leader.
const idleTicks = 50

// idle looks after replicas that no leader speaks to. One that knows nothing was
// made by a message that was late, after the group had gone on without this node.
// One that was removed may be a member again already, by an entry that has not
// come yet; it must not forget then what it has told the leader that it has. One
// that learns does not look for a leader as a voter does, and would never hear
// that it was removed, so it asks.
func (e *Engine) idle(g *group) error {
	if g.silent <= idleTicks || g.away || g.fetching {
		return nil
	}
	out := !g.isMember(e.o.Self)
	if g.blank() || out && g.log.last() == g.log.applied.index {
		return e.drop(g)
	}
	if g.silent%idleTicks == 1 && (out || g.leader == 0 || slices.Contains(g.log.conf.Learners, uint64(e.o.Self))) {
		return e.ask(g)
	}
	return nil
}

// ask sends all voters, and whoever else there is, a message that means nothing but
// to those who know better: the voters that are known here may all be gone, too.
func (e *Engine) ask(g *group) (err error) {
	known := nodes(g.log.conf.Voters)
	if e.o.Others != nil {
		known = append(known, e.o.Others()...)
	}
	slices.Sort(known)
	for _, n := range slices.Compact(known) {
		if n == e.o.Self {
			continue
		}
		m := pb.Message{Type: pb.MsgHeartbeatResp, From: uint64(e.o.Self), To: uint64(n), Term: g.node.BasicStatus().Term}
		if e.frames[n], err = appendMessage(e.frames[n], g.shard, &m); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a replica with its state. Its vote stays: it must not be given
// twice, whatever becomes of this node.
func (e *Engine) drop(g *group) error {
	g.lose()
	g.listed = true // so that nothing lists it again
	e.dirty = slices.DeleteFunc(e.dirty, func(d *group) bool { return d == g })
	if g.serving {
		g.serving = false
		e.tell(func(ev *Events) {
			if ev.Yielded != nil {
				ev.Yielded(g.shard)
			}
		})
	}
	b := wipe(new(wire.Batch))
	b.DeleteRange(wire.ClassLog, nil, nil)
	b.DeleteRange(wire.ClassStaged, nil, nil)
	for _, key := range [][]byte{keyConf, keyApplied, keyCut, keyInstall} {
		b.Delete(wire.ClassRaft, key)
	}
	hard := g.node.BasicStatus().HardState
	b.Put(wire.ClassRaft, keyHard, appendHard(nil, pb.HardState{Term: hard.Term, Vote: hard.Vote}))
	if err := e.o.Storage.Commit([]wire.ShardBatch{{Shard: g.shard, Batch: b}}, true); err != nil {
		return fmt.Errorf("shards: remove the replica of shard %d: %w", g.shard, err)
	}
	delete(e.groups, g.shard)
	e.relist()
	e.status.Delete(g.shard)
	e.o.Log.Info("a replica was removed: its group goes on without this node", "shard", int(g.shard))
	return nil
}

// wipe adds the removal of all state.
func wipe(b *wire.Batch) *wire.Batch {
	for _, class := range wire.StateClasses {
		b.DeleteRange(class, nil, nil)
	}
	return b
}

// mayKnowBetter says that a stranger asks for a vote with a log in which it may
// have become a member: this replica lags behind, and the vote may be the one
// that the group needs (Raft, section 4.2.2).
func (g *group) mayKnowBetter(m *pb.Message) bool {
	if m.Type != pb.MsgVote && m.Type != pb.MsgPreVote {
		return false
	}
	last, _ := g.log.Term(g.log.last())
	return m.LogTerm > last || m.LogTerm == last && m.Index >= g.log.last()
}

// isTakenForAnother says that a leader may take the replica for the one that was
// here before. In an append that is where it asks from who knows nothing to go on:
// it may just not know yet, and sees to that by itself.
func (g *group) isTakenForAnother(m *pb.Message) bool {
	switch {
	case m.Term < g.node.BasicStatus().Term:
		return false
	case m.Type == pb.MsgHeartbeat:
		return m.Commit > g.log.last()
	}
	return m.Type == pb.MsgApp && g.blank() && m.Index > 0
}

// forgotten lets a leader know that a member lacks what it is taken to have: it
// was removed, has dropped its replica, and is a member again. What it has told
// before, or in a message that was late, counts no more; but raft never takes that
// back of a member, so this leader goes, and the next one asks anew.
func (e *Engine) forgotten(g *group, r *received) (err error) {
	if g == nil || g.away || !g.leads || g.term != r.lost.term {
		return nil
	}
	wrong := false
	g.node.WithProgress(func(id uint64, _ raft.ProgressType, p progress) {
		wrong = wrong || id == uint64(r.from) && p.Match >= r.lost.index
	})
	if !wrong {
		return nil
	}
	e.o.Log.Warn("leadership is given up: a member lacks what it had", "shard", int(g.shard), "node", r.from)
	if err := g.open(); err != nil {
		return err
	}
	g.touch()
	if g.alone() {
		return g.node.Campaign()
	}
	return nil
}
