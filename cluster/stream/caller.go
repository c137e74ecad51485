package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// caller has the calls under way on a connection that this node dialled.
type caller struct {
	pipe *pipe
	most int

	mu     sync.Mutex // guards all below
	last   uint64
	flying map[uint64]*flight
	over   bool
}

// flight is a call under way.
type flight struct {
	batch uint64       // that the request is in
	done  chan outcome // of one
}

type outcome struct {
	answer []byte
	err    error
}

func newCaller(p *pipe, most int) *caller {
	return &caller{pipe: p, most: most, flying: map[uint64]*flight{}}
}

// call sends a request and waits for what comes of it.
func (c *caller) call(ctx context.Context, kind byte, request []byte) ([]byte, error) {
	if len(request) > c.pipe.longest {
		return nil, fmt.Errorf("%w: a request of %d bytes, at most %d", ErrTooLong, len(request), c.pipe.longest)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	id, f, err := c.begin(kind, request)
	if err != nil {
		return nil, err
	}
	select {
	case o := <-f.done:
		return o.answer, o.err
	case <-ctx.Done():
	}
	if c.land(id) == nil { // its outcome came meanwhile
		o := <-f.done
		return o.answer, o.err
	}
	c.cancel(id)
	return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
}

func (c *caller) begin(kind byte, request []byte) (id uint64, f *flight, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return 0, nil, c.notSent()
	case len(c.flying) >= c.most:
		return 0, nil, ErrBusy
	}
	id = c.last + 1
	m := message{about: aboutRequest, kind: kind, call: id, length: len(request)}
	var head [messageHeader]byte
	batch, err := c.pipe.out.add(m.append(head[:0]), request)
	switch {
	case errors.Is(err, errFull):
		return 0, nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	case err != nil: // it broke, and end comes
		return 0, nil, fmt.Errorf("%w: the connection broke", ErrNotSent)
	}
	f = &flight{batch: batch, done: make(chan outcome, 1)}
	c.last, c.flying[id] = id, f
	return id, f, nil
}

// land takes a call out; nil where it is none of those under way.
func (c *caller) land(id uint64) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.flying[id]
	delete(c.flying, id)
	return f
}

// cancel tells the peer that nobody waits. There are as many of these as there
// are requests, which the limit of the outbox bounds.
func (c *caller) cancel(id uint64) {
	m := message{about: aboutCancel, call: id}
	var head [messageHeader]byte
	c.pipe.out.addSmall(m.append(head[:0]))
}

// read hands answers over until the connection breaks.
func (c *caller) read() error {
	for {
		m, err := c.pipe.readMessage()
		if err != nil {
			return err
		}
		switch m.about {
		case aboutLife:
			continue
		case aboutRequest, aboutCancel:
			return fmt.Errorf("%w: an answer about %d", ErrFormat, m.about)
		}
		f := c.land(m.call)
		if f == nil { // nobody waits any more
			if err := c.pipe.skipBody(m); err != nil {
				return err
			}
			continue
		}
		if err := c.answer(f, m); err != nil {
			f.done <- outcome{err: fmt.Errorf("%w: the connection broke in the answer: %w", ErrUnknownOutcome, err)}
			return err
		}
	}
}

func (c *caller) answer(f *flight, m message) error {
	body, err := c.pipe.readBody(m)
	if err != nil {
		return err
	}
	switch m.about {
	case aboutAnswer:
		f.done <- outcome{answer: body}
	case aboutFailure:
		f.done <- outcome{err: parseFailure(body)}
	case aboutBusy:
		f.done <- outcome{err: ErrBusy}
	}
	return nil
}

// end fails all calls under way. The connection is broken already.
func (c *caller) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for id, f := range c.flying {
		delete(c.flying, id)
		if f.batch > c.pipe.taken {
			f.done <- outcome{err: c.notSent()}
			continue
		}
		f.done <- outcome{err: fmt.Errorf("%w: the connection to %s broke: %w", ErrUnknownOutcome, c.pipe.peer.ID, c.pipe.cause)}
	}
}

// notSent is for the broken connection.
func (c *caller) notSent() error {
	return fmt.Errorf("%w: the connection to %s broke: %w", ErrNotSent, c.pipe.peer.ID, c.pipe.cause)
}
