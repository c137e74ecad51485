package shards

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
)

// group is this node's replica of a shard's group. The engine's goroutine alone
// touches it, but for what fetches read.
type group struct {
	engine *Engine
	shard  ids.Shard
	node   *raft.RawNode
	log    *entryLog
	kept   uint64 // applied index that is stored

	leads   bool   // raft says so
	term    uint64 // in which it does
	serving bool   // and the state has all of the terms before: Led was told
	noop    uint64 // term whose first entry was seen
	leader  ids.Node
	told    published

	queue   []proposal // wait to become an entry
	sent    []flight   // given to raft, index not known yet
	flights []flight   // in the log, not committed
	wanted  []read     // wait for the next ReadIndex
	reads   []readRound
	readID  uint64

	heir      ids.Node // leadership goes to it as soon as nothing is on its way; 0: nobody
	heirTicks int      // since that is so

	asked    map[ids.Node]int // who was sent a snapshot, and the ticks since it was heard of
	silent   int              // ticks since a message came
	fetching bool             // a state is on its way here
	away     bool             // a state is being installed: raft must wait
	listed   bool             // in engine.dirty
}

// flight is what one entry carries.
type flight struct {
	index, term uint64
	proposals   []proposal
	conf        bool // a change of the group
}

func newGroup(e *Engine, shard ids.Shard, l *entryLog) (*group, error) {
	g := &group{engine: e, shard: shard, log: l, kept: l.applied.index, asked: map[ids.Node]int{}}
	return g, g.open()
}

// open makes the raft node anew from the log.
func (g *group) open() (err error) {
	g.log.hard.Commit = max(g.log.hard.Commit, g.log.applied.index)
	g.node, err = raft.NewRawNode(&raft.Config{
		ID: uint64(g.engine.o.Self), ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks,
		Storage: g.log, Applied: g.log.applied.index,
		MaxSizePerMsg: 512 << 10, MaxCommittedSizePerReady: 8 << 20, MaxInflightMsgs: 128, MaxInflightBytes: 8 << 20,
		CheckQuorum: true, PreVote: true, DisableProposalForwarding: true, StepDownOnRemoval: true,
		Logger: raftLogger{g.engine.o.Log, g.shard},
	})
	if err != nil {
		return fmt.Errorf("shards: open shard %d: %w", g.shard, err)
	}
	return nil
}

// alone says that this node is the only voter: what it has appended is committed.
func (g *group) alone() bool {
	return len(g.log.conf.Voters) == 1 && g.log.conf.Voters[0] == uint64(g.engine.o.Self)
}

// single says that there is nobody else, learners neither.
func (g *group) single() bool { return g.alone() && len(g.log.conf.Learners) == 0 }

func (g *group) isMember(n ids.Node) bool {
	return slices.Contains(g.log.conf.Voters, uint64(n)) || slices.Contains(g.log.conf.Learners, uint64(n))
}

// touch lets the turn look at the group.
func (g *group) touch() {
	if !g.listed {
		g.listed = true
		g.engine.dirty = append(g.engine.dirty, g)
	}
}

// offer takes a proposal.
func (g *group) offer(p proposal) {
	if p.err == nil && p.size > 0 {
		if err := g.engine.o.Storage.Refuses(g.shard, p.batch); err != nil {
			g.engine.forget(&p)
			p.err = err
		}
	}
	g.queue = append(g.queue, p)
	g.touch()
}

// feed makes entries of what waits. While leadership moves to another node it
// waits on: either that succeeds, or it is given up.
func (g *group) feed() {
	if len(g.queue) == 0 || g.away {
		return
	}
	status := g.node.BasicStatus()
	if status.RaftState != raft.StateLeader {
		g.lose()
		return
	}
	if g.heir != 0 || status.LeadTransferee != raft.None {
		return
	}
	for len(g.queue) > 0 {
		n, size := 0, 0
		for n < len(g.queue) && (n == 0 || size+g.queue[n].size <= g.engine.o.EntryBytes) {
			size += g.queue[n].size
			n++
		}
		if !g.send(g.queue[:n], size) {
			return
		}
		g.queue = g.queue[n:]
	}
	g.queue = nil
}

// entryBatch begins the data of an entry that is a batch of writes.
const entryBatch = 1

