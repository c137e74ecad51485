package shell

import (
	"fmt"
	"slices"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// shard is what a loop keeps of a shard under one leadership: with the next one
// comes a new shard, so that what is left of an old one can be told by gone.
type shard struct {
	*endpoint.Shard
	clockwork
	marks
	cells  places
	hints  hints
	posts  posts
	writes *proposal   // of this turn, nil for none
	flying []*proposal // proposed and not settled, oldest first
	lane   lane        // of turns
	gone   bool        // the leadership is lost
}

// Lead says that the node leads the shard from now on: events for it are taken
// when done is called with nil. With an error its records cannot be read, and
// the shard stays closed; or the shell is stopping (endpoint.ErrClosed). done is
// called on a loop, or by Lead itself after Stop, and must not block. A shard
// that is led already is led on.
//
// Whoever leads must have in its State whatever was proposed under earlier
// leaderships, of this node too, and can be committed: none of it may be applied
// after Lead. The callbacks of such proposals may come later.
func (s *Shell) Lead(id ids.Shard, done func(error)) {
	if int(id) >= len(s.leads) {
		done(fmt.Errorf("shell: no shard %d", id))
		return
	}
	l := s.loopOf(id)
	l.inbox.order(order{
		run:   func() { done(l.open(id)) },
		ended: func() { done(endpoint.ErrClosed) },
	})
}

// Yield says that the leadership is lost: nothing more is taken for the shard,
// its cells are dropped with all that is in flight, and who waits for that is
// answered endpoint.ErrElsewhere. When done is called no effect of the leadership
// is released any more; what it has proposed may be committed all the same. done
// is called on a loop, or by Yield itself after Stop, and must not block. Lead and
// Yield take effect in the order of their calls.
func (s *Shell) Yield(id ids.Shard, done func()) {
	if int(id) >= len(s.leads) {
		done()
		return
	}
	s.leads[id].Store(false)
	l := s.loopOf(id)
	l.inbox.order(order{
		run: func() {
			l.close(id)
			l.left = append(l.left, done)
		},
		ended: done,
	})
}

// Leads reports whether events of the shard are taken.
func (s *Shell) Leads(id ids.Shard) bool { return int(id) < len(s.leads) && s.leads[id].Load() }

// open begins a leadership.
func (l *loop) open(id ids.Shard) error {
	switch {
	case l.closing:
		return endpoint.ErrClosed
	case l.shards[id] != nil:
		return nil
	}
	s := &shard{cells: make(places), posts: make(posts), hints: hints{limit: l.hintsOfShard()}}
	err, gap := error(ErrPanic), time.Duration(0)
	l.guard(0, func() {
		if s.Shard, err = endpoint.NewShard(l.options.Env, id); err != nil {
			return
		}
		if gap, err = l.resume(s); err == nil && l.options.Timers != nil {
			s.queue = l.options.Timers(id)
		}
	})
	if err != nil {
		return fmt.Errorf("shell: open shard %d: %w", id, err)
	}
	if gap > 0 {
		l.unserved(s, gap)
	}
	s.clean = l.clock + int64(cleanupEvery)
	l.nextTimers = min(l.nextTimers, s.next())
	l.shards[id] = s
	l.led = append(l.led, s)
	l.shell.leads[id].Store(true)
	return nil
}

// close ends a leadership. It runs at the beginning of a turn of the loop: what was
// committed before has left, and nothing is written that is not proposed.
func (l *loop) close(id ids.Shard) {
	l.shell.leads[id].Store(false)
	s := l.shards[id]
	if s == nil {
		return
	}
	s.gone = true
	l.shards[id] = nil
	l.led = slices.DeleteFunc(l.led, func(o *shard) bool { return o == s })
	l.loseProposals(s)
	var waiting []message
	s.cells.each(func(c *cell) {
		l.loseLane(&c.lane)
		waiting = append(waiting, c.waiting...)
		c.waiting = nil
		l.drop(c)
	})
	l.loseLane(&s.lane)
	for i := range waiting {
		l.dispatch(&waiting[i]) // the shard is not led: they go elsewhere
	}
}

// loseProposals answers groups of other shards that wait for signposts of s.
// What is proposed comes back to nobody.
func (l *loop) loseProposals(s *shard) {
	for _, p := range s.flying {
		l.committing--
		p.shard = nil
		for i, g := range p.waiters {
			l.answer(g, endpoint.ErrElsewhere) // to those of s itself: nothing
			p.waiters[i] = nil
		}
	}
	s.flying = nil
}

// loseLane answers groups that are not committed as a whole.
func (l *loop) loseLane(n *lane) {
	for !n.empty() {
		g := n.pop()
		l.inFlight--
		if g.err == nil {
			g.err = endpoint.ErrElsewhere
		}
		l.surrender(g) // before what waits behind it
		l.released = append(l.released, g)
	}
}

// landed takes a proposal out of those that are proposed.
func (s *shard) landed(p *proposal) {
	i := slices.Index(s.flying, p) // 0, where callbacks keep the order
	s.flying = slices.Delete(s.flying, i, i+1)
}

// forward hands a datagram to the node that leads the shard, and releases it.
func (s *Shell) forward(l *loop, id ids.Shard, d *endpoint.Datagram) bool {
	ok := s.options.Elsewhere(id, d)
	if ok {
		l.stats.forwarded.Add(1)
	} else {
		l.stats.dropped.Add(1)
	}
	s.release(d)
	return ok
}
