package shards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Engine runs this node's replicas of all groups. Its methods may be called
// concurrently.
type Engine struct {
	o     Options
	inbox inbox

	groups map[ids.Shard]*group // touched by the engine's goroutine alone
	list   []*group             // the same, in the order of their shards
	dirty  []*group
	frames map[ids.Node][]byte // of this turn
	events []func(*Events)     // of this pass
	round  round

	status  sync.Map // ids.Shard -> Status
	fetches fetches
	ctx     context.Context // ends what runs beside the engine
	cancel  context.CancelFunc
	beside  sync.WaitGroup

	begun atomic.Bool
	ended chan struct{} // closed when run has returned
	fatal chan struct{} // closed when nothing is committed any more

	ticks atomic.Int64 // since the start

	proposals, rounds, failed, busy, dropped, sentBytes, receivedBytes, installed atomic.Int64
}

// Open reads the replicas that the storage has, and makes those of Options.Found.
// Nothing runs before Start. Errors are those of the storage and of records that
// cannot be read.
func Open(o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		o: o, inbox: newInbox(o.EnoughToGo), groups: map[ids.Shard]*group{}, frames: map[ids.Node][]byte{},
		ended: make(chan struct{}), fatal: make(chan struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if e.o.Go == nil {
		e.o.Go = e.beside.Go
	}
	if err := e.resumeInstalls(); err != nil {
		return nil, err
	}
	if o.Found {
		if err := e.found(); err != nil {
			return nil, err
		}
	}
	for _, shard := range e.o.Shards.All() {
		l, found, err := readLog(o.Storage, shard)
		if err != nil {
			return nil, err
		}
		if !found || len(l.conf.Voters) == 0 && l.cut.index == 0 {
			continue // nothing, or what a replica that went left of itself
		}
		if err := e.addGroup(shard, l); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *Engine) addGroup(shard ids.Shard, l *entryLog) error {
	g, err := newGroup(e, shard, l)
	if err != nil {
		return err
	}
	e.groups[shard] = g
	e.relist()
	e.publish(g, g.node.BasicStatus())
	g.touch()
	return nil
}

func (e *Engine) relist() {
	e.list = make([]*group, 0, len(e.groups)) // who walks the old one goes on
	for _, g := range e.groups {
		e.list = append(e.list, g)
	}
	slices.SortFunc(e.list, func(a, b *group) int { return cmp.Compare(a.shard, b.shard) })
}

// first is where the log of a group begins that is founded: behind a state that
// no log led to. So whoever joins takes over the state before it is sent entries.
var first = mark{index: 10, term: 5}

// found makes the groups that are not there, with this node as their voter.
func (e *Engine) found() error {
	var batches []wire.ShardBatch
	for _, shard := range e.o.Shards.All() {
		_, found, err := readLog(e.o.Storage, shard)
		if err != nil {
			return err
		}
		if found {
			continue
		}
		b := new(wire.Batch)
		b.Put(wire.ClassRaft, keyHard, appendHard(nil, pb.HardState{Term: first.term, Commit: first.index}))
		b.Put(wire.ClassRaft, keyConf, appendConf(nil, pb.ConfState{Voters: []uint64{uint64(e.o.Self)}}))
		b.Put(wire.ClassRaft, keyCut, first.append(nil))
		b.Put(wire.ClassRaft, keyApplied, first.append(nil))
		batches = append(batches, wire.ShardBatch{Shard: shard, Batch: b})
	}
	if len(batches) == 0 {
		return nil
	}
	if err := e.o.Storage.Commit(batches, true); err != nil {
		return fmt.Errorf("shards: found %d groups: %w", len(batches), err)
	}
	return nil
}

// Start lets the engine run. A group of which this node is the only voter has it
// as leader at once.
func (e *Engine) Start() {
	if e.begun.CompareAndSwap(false, true) {
		go e.run()
	}
}

// Propose asks for b to be committed and returns at once. Done is called once,
// from the engine's goroutine and in the order of the shard's proposals; it must
// be quick, and may propose. nil: it is durable on a majority and applied here.
// ErrLeadershipLost: this node leads no more since it was on its way, and it may be
// committed still. Any other error, such as ErrNotLeader: it never will be. An
// empty batch (or nil) is an ordered no-op, and costs nothing. Neither b nor what
// it aliases is touched by the caller before done.
func (e *Engine) Propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	p := proposal{shard: shard, batch: b, done: done}
	if b != nil {
		p.size = len(b.Bytes())
	}
	if !e.inbox.propose(p, &e.o) {
		done(ErrClosed)
	}
}

// Read calls done when the state of the shard here has all that was committed
// anywhere before the call: a read of the storage is linearizable then. Only the
// leader can know; others are answered ErrNotLeader, and ErrTimeout comes
// where no majority confirms.
func (e *Engine) Read(shard ids.Shard, done func(error)) {
	if !e.inbox.call(func() {
		g := e.groups[shard]
		if g == nil || !g.serving {
			done(ErrNotLeader)
			return
		}
		g.wanted = append(g.wanted, read{done})
		g.touch()
	}) {
		done(ErrClosed)
	}
}

// Receive takes a frame of another node, which it does not keep. A malformed one
// is an error; one that finds no room is dropped and counted.
func (e *Engine) Receive(from ids.Node, frame []byte) error {
	list, err := parseFrame(from, frame)
	if err != nil {
		return err
	}
	e.receivedBytes.Add(int64(len(frame)))
	if !e.inbox.receive(list, len(frame), e.o.MaxReceived) {
		e.dropped.Add(1)
	}
	return nil
}

// Status is what a replica knows of its group.
type Status struct {
	Shard            ids.Shard
	Leader           ids.Node // 0: nobody that is known
	Term             uint64
	Leads            bool // this node does, and serves
	Voters, Learners []ids.Node
}

// Status tells of the replica of a shard; false: there is none here.
func (e *Engine) Status(shard ids.Shard) (Status, bool) {
	s, ok := e.status.Load(shard)
	if !ok {
		return Status{}, false
	}
	return s.(Status), true
}

// published is what of a status changes.
type published struct {
	lead, term uint64
	serving    bool
	confs      int
}

// publish makes the status known, if it is another one.
func (e *Engine) publish(g *group, s basicStatus) {
	told := published{s.Lead, s.Term, g.serving, g.log.confs}
	if g.blank() || g.told == told {
		return
	}
	g.told = told
	now := Status{
		Shard: g.shard, Leader: ids.Node(s.Lead), Term: s.Term, Leads: g.serving,
		Voters: nodes(g.log.conf.Voters), Learners: nodes(g.log.conf.Learners),
	}
	e.status.Store(g.shard, now)
}

func nodes(list []uint64) []ids.Node {
	out := make([]ids.Node, len(list))
	for i, id := range list {
		out[i] = ids.Node(id)
	}
	return out
}

// Stats may be called at any time.
func (e *Engine) Stats() Stats {
	e.inbox.mu.Lock()
	pending, bytes := e.inbox.count, e.inbox.bytes
	e.inbox.mu.Unlock()
	return Stats{
		Proposals: e.proposals.Load(), Rounds: e.rounds.Load(), Failed: e.failed.Load(), Busy: e.busy.Load(),
		Dropped: e.dropped.Load(), Pending: pending, Bytes: bytes,
		Sent: e.sentBytes.Load(), Received: e.receivedBytes.Load(), Installed: e.installed.Load(),
	}
}

// Close ends the engine: what can be committed at once is, all else is answered
// ErrClosed, and it returns when the last callback has. After a fatal error it
// returns at once, without callbacks. It must not be called from a callback. A
// second Close waits like the first. The storage stays open.
func (e *Engine) Close() {
	e.inbox.close()
	if e.begun.CompareAndSwap(false, true) { // never started
		e.closeGroups()
		close(e.ended)
	}
	select {
	case <-e.ended:
	case <-e.fatal:
	}
	e.cancel()
	e.beside.Wait()
	e.fetches.closeAll()
}

// answer calls back in order. An error of the engine is that of the batches that
// were not refused before.
func (e *Engine) answer(list []proposal, err error) {
	count, bytes := 0, 0
	for i := range list {
		p := &list[i]
		answer := p.err
		if p.err == nil {
			answer = err
			count++
			bytes += p.size
		}
		e.count(p, answer)
		p.done(answer)
		*p = proposal{}
	}
	if count > 0 {
		e.inbox.answered(count, bytes)
	}
}

// forget gives back the room of a proposal that is refused.
func (e *Engine) forget(p *proposal) {
	e.inbox.answered(1, p.size)
	p.batch, p.size = nil, 0
	e.failed.Add(1)
}

func (e *Engine) count(p *proposal, answer error) {
	switch {
	case answer == nil:
		e.proposals.Add(1)
	case errors.Is(p.err, ErrBusy):
		e.busy.Add(1)
	case p.err == nil:
		e.failed.Add(1)
	}
}

// tell keeps an event for the end of the pass: what it is about must be stored,
// and its callbacks called, before others hear of it.
func (e *Engine) tell(f func(*Events)) { e.events = append(e.events, f) }

func (e *Engine) tellAll() {
	for i, f := range e.events {
		f(&e.o.Events)
		e.events[i] = nil
	}
	e.events = e.events[:0]
}

// Applied is how far the state of a shard's replica here has come; 0: there is
// none. The engine's goroutine may ask, from a callback, and who calls Turn.
func (e *Engine) Applied(shard ids.Shard) (index uint64) {
	if g := e.groups[shard]; g != nil && !g.away {
		index = g.log.applied.index
	}
	return index
}