// bequeath begins the transfer of the leadership when all that was proposed is
// committed: so nobody is left not knowing, and what waits is known not to be done
// when another node leads.
func (g *group) bequeath() {
	if g.heir == 0 || len(g.sent)+len(g.flights) > 0 || g.away {
		return
	}
	if s := g.node.BasicStatus(); s.RaftState == raft.StateLeader && s.LeadTransferee == raft.None {
		g.node.TransferLeader(uint64(g.heir))
	}
}

// send gives raft one entry. What has nothing to write goes with what is before
// it. false: raft takes nothing now.
func (g *group) send(list []proposal, size int) bool {
	if size == 0 {
		last := g.lastFlight()
		if last == nil {
			g.engine.answer(list, nil)
			return true
		}
		last.proposals = append(last.proposals, list...)
		return true
	}
	data := append(make([]byte, 0, size+1), entryBatch)
	for i := range list {
		if p := &list[i]; p.err == nil && p.size > 0 {
			data = append(data, p.batch.Bytes()...)
		}
	}
	if g.node.Propose(data) != nil {
		return false
	}
	g.sent = append(g.sent, flight{proposals: append([]proposal(nil), list...)})
	return true
}

func (g *group) lastFlight() *flight {
	if n := len(g.sent); n > 0 {
		return &g.sent[n-1]
	}
	if n := len(g.flights); n > 0 {
		return &g.flights[n-1]
	}
	return nil
}

// placed finds out the indices of what was sent: entries that are new in the log
// of a leader are its own, in the order in which it sent them. The first of a
// term is raft's, and so is one that stands for a change that raft refused.
func (g *group) placed(entries []pb.Entry, term uint64) {
	for i := range entries {
		e := &entries[i]
		if e.Term != term {
			continue
		}
		empty := e.Type == pb.EntryNormal && len(e.Data) == 0
		if empty && g.noop != term {
			g.noop = term
			continue
		}
		if len(g.sent) == 0 {
			continue
		}
		f := g.sent[0]
		g.sent = g.sent[1:]
		if empty {
			g.engine.answer(f.proposals, ErrMove)
			continue
		}
		f.index, f.term = e.Index, e.Term
		g.flights = append(g.flights, f)
	}
}

// lose answers all that waits here: the node does not lead.
func (g *group) lose() {
	for _, list := range [][]flight{g.flights, g.sent} {
		for i := range list {
			g.engine.answer(list[i].proposals, ErrLeadershipLost)
		}
	}
	g.flights, g.sent = nil, nil
	queue := g.queue
	g.queue, g.heir = nil, 0
	g.engine.answer(queue, ErrNotLeader)
	g.failReads(ErrLeadershipLost)
}

// blank says that the replica knows nothing, neither who is in the group.
func (g *group) blank() bool { return len(g.log.conf.Voters) == 0 }

// tick passes time.
func (g *group) tick() {
	if g.away {
		return
	}
	g.silent++
	if !g.single() || !g.leads { // one that is left by its leader must become it
		g.node.Tick()
		g.touch()
	}
	g.reads = slices.DeleteFunc(g.reads, func(r readRound) bool { return g.late(&r) })
	for i := range g.reads {
		g.reads[i].ticks++
	}
	if g.heir != 0 {
		if g.heirTicks++; g.heirTicks > electionTicks {
			g.heir = 0 // what waits goes on here
			g.touch()
		}
	}
	for to, ticks := range g.asked {
		if ticks++; ticks < fetchTicks {
			g.asked[to] = ticks
			continue
		}
		delete(g.asked, to)
		g.node.ReportSnapshot(uint64(to), raft.SnapshotFailure)
		g.touch()
	}
}

// observe tells what changed of who leads.
func (g *group) observe() {
	s := g.node.BasicStatus()
	leads := s.RaftState == raft.StateLeader
	if g.leads && (!leads || s.Term != g.term) {
		g.leads = false
		if g.serving {
			g.serving = false
			g.engine.tell(func(ev *Events) {
				if ev.Yielded != nil {
					ev.Yielded(g.shard)
				}
			})
		}
		g.lose()
	}
	if leads && !g.leads {
		g.leads, g.term = true, s.Term
		clear(g.asked)
	}
	if g.leads && !g.serving && g.log.applied.term == g.term {
		g.serving = true
		g.engine.tell(func(ev *Events) {
			if ev.Led != nil {
				ev.Led(g.shard, g.term)
			}
		})
	}
	g.leader = ids.Node(s.Lead)
	g.engine.publish(g, s)
}
