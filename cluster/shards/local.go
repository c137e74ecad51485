package shards

import (
	"sync/atomic"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Local commits the proposals of all shards of a node that is alone: whatever
// is pending goes into the storage as one write with one sync.
type Local struct {
	storage Storage
	o       Options
	queue   queue
	ended   chan struct{} // closed when run has returned

	proposals, rounds, failed, busy atomic.Int64

	fatal   chan struct{} // closed when the storage has met a fatal error
	batches []wire.ShardBatch
}

// NewLocal starts a committer. It is ended by Close, the storage stays open.
func NewLocal(storage Storage, o Options) *Local {
	l := &Local{
		storage: storage, o: o.withDefaults(), queue: newQueue(),
		ended: make(chan struct{}), fatal: make(chan struct{}),
	}
	go l.run()
	return l
}

// Propose asks for b to be committed and returns at once. Done is called once,
// with nil when the batch is durable, from the committer's goroutine and in the
// order of the proposals; it must be quick, and may propose. An empty batch (or
// nil) is an ordered no-op: its callback comes behind those before it, and it
// costs no sync. Neither b nor what it aliases is touched by the caller before
// done. After Close has returned done(ErrClosed) is called before Propose returns.
func (l *Local) Propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	p := proposal{shard: shard, batch: b, done: done}
	if b != nil {
		p.size = len(b.Bytes())
	}
	if !l.queue.add(p, &l.o) {
		done(ErrClosed)
	}
}

// Stats may be called at any time.
func (l *Local) Stats() Stats {
	l.queue.mu.Lock()
	pending, bytes := l.queue.count, l.queue.bytes
	l.queue.mu.Unlock()
	return Stats{
		Proposals: l.proposals.Load(), Rounds: l.rounds.Load(), Failed: l.failed.Load(),
		Busy: l.busy.Load(), Pending: pending, Bytes: bytes,
	}
}

// Close commits what was proposed before it, answers it, and returns when the
// last callback has. Proposals that come meanwhile fail with ErrClosed. After a
// fatal error of the storage it returns at once, without the callbacks. It must
// not be called from a callback. A second Close waits like the first.
func (l *Local) Close() {
	l.queue.close()
	select {
	case <-l.ended:
	case <-l.fatal:
	}
}

// run is the committer's one goroutine.
func (l *Local) run() {
	defer close(l.ended)
	var last time.Time // end of the last round that wrote
	for {
		<-l.queue.wake
		if l.o.Linger > 0 && !last.IsZero() && time.Since(last) < pauseAfter*l.o.Linger {
			l.linger()
		}
		round, open := l.queue.take(l.o.RoundBytes)
		if !open {
			return
		}
		wrote, err := l.commit(round)
		if isFatal(err) {
			l.stop(err)
			return
		}
		l.answer(round, err)
		if wrote {
			last = time.Now()
		}
	}
}

// pauseAfter times Linger without a round, the next proposal counts as alone.
const pauseAfter = 4

// linger waits for company, for at most Linger.
func (l *Local) linger() {
	// A signal of the round before may still lie there.
	select {
	case <-l.queue.enough:
	default:
	}
	if l.queue.length() >= l.o.EnoughToGo {
		return
	}
	t := time.NewTimer(l.o.Linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.queue.enough:
	}
}

// commit applies a round and reports whether there was anything to write.
func (l *Local) commit(round []proposal) (wrote bool, err error) {
	l.batches = l.batches[:0]
	for i := range round {
		if p := &round[i]; p.err == nil && p.size > 0 {
			l.batches = append(l.batches, wire.ShardBatch{Shard: p.shard, Batch: p.batch})
		}
	}
	if len(l.batches) == 0 {
		return false, nil
	}
	if err = l.storage.Apply(l.batches); err == nil {
		l.rounds.Add(1)
	}
	clear(l.batches)
	return true, err
}

// answer calls back in order. An error of the storage is that of the batches
// in the round, not of the empty ones.
func (l *Local) answer(round []proposal, err error) {
	for i := range round {
		p := &round[i]
		answer := p.err
		if p.err == nil {
			if p.size > 0 {
				answer = err
			}
			l.queue.answered(p)
		}
		l.count(p, answer)
		p.done(answer)
		*p = proposal{}
	}
}

func (l *Local) count(p *proposal, answer error) {
	switch {
	case answer == nil:
		l.proposals.Add(1)
	case p.err == ErrBusy:
		l.busy.Add(1)
	case p.err == nil:
		l.failed.Add(1)
	}
}

// stop is the end of a committer whose storage cannot go on.
func (l *Local) stop(err error) {
	l.queue.kill()
	close(l.fatal)
	if l.o.OnFatal != nil {
		l.o.OnFatal(err)
	}
}
