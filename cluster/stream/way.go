package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"dormouse/codec/ids"
)

// Pauses between attempts to reach a peer: the first, and the longest. Each is
// made shorter at random by up to a half, so that nodes do not come all at once.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// way is one of the two connections to a peer, and the goroutine that makes it
// anew as long as the node is a peer.
type way struct {
	mesh    *Mesh
	purpose purpose
	id      ids.Node
	open    atomic.Pointer[opened] // nil: not connected
	nudge   chan struct{}          // the peer is elsewhere, or another: do not wait

	mu      sync.Mutex // guards all below
	to      Peer
	attempt context.CancelFunc // ends the attempt under way
	failure error              // of the last attempt, where none succeeded since
	changed chan struct{}      // closed when open or failure changes, then another

	told string // what Refused was told last; run's
}

// opened is a connection in use.
type opened struct {
	pipe   *pipe
	caller *caller // of calls
}

func newWay(m *Mesh, p purpose, to Peer) *way {
	return &way{mesh: m, purpose: p, id: to.Node.ID, to: to, nudge: make(chan struct{}, 1), changed: make(chan struct{})}
}

// set says where the peer is now. A life that is older than the one that was named
// is passed over; the connection to one is given up.
func (w *way) set(to Peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if to.Node.Incarnation < w.to.Node.Incarnation || to == w.to {
		return
	}
	w.to = to
	if o := w.open.Load(); o != nil && o.pipe.peer.Incarnation < to.Node.Incarnation {
		o.pipe.fail(errRetired)
	}
	if w.attempt != nil {
		w.attempt()
	}
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

func (w *way) state() (to Peer, failure error, changed chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to, w.failure, w.changed
}

// settle notes what came of an attempt, or that the connection broke.
func (w *way) settle(o *opened, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open.Store(o)
	w.failure = failure
	close(w.changed)
	w.changed = make(chan struct{})
}

// run connects again and again until ctx ends; then calls fail.
func (w *way) run(ctx context.Context) {
	defer func() { w.settle(nil, w.retired()) }()
	pause := firstPause
	for ctx.Err() == nil {
		c, err := w.dial(ctx)
		if err != nil {
			w.fell(ctx, err)
			w.wait(ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		began := time.Now()
		w.use(ctx, c)
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		w.wait(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// retired is why the peer is not dialled any more.
func (w *way) retired() error {
	if w.mesh.ctx.Err() != nil {
		return ErrClosed
	}
	return errRetired
}

func (w *way) dial(ctx context.Context) (*pipe, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.attempt = cancel
	to := w.to
	w.mu.Unlock()
	return w.mesh.terms.connect(ctx, to.Addr.String(), w.purpose, to.Node.ID, to.Node.Incarnation)
}

// fell tells why an attempt failed: a refusal once, until it is another. One that
// set gave up did not fail.
func (w *way) fell(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	w.mesh.count.dialFailures.Add(1)
	to, before, _ := w.state()
	w.settle(nil, err)
	switch {
	case errors.Is(err, ErrRefused) || errors.Is(err, ErrFormat):
		w.mesh.count.refusedOut.Add(1)
		if w.told != err.Error() {
			w.told = err.Error()
			w.mesh.refused(to.Addr.String(), err)
		}
	case before == nil:
		w.mesh.o.Log.Info("stream: a node is out of reach", "node", w.id.String(), "for", w.purpose.String(), "error", err)
	}
}

// use works with a connection until it breaks, or ctx ends.
func (w *way) use(ctx context.Context, c *pipe) {
	w.told = ""
	stop := context.AfterFunc(ctx, func() { c.fail(w.retired()) })
	defer stop()
	o := &opened{pipe: c, caller: newCaller(c, w.mesh.o.MaxCalls)}
	// From here on set finds the connection; what it said before is looked at now.
	w.settle(o, nil)
	if to, _, _ := w.state(); c.peer.Incarnation < to.Node.Incarnation {
		c.fail(errRetired)
	}
	w.mesh.count.connected.Add(1)
	w.mesh.o.Log.Debug("stream: connected", "node", w.id.String(), "for", w.purpose.String())
	var writer sync.WaitGroup
	writer.Go(func() { c.write(w.wrote) })
	if w.purpose == forCalls {
		c.fail(o.caller.read())
	} else {
		c.fail(c.readNothing())
	}
	writer.Wait()
	o.caller.end()
	w.settle(nil, nil)
	w.mesh.count.broken.Add(1)
	if w.purpose == forFrames {
		w.mesh.count.droppedBroken.Add(uint64(c.dropped))
	}
	if ctx.Err() == nil {
		w.mesh.o.Log.Info("stream: a connection broke", "node", w.id.String(), "for", w.purpose.String(), "error", c.cause)
	}
}

func (w *way) wrote(messages, bytes int) {
	if w.purpose == forFrames {
		w.mesh.count.sent.Add(uint64(messages))
		w.mesh.count.sentBytes.Add(uint64(bytes))
	}
}

// readNothing reads signs of life: a connection of frames has one direction.
func (c *pipe) readNothing() error {
	if _, err := c.readFrame(nil); err != nil {
		return err
	}
	return fmt.Errorf("%w: a frame in the wrong direction", ErrFormat)
}

// wait pauses, unless the peer is said to be elsewhere, or ctx ends.
func (w *way) wait(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause - rand.N(pause/2))
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.nudge:
	case <-ctx.Done():
	}
}

// caller waits for the attempt under way where the last one succeeded or there
// was none; else its failure is the answer.
func (w *way) caller(ctx context.Context) (*caller, error) {
	for {
		_, failure, changed := w.state()
		if o := w.open.Load(); o != nil {
			return o.caller, nil
		}
		if failure != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, failure)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: connecting: %w", ErrNotSent, ctx.Err())
		}
	}
}
