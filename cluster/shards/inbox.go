package shards

import (
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// proposal waits for its entry. One that was refused waits for its turn too, with
// the error and without the batch, so that callbacks stay in order.
type proposal struct {
	shard ids.Shard
	batch *wire.Batch
	size  int // bytes of the batch
	err   error
	done  func(error)
}

// received is one message of another node.
type received struct {
	shard ids.Shard
	from  ids.Node
	msg   pb.Message
	gone  mark // where it is no message: the sender's group has no such member as of this entry
	lost  mark // nor: the sender lacks this entry, by which the leader of the term goes on
}

// inbox is how others reach the engine's goroutine. Proposals and messages are
// bounded; a refused proposal still costs its place until its turn comes, which
// is no more than the callback that its caller made for it.
type inbox struct {
	mu        sync.Mutex // guards all below; never held during a commit or a callback
	proposals []proposal
	messages  []received
	calls     []func() // run on the engine's goroutine
	spare     struct {
		proposals []proposal
		messages  []received
		calls     []func()
	}
	count    int // proposals not refused and not answered
	bytes    int // of their batches
	waiting  int // bytes of messages
	closed   bool
	dead     bool          // a fatal error: what comes is dropped, without a callback
	wake     chan struct{} // there is something
	enough   chan struct{} // do not linger: EnoughToGo proposals, or anything else
	enoughAt int
}

func newInbox(enough int) inbox {
	return inbox{wake: make(chan struct{}, 1), enough: make(chan struct{}, 1), enoughAt: enough}
}

// propose puts p into the list. It answers false where nobody will ever take it.
func (q *inbox) propose(p proposal, o *Options) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.dead:
		return true
	case q.closed:
		return false
	case q.count >= o.MaxPending || q.count > 0 && q.bytes+p.size > o.MaxPendingBytes:
		p.err, p.batch = ErrBusy, nil
	default:
		q.count++
		q.bytes += p.size
	}
	q.proposals = append(q.proposals, p)
	signal(q.wake)
	if len(q.proposals) == q.enoughAt {
		signal(q.enough)
	}
	return true
}

// receive takes the messages of a frame of so many bytes, or none of them.
func (q *inbox) receive(list []received, bytes, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.dead || q.waiting > 0 && q.waiting+bytes > most {
		return false
	}
	q.waiting += bytes
	q.messages = append(q.messages, list...)
	signal(q.wake)
	if q.waiting >= enoughBytes {
		signal(q.enough)
	}
	return true
}

// call runs f on the engine's goroutine; false: it never will.
func (q *inbox) call(f func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.dead {
		return false
	}
	q.calls = append(q.calls, f)
	signal(q.wake)
	signal(q.enough)
	return true
}

// taken is what a turn begins with; it is good until the next take.
type taken struct {
	proposals []proposal
	messages  []received
	calls     []func()
	closed    bool
}

func (q *inbox) take() (t taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t = taken{q.proposals, q.messages, q.calls, q.closed}
	q.proposals, q.messages, q.calls = q.spare.proposals[:0], q.spare.messages[:0], q.spare.calls[:0]
	q.spare.proposals, q.spare.messages, q.spare.calls = t.proposals, t.messages, t.calls
	q.waiting = 0
	return t
}

// answered forgets proposals that were not refused.
func (q *inbox) answered(count, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count -= count
	q.bytes -= bytes
}

// enoughBytes of messages wait for no more.
const enoughBytes = 64 << 10

// canLinger says that there are proposals and messages and nothing else, and not
// enough of them.
func (q *inbox) canLinger() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls) == 0 && q.waiting < enoughBytes && len(q.proposals) < q.enoughAt && !q.closed
}

func (q *inbox) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	signal(q.wake)
	signal(q.enough)
}

// kill drops what waits and what will come.
func (q *inbox) kill() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead = true
	q.proposals, q.messages, q.calls = nil, nil, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
