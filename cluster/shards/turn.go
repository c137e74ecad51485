package shards

import (
	"cmp"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

type basicStatus = raft.BasicStatus

// round is the memory of a pass.
type round struct {
	work    []ready
	batches []wire.ShardBatch
	spare   []*wire.Batch
	scratch []byte
}

// ready is what raft wants of one group in one pass.
type ready struct {
	group *group
	raft.Ready
	early bool // it led before: entries may go to others while they are written here
}

// turn takes what has come and does all that follows from it. wrote: something
// was synced; open: there will be another turn.
func (e *Engine) turn(ticks int) (wrote, open bool, err error) {
	t := e.inbox.take()
	for i := range t.messages {
		if err := e.step(&t.messages[i]); err != nil {
			return false, false, err
		}
		t.messages[i] = received{}
	}
	for i, f := range t.calls {
		f()
		t.calls[i] = nil
	}
	for i := range t.proposals {
		p := t.proposals[i]
		t.proposals[i] = proposal{}
		if g := e.groups[p.shard]; g != nil {
			g.offer(p)
		} else {
			e.answer([]proposal{p}, ErrNotLeader)
		}
	}
	e.ticks.Add(int64(ticks))
	for range ticks {
		for _, g := range e.list {
			g.tick()
			if err := e.idle(g); err != nil {
				return false, false, err
			}
		}
	}
	if wrote, err = e.advance(); err != nil {
		return wrote, false, err
	}
	if t.closed {
		e.closeGroups()
		return wrote, false, nil
	}
	return wrote, true, nil
}

// closeGroups answers all that is left.
func (e *Engine) closeGroups() {
	t := e.inbox.take() // came before the close, behind this turn's take
	for _, f := range t.calls {
		f()
	}
	for _, p := range t.proposals {
		e.answer([]proposal{p}, ErrClosed)
	}
	for _, g := range e.list {
		for _, list := range [][]flight{g.flights, g.sent} {
			for i := range list {
				e.answer(list[i].proposals, ErrClosed)
			}
		}
		e.answer(g.queue, ErrClosed)
		g.failReads(ErrClosed)
	}
}

// step gives a message to its group.
func (e *Engine) step(r *received) error {
	g := e.groups[r.shard]
	if r.gone != (mark{}) {
		return e.dismissed(g, r)
	}
	if r.lost != (mark{}) {
		return e.forgotten(g, r)
	}
	if g == nil {
		if !makesReplica(&r.msg) || !e.o.Shards.Has(r.shard) {
			return nil
		}
		if err := e.addReplica(r.shard); err != nil {
			return err
		}
		g = e.groups[r.shard]
	}
	if g.away {
		return nil
	}
	if !g.blank() && !g.isMember(r.from) && asks(&r.msg) {
		e.frames[r.from] = appendGone(e.frames[r.from], g.shard, g.log.applied)
		if !g.mayKnowBetter(&r.msg) {
			return nil
		}
	}
	if r.msg.Type == pb.MsgSnap {
		e.takeState(g, r)
		return nil
	}
	g.silent = 0
	g.touch()
	if g.isTakenForAnother(&r.msg) {
		e.frames[r.from] = appendLost(e.frames[r.from], g.shard, mark{g.log.last() + 1, r.msg.Term})
		r.msg.Commit = 0
	}
	// What raft refuses is from a member that was, or to one that is not yet.
	_ = g.node.Step(r.msg)
	return nil
}

// makesReplica tells the messages by which a leader speaks to a member that has
// nothing yet.
func makesReplica(m *pb.Message) bool {
	return m.Type == pb.MsgApp || m.Type == pb.MsgHeartbeat || m.Type == pb.MsgSnap
}

// addReplica makes one that knows nothing: its leader will tell it all.
func (e *Engine) addReplica(shard ids.Shard) error {
	l, found, err := readLog(e.o.Storage, shard)
	if err != nil {
		return err
	}
	if !found {
		l = &entryLog{}
	}
	return e.addGroup(shard, l)
}

// advance makes passes until no group wants anything. Each is one write: what
// raft wants stored of all groups, and what they have committed.
func (e *Engine) advance() (wrote bool, err error) {
	for {
		for _, g := range e.dirty {
			g.feed()
			g.bequeath()
			g.askReads()
		}
		if !e.collect() {
			e.flushFrames()
			e.tellAll()
			return wrote, nil
		}
		synced, err := e.pass()
		if err != nil {
			return wrote, err
		}
		wrote = wrote || synced
	}
}

// collect asks the groups that were touched, in the order of their numbers: a
// turn is the same however its map is walked.
func (e *Engine) collect() bool {
	e.round.work = e.round.work[:0]
	slices.SortFunc(e.dirty, func(a, b *group) int { return cmp.Compare(a.shard, b.shard) })
	for _, g := range e.dirty {
		g.listed = false
		if g.away {
			continue
		}
		if !g.node.HasReady() {
			g.observe()
			g.finishReads()
			continue
		}
		status := g.node.BasicStatus()
		r := ready{group: g, Ready: g.node.Ready(), early: g.leads && status.RaftState == raft.StateLeader && status.Term == g.term}
		e.round.work = append(e.round.work, r)
	}
	e.dirty = e.dirty[:0]
	return len(e.round.work) > 0
}

// pass stores what the groups want, in one write, then does what had to wait for it.
func (e *Engine) pass() (synced bool, err error) {
	rd := &e.round
	rd.batches = rd.batches[:0]
	used := 0
	for i := range rd.work {
		w := &rd.work[i]
		if w.early { // Raft, section 10.2.1: the leader may write while others do
			if err := e.sendAll(w); err != nil {
				return false, err
			}
		}
		if !raft.IsEmptySnap(w.Snapshot) {
			e.install(w)
			continue
		}
		if used == len(rd.spare) {
			rd.spare = append(rd.spare, new(wire.Batch))
		}
		b := rd.spare[used]
		b.Reset()
		rd.scratch = w.group.write(&w.Ready, b, rd.scratch)
		sync, err := w.group.apply(w.CommittedEntries, b)
		if err != nil {
			return false, err
		}
		synced = synced || sync || w.MustSync
		if b.Len() > 0 {
			used++
			rd.batches = append(rd.batches, wire.ShardBatch{Shard: w.group.shard, Batch: b})
		}
	}
	e.flushFrames()
	if len(rd.batches) > 0 {
		if err := e.o.Storage.Commit(rd.batches, synced); err != nil {
			return false, fmt.Errorf("shards: write what %d groups have: %w", len(rd.batches), err)
		}
		if synced {
			e.rounds.Add(1)
		}
	}
	e.trimSpare()
	for i := range rd.work {
		if err := e.after(&rd.work[i]); err != nil {
			return synced, err
		}
		rd.work[i] = ready{}
	}
	return synced, nil
}

// maxSpare is the memory of a batch that is kept for the next use.
const maxSpare = 1 << 20

func (e *Engine) trimSpare() {
	for i, b := range e.round.spare {
		if cap(b.Bytes()) > maxSpare {
			e.round.spare[i] = new(wire.Batch)
		}
	}
	if cap(e.round.scratch) > maxSpare {
		e.round.scratch = nil
	}
}

// after does what may happen when a group's part is stored.
func (e *Engine) after(w *ready) error {
	g := w.group
	if g.away {
		return nil
	}
	if h := w.HardState; !raft.IsEmptyHardState(h) {
		g.log.hard = h
	}
	g.placed(w.Entries, g.node.BasicStatus().Term)
	g.log.append(w.Entries)
	if !w.early {
		if err := e.sendAll(w); err != nil {
			return err
		}
	}
	g.confirmReads(w.ReadStates)
	g.settle(w.CommittedEntries)
	g.node.Advance(w.Ready)
	g.observe()
	g.finishReads()
	g.touch()
	return e.trimLog(g)
}

// trimLog forgets what nobody needs of the log. It is written behind what was
// applied, so a crash never leaves a state without the entries that it lacks.
func (e *Engine) trimLog(g *group) error {
	index := g.cut()
	if index == 0 {
		return nil
	}
	term, err := g.log.Term(index)
	if err != nil {
		return fmt.Errorf("shards: trim the log of shard %d: %w", g.shard, err)
	}
	m, b := mark{index, term}, new(wire.Batch)
	b.DeleteRange(wire.ClassLog, nil, logKey(index+1))
	b.Put(wire.ClassRaft, keyCut, m.append(nil))
	g.keep(b)
	if err := e.o.Storage.Commit([]wire.ShardBatch{{Shard: g.shard, Batch: b}}, false); err != nil {
		return fmt.Errorf("shards: trim the log of shard %d: %w", g.shard, err)
	}
	g.log.cutTo(m)
	return nil
}

// sendAll puts a group's messages into the frames of their receivers.
func (e *Engine) sendAll(w *ready) error {
	g := w.group
	for i := range w.Messages {
		m := &w.Messages[i]
		to := ids.Node(m.To)
		if m.Type == pb.MsgSnap {
			g.asked[to] = 0
		}
		frame, err := appendMessage(e.frames[to], g.shard, m)
		if err != nil {
			return err
		}
		e.frames[to] = frame
		if len(frame) >= frameBytes {
			e.sendFrame(to)
		}
	}
	return nil
}

// frameBytes ends a frame.
const frameBytes = 1 << 20

func (e *Engine) sendFrame(to ids.Node) {
	frame := e.frames[to]
	delete(e.frames, to)
	e.sentBytes.Add(int64(len(frame)))
	e.o.Send(to, frame)
}

func (e *Engine) flushFrames() {
	if len(e.frames) == 0 {
		return
	}
	list := make([]ids.Node, 0, len(e.frames))
	for to := range e.frames {
		list = append(list, to)
	}
	slices.Sort(list)
	for _, to := range list {
		e.sendFrame(to)
	}
}
