package shards

import (
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Recover makes this node the only voter of a shard whose majority is lost for
// good. What other members had and this one has not is lost with them: also what
// was acknowledged. They must never come back with the data that they have. done
// is called with ErrMove where the group has a leader, or this replica nothing to
// go on with, and with nil when that is durable.
func (e *Engine) Recover(shard ids.Shard, done func(error)) {
	if !e.inbox.call(func() {
		g := e.groups[shard]
		if g == nil || g.blank() {
			done(ErrNoReplica)
			return
		}
		if err := e.recover(g); err != nil {
			done(err)
			return
		}
		done(nil)
	}) {
		done(ErrClosed)
	}
}

func (e *Engine) recover(g *group) error {
	switch {
	case g.away || g.fetching:
		return fmt.Errorf("%w: shard %d: its state is on the way here", ErrMove, g.shard)
	case g.leader != 0:
		return fmt.Errorf("%w: shard %d: node %v leads it, so there is a majority", ErrMove, g.shard, g.leader)
	}
	g.lose()
	// A term that the lost members cannot have: what they still send is old.
	hard := g.node.BasicStatus().HardState
	hard = pb.HardState{Term: hard.Term + recoverTerms, Commit: g.log.applied.index}
	conf := pb.ConfState{Voters: []uint64{uint64(e.o.Self)}}
	b := new(wire.Batch)
	b.Put(wire.ClassRaft, keyHard, appendHard(nil, hard))
	b.Put(wire.ClassRaft, keyConf, appendConf(nil, conf))
	g.keep(b)
	if err := e.o.Storage.Commit([]wire.ShardBatch{{Shard: g.shard, Batch: b}}, true); err != nil {
		panic(err) // run ends the engine by it
	}
	g.log.hard = hard
	g.log.setConf(conf)
	if err := g.open(); err != nil {
		return err
	}
	g.touch()
	return g.node.Campaign()
}

// recoverTerms is how much the term grows.
const recoverTerms = 1000
