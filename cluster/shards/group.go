package shards

import (
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
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

// read waits until the state has all that was committed when it came.
type read struct{ done func(error) }

type readRound struct {
	id    uint64
	index uint64 // 0: not confirmed yet
	ticks int
	list  []read
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

func (g *group) late(r *readRound) bool {
	if r.ticks < readTicks {
		return false
	}
	for _, one := range r.list {
		one.done(ErrTimeout)
	}
	return true
}

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
	g.log.conf = *g.node.ApplyConfChange(c)
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
	if lead := ids.Node(s.Lead); lead != g.leader {
		g.leader = lead
		g.engine.tell(func(ev *Events) {
			if ev.Leader != nil {
				ev.Leader(g.shard, lead, s.Term)
			}
		})
	}
	g.engine.publish(g, s)
}

// cut is how far the log may be forgotten, 0 for not now. A member that lags
// behind is waited for up to LogBytes; a replica that leads nobody keeps less.
func (g *group) cut() uint64 {
	l, most := g.log, g.engine.o.LogBytes
	least := most / 8
	if g.single() {
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
