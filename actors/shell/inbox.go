package shell

import (
	"sync"
	"time"

	"dormouse/actors/endpoint"
)

// turn is a function that Do runs.
type turn = func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects)

// message is what was admitted for a loop: an event or a turn.
type message struct {
	to    Destination
	event endpoint.Event
	do    turn
	fired bool // a durable timer that the loop handed out
}

// inbox is how other goroutines reach a loop. What comes from outside is
// bounded, and refused beyond; what the shell tells itself (commits, signposts)
// is bounded by what is in flight, which is bounded by the loop.
type inbox struct {
	limit int
	wake  chan struct{} // one token: the loop sleeps and has work

	mu      sync.Mutex // never held while a function of others runs
	outside []message
	held    int // messages that the loop took and has not handled yet
	inside  []func()
	asleep  bool
	closed  bool
}

func newInbox(limit int) *inbox {
	return &inbox{limit: limit, wake: make(chan struct{}, 1)}
}

// put admits a message: endpoint.ErrBusy when full, endpoint.ErrClosed.
func (in *inbox) put(m message) error {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return endpoint.ErrClosed
	}
	if len(in.outside)+in.held >= in.limit {
		in.mu.Unlock()
		return endpoint.ErrBusy
	}
	in.outside = append(in.outside, m)
	in.unlock()
	return nil
}

// post hands f to the loop.
func (in *inbox) post(f func()) {
	in.mu.Lock()
	in.inside = append(in.inside, f)
	in.unlock()
}

// unlock releases mu and wakes the loop if it sleeps.
func (in *inbox) unlock() {
	wake := in.asleep
	in.asleep = false
	in.mu.Unlock()
	if wake {
		select {
		case in.wake <- struct{}{}:
		default:
		}
	}
}

// take swaps what is inside for the empty slice given, and what came from
// outside too if the loop holds nothing anymore.
func (in *inbox) take(inside []func(), outside []message, held int) ([]func(), []message, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asleep = false
	inside, in.inside = in.inside, inside
	fresh := held == 0 && len(in.outside) > 0
	if fresh {
		outside, in.outside = in.outside, outside
		held = len(outside)
	}
	in.held = held
	return inside, outside, fresh
}

// sleep reports that nothing came; the next put or post will fill wake. held
// is what the loop still holds: then it takes nothing from outside for now.
func (in *inbox) sleep(held int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = held
	in.asleep = len(in.inside) == 0 && (held > 0 || len(in.outside) == 0)
	return in.asleep
}

// close refuses what comes from outside from now on.
func (in *inbox) close() {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
}
