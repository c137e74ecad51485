package store

import "sync"

// gate counts the calls under way, so that Close can wait for them and none
// starts behind it. It is not an RWMutex: the function of a Scan may call the
// store again, and a second read lock behind a waiting writer is a deadlock.
type gate struct {
	mu     sync.Mutex // guards all below; never held during a call
	calls  int
	closed bool
	idle   chan struct{} // made and closed by shut or by the last leave
}

// enter admits a call, which must leave.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.calls++
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	if g.closed && g.calls == 0 {
		close(g.idle)
	}
}

// shut admits nobody any more. The channel is closed when all have left; it is
// nil where the gate was shut before.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.idle = make(chan struct{})
	if g.calls == 0 {
		close(g.idle)
	}
	return g.idle
}
