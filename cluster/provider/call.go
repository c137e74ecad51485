package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/codec/ids"
)

// Call asks a node, be it this one, and waits for its answer, which is the
// caller's. It ends with ctx, or when the node has left or cannot be reached for
// Options.Patience. Errors are *RemoteError, or are ErrNotSent, ErrUnknownOutcome
// or ErrTooLong.
func (n *Node) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if len(request) > MaxPayload {
		return nil, fmt.Errorf("%w: %w: a request of %d bytes, at most %d", ErrNotSent, ErrTooLong, len(request), MaxPayload)
	}
	if to == n.o.Node {
		return n.callSelf(ctx, kind, request)
	}
	p := n.peers.of(to)
	if p == nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrNotSent, n.absence(), to)
	}
	c := &call{id: n.newID(), done: make(chan struct{})}
	e := Envelope{Kind: kind, ID: c.id, Payload: request}
	if deadline, ok := ctx.Deadline(); ok {
		e.Left = max(time.Until(deadline), time.Millisecond)
	}
	c.data = appendBytes(&e)
	if err := p.begin(c, n.self); err != nil {
		return nil, err
	}
	n.stats.calls.Add(1)
	select {
	case <-c.done:
	case <-ctx.Done():
		p.giveUp(c, context.Cause(ctx))
		<-c.done // by us, or by the answer just before
	}
	return c.payload, c.err
}

func (n *Node) absence() error {
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	return ErrNoNode
}

// newID names a call of this life.
func (n *Node) newID() ID { return ID{n.life, n.count.Add(1)} }

// NewID names a call to a PID that the Lookup gave, for a message that
// Envelope.Message makes. Such calls are answered to their sender, and nobody
// asks again.
func (n *Node) NewID() ID { return ID{n.life ^ 1, n.count.Add(1)} }

// callSelf serves within the bound of what others ask, in the caller's
// goroutine.
func (n *Node) callSelf(ctx context.Context, kind byte, request []byte) ([]byte, error) {
	if err := n.pool.enter(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer n.pool.leave()
	payload, err := n.run(ctx, n.o.Node, kind, request)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	case err != nil:
		code, text := failure(err)
		return nil, errorOf(code, text, 1)
	case len(payload) > MaxPayload:
		return nil, fmt.Errorf("%w: the answer", ErrTooLong)
	}
	return payload, nil
}
