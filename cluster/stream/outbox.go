package stream

import (
	"errors"
	"sync"
)

var errFull = errors.New("stream: the peer's queue is full")

// outbox is what waits to be written to one connection. Messages are gathered in
// one buffer while another is written, so that a busy connection takes few
// system calls, and whoever sends copies and goes.
type outbox struct {
	limit int           // bytes, waiting and with the writer; one message always fits into an empty outbox
	wake  chan struct{} // something waits, or the outbox is closed

	mu       sync.Mutex // guards all below
	room     sync.Cond  // something was written, or the outbox is closed
	waiting  []byte
	messages int // in waiting, without small ones
	writing  int // bytes with the writer
	taken    uint64
	closed   bool
}

func newOutbox(limit int) *outbox {
	o := &outbox{limit: limit, wake: make(chan struct{}, 1)}
	o.room.L = &o.mu
	return o
}

// add appends a message, and returns the number of the batch that it will be
// written with: batches are numbered from 1 in the order of take. It never waits.
func (o *outbox) add(head, body []byte) (batch uint64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return 0, ErrClosed
	case o.full(len(head) + len(body)):
		return 0, errFull
	}
	o.messages++
	return o.put(head, body), nil
}

// addWaiting is add that waits for room, until the outbox is closed.
func (o *outbox) addWaiting(head, body []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && o.full(len(head)+len(body)) {
		o.room.Wait()
	}
	if o.closed {
		return ErrClosed
	}
	o.messages++
	o.put(head, body)
	return nil
}

// addSmall is add without the limit, for signs of life, and headers of which there
// are no more than of messages. It is not counted.
func (o *outbox) addSmall(head []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.put(head, nil)
	}
}

func (o *outbox) full(more int) bool {
	used := len(o.waiting) + o.writing
	return used > 0 && used+more > o.limit
}

func (o *outbox) put(head, body []byte) (batch uint64) {
	o.waiting = append(append(o.waiting, head...), body...)
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return o.taken + 1
}

// keepBuffer is the longest buffer that is used again; a longer one was for a
// burst.
const keepBuffer = 1 << 20

// take moves what waits to the writer, which gives the batch that it has written
// back for the next.
func (o *outbox) take(written []byte) (batch []byte, messages int) {
	if cap(written) > keepBuffer {
		written = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	batch, messages = o.waiting, o.messages
	o.waiting, o.messages, o.writing = written[:0], 0, len(batch)
	if len(batch) > 0 {
		o.taken++
	}
	o.room.Broadcast()
	return batch, messages
}

// close drops what waits. It returns the number of the last batch that the writer
// took, and how many messages it did not.
func (o *outbox) close() (taken uint64, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	dropped = o.messages
	o.waiting, o.messages = nil, 0
	o.room.Broadcast()
	return o.taken, dropped
}
