package shell

import (
	"time"

	"dormouse/actors/endpoint"
)

// tally is what loops have handed to one another, as one of them saw it.
type tally struct{ sent, received int }

// Stop refuses what is new, handles and commits what was admitted, and returns
// when all loops have ended. What is not committed after Options.Drain is given
// up: its callers get endpoint.ErrClosed, and so does who waits for a turn of Do
// that was not run. It may be called more than once, and before Start.
func (s *Shell) Stop() {
	s.ending.Do(func() {
		for _, l := range s.loops {
			l.inbox.close()
		}
		s.Start()
		s.drain()
		close(s.stop)
		s.goroutine.Wait()
		s.removeGates()
	})
}

func (s *Shell) stopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// drain waits until nothing is in flight. A loop that is quiet may be woken by
// another; so the loops are asked twice, and must have handed nothing to one
// another in between.
func (s *Shell) drain() {
	limit := time.NewTimer(s.options.Drain)
	defer limit.Stop()
	last := tally{sent: -1}
	for {
		quiet := make(chan tally, len(s.loops))
		for _, l := range s.loops {
			l.inbox.post(func() { l.closing, l.leaving = true, quiet })
		}
		var sum tally
		for range s.loops {
			select {
			case t := <-quiet:
				sum.sent += t.sent
				sum.received += t.received
			case <-limit.C:
				return
			}
		}
		if sum == last && sum.sent == sum.received {
			return
		}
		last = sum
	}
}

// report answers drain when nothing is left to do.
func (l *loop) report() {
	if l.leaving == nil || l.inFlight > 0 || l.committing > 0 || len(l.rest) > 0 {
		return
	}
	l.leaving <- tally{l.sent, l.received}
	l.leaving = nil
}

// abandon answers whatever is left, and stops the actors.
func (l *loop) abandon() {
	for _, o := range l.inbox.end() {
		o.ended()
	}
	l.discardAll(l.again)
	l.discardAll(l.rest)
	l.rest = nil
	l.take()
	l.discardAll(l.rest)
	for _, s := range l.led {
		s.cells.each(func(c *cell) {
			l.abandonLane(&c.lane)
			l.discardAll(c.waiting)
			c.waiting = nil
			l.drop(c)
		})
		l.abandonLane(&s.lane)
	}
}

func (l *loop) discardAll(waiting []message) {
	for i := range waiting {
		l.discard(&waiting[i], endpoint.ErrClosed)
	}
}

func (l *loop) abandonLane(n *lane) {
	for !n.empty() {
		for _, reply := range n.pop().fx.Replies {
			reply(endpoint.ErrClosed)
		}
	}
}
