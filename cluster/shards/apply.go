package shards

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/wire"
)

// write adds what a Ready wants stored.
func (g *group) write(rd *raft.Ready, b *wire.Batch, scratch []byte) []byte {
	scratch = g.log.write(b, rd.Entries, scratch)
	// Term and vote are promises. The commit index is known anew soon.
	if h := rd.HardState; !raft.IsEmptyHardState(h) && (h.Term != g.log.hard.Term || h.Vote != g.log.hard.Vote) {
		scratch = appendHard(scratch[:0], h)
		b.Put(wire.ClassRaft, keyHard, scratch)
	}
	return scratch
}

// apply adds the writes of committed entries, and carries out changes of the
// group. It reports that what is written must be durable at once.
func (g *group) apply(entries []pb.Entry, b *wire.Batch) (sync bool, err error) {
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Type == pb.EntryConfChange:
			if err := g.applyConf(e, b); err != nil {
				return true, err
			}
			sync = true
		case len(e.Data) == 0:
		case e.Data[0] != entryBatch:
			return true, fmt.Errorf("%w: entry %d of shard %d is of kind %d", errRecord, e.Index, g.shard, e.Data[0])
		default:
			writes, err := wire.ParseBatch(e.Data[1:])
			if err != nil {
				return true, fmt.Errorf("shards: entry %d of shard %d: %w", e.Index, g.shard, err)
			}
			b.Append(writes)
		}
		g.log.applied = mark{e.Index, e.Term}
	}
	if sync || g.log.applied.index >= g.kept+keepEvery {
		g.keep(b)
	}
	return sync, nil
}

// keepEvery entries the applied index is stored. To apply entries again that were
// applied before ends in the same state, so it may be behind.
const keepEvery = 256

func (g *group) keep(b *wire.Batch) {
	b.Put(wire.ClassRaft, keyApplied, g.log.applied.append(nil))
	g.kept = g.log.applied.index
}

func (g *group) applyConf(e *pb.Entry, b *wire.Batch) error {
	var c pb.ConfChange
	if err := c.Unmarshal(e.Data); err != nil {
		return fmt.Errorf("%w: entry %d of shard %d: %w", errRecord, e.Index, g.shard, err)
	}
	g.log.setConf(*g.node.ApplyConfChange(c))
	b.Put(wire.ClassRaft, keyConf, appendConf(nil, g.log.conf))
	return nil
}

// settle answers flights up to what is applied.
func (g *group) settle(entries []pb.Entry) {
	for i := range entries {
		e := &entries[i]
		for len(g.flights) > 0 && g.flights[0].index <= e.Index {
			f := g.flights[0]
			g.flights = g.flights[1:]
			if f.index == e.Index && f.term == e.Term {
				g.engine.answer(f.proposals, nil)
			} else {
				g.engine.answer(f.proposals, ErrLeadershipLost)
			}
		}
	}
}

// cut is how far the log may be forgotten, 0 for not now. A member that lags
// behind is waited for up to LogBytes. What is kept without need costs: entries
// that are forgotten before the storage writes its tables are never in them. A
// replica that follows keeps some, for it does not know who lags.
func (g *group) cut() uint64 {
	l, most := g.log, g.engine.o.LogBytes
	least := most / 16
	if g.leads || g.single() {
		least = most / 64
	}
	if l.bytes < 2*least {
		return 0
	}
	to := l.applied.index
	if g.leads && l.bytes < most {
		g.node.WithProgress(func(id uint64, _ raft.ProgressType, pr progress) {
			if id != uint64(g.engine.o.Self) && (pr.RecentActive || pr.Match > l.cut.index) {
				to = min(to, pr.Match)
			}
		})
	}
	left := l.bytes
	var index uint64
	for i := range l.entries {
		if left <= least || l.entries[i].Index > to {
			break
		}
		left -= size(&l.entries[i])
		index = l.entries[i].Index
	}
	return index
}
