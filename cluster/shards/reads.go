package shards

import (
	"encoding/binary"
	"slices"

	"go.etcd.io/raft/v3"
)

// read waits until the state has all that was committed when it came.
type read struct{ done func(error) }

type readRound struct {
	id    uint64
	index uint64 // 0: not confirmed yet
	ticks int
	list  []read
}

func (g *group) failReads(err error) {
	for i := range g.reads {
		for _, r := range g.reads[i].list {
			r.done(err)
		}
	}
	for _, r := range g.wanted {
		r.done(err)
	}
	g.reads, g.wanted = nil, nil
}

// askReads begins one round for all reads that came meanwhile.
func (g *group) askReads() {
	if len(g.wanted) == 0 || g.away {
		return
	}
	if !g.serving {
		g.failReads(ErrNotLeader)
		return
	}
	g.readID++
	g.reads = append(g.reads, readRound{id: g.readID, list: g.wanted})
	g.wanted = nil
	g.node.ReadIndex(binary.BigEndian.AppendUint64(nil, g.readID))
}

func (g *group) confirmReads(states []raft.ReadState) {
	for _, s := range states {
		id := binary.BigEndian.Uint64(s.RequestCtx)
		for i := range g.reads {
			if g.reads[i].id == id {
				g.reads[i].index = max(s.Index, 1)
			}
		}
	}
}

// finishReads answers those whose entry is applied.
func (g *group) finishReads() {
	g.reads = slices.DeleteFunc(g.reads, func(r readRound) bool {
		if r.index == 0 || r.index > g.log.applied.index {
			return false
		}
		for _, one := range r.list {
			one.done(nil)
		}
		return true
	})
}

func (g *group) late(r *readRound) bool {
	if r.ticks < readTicks {
		return false
	}
	for _, one := range r.list {
		one.done(ErrTimeout)
	}
	return true
}
