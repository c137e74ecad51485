package shards

import (
	"sync"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// proposal waits for its round. One that was refused waits for its turn too,
// with the error and without the batch, so that callbacks stay in order.
type proposal struct {
	shard ids.Shard
	batch *wire.Batch
	size  int // bytes of the batch
	err   error
	done  func(error)
}

// queue is what waits. It is bounded by the committer's Options; a refused
// proposal still costs its place in the list until its turn comes, which is no
// more than the callback that its caller made for it.
type queue struct {
	mu     sync.Mutex // guards all below; never held during Apply or a callback
	list   []proposal
	spare  []proposal // the list of the round before, for its memory
	count  int        // proposals not refused, with those of the round under way
	bytes  int        // of their batches
	closed bool
	ended  bool // the run loop has seen closed and an empty list
	dead   bool // a fatal error: what comes is dropped, without a callback
	wake   chan struct{}
	enough chan struct{} // signalled when the list has grown to EnoughToGo
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), enough: make(chan struct{}, 1)}
}

// add puts p into the list. It answers false where nobody will ever take it.
func (q *queue) add(p proposal, o *Options) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.dead:
		return true
	case q.ended:
		return false
	case q.closed:
		p.err, p.batch = ErrClosed, nil
	case q.count >= o.MaxPending || q.count > 0 && q.bytes+p.size > o.MaxPendingBytes:
		p.err, p.batch = ErrBusy, nil
	default:
		q.count++
		q.bytes += p.size
	}
	q.list = append(q.list, p)
	signal(q.wake)
	if len(q.list) == o.EnoughToGo {
		signal(q.enough)
	}
	return true
}

// take moves as much of the list as makes a round, and reports whether there
// is more to come: an empty round and false is the end.
func (q *queue) take(roundBytes int) (round []proposal, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.list) && (n == 0 || size+q.list[n].size <= roundBytes) {
		size += q.list[n].size
		n++
	}
	round = q.list[:n:n]
	if n == len(q.list) {
		q.list, q.spare = q.spare[:0], q.list
	} else {
		q.list = append([]proposal(nil), q.list[n:]...)
	}
	q.ended = q.closed && n == 0
	if len(q.list) > 0 || q.closed {
		signal(q.wake) // for the next round, or to see the end
	}
	return round, !q.ended
}

// answered forgets a proposal that was not refused.
func (q *queue) answered(p *proposal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count--
	q.bytes -= p.size
}

// length is how many proposals the next round could take.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// close lets nothing in any more and reports whether it was open.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := !q.closed
	q.closed = true
	signal(q.wake)
	signal(q.enough)
	return was
}

// kill drops what waits and what will come.
func (q *queue) kill() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead, q.list, q.spare = true, nil, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
