package shell

import (
	"sync"

	"dormouse/actors/endpoint"
)

// message is what was admitted for a loop: an event or an errand.
type message struct {
	to    Destination
	event endpoint.Event
	do    *errand
	timer *shard // whose durable timer this is, nil: it is none
}

// order is a change of what the loop owns. One of its functions is called: ended
// where the loop has ended before.
type order struct{ run, ended func() }

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
	orders  []order
	asleep  bool
	closed  bool // nothing is taken from outside any more
	ended   bool // nor from inside: the loop has ended
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

// post hands f to the loop. After its end f is forgotten.
func (in *inbox) post(f func()) {
	in.mu.Lock()
	if in.ended {
		in.mu.Unlock()
		return
	}
	in.inside = append(in.inside, f)
	in.unlock()
}

// order hands an order to the loop. There is no bound: those who lead are few,
// and wait for the answer.
func (in *inbox) order(o order) {
	in.mu.Lock()
	if in.ended {
		in.mu.Unlock()
		o.ended()
		return
	}
	in.orders = append(in.orders, o)
	in.unlock()
}

// end refuses all there is, and returns the orders that were not carried out.
func (in *inbox) end() []order {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed, in.ended = true, true
	left := in.orders
	in.orders, in.inside = nil, nil
	return left
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

// take swaps what is inside for the empty slices given, and what came from
// outside too if the loop holds nothing anymore.
func (in *inbox) take(orders []order, inside []func(), outside []message, held int) ([]order, []func(), []message, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asleep = false
	orders, in.orders = in.orders, orders
	inside, in.inside = in.inside, inside
	fresh := held == 0 && len(in.outside) > 0
	if fresh {
		outside, in.outside = in.outside, outside
		held = len(outside)
	}
	in.held = held
	return orders, inside, outside, fresh
}

// sleep reports that nothing came; the next put or post will fill wake. held
// is what the loop still holds: then it takes nothing from outside for now.
func (in *inbox) sleep(held int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = held
	in.asleep = len(in.inside)+len(in.orders) == 0 && (held > 0 || len(in.outside) == 0)
	return in.asleep
}

// close refuses what comes from outside from now on.
func (in *inbox) close() {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
}
