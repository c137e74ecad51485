package shell

import (
	"fmt"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// load brings an endpoint into memory: a state, an actor, a place.
func (l *loop) load(s *shard, id ids.Endpoint) (*cell, error) {
	if !l.makeRoom() {
		l.stats.refused.Add(1)
		return nil, errMemory
	}
	c := &cell{mailbox: mailbox{loop: l}, id: id, shard: s, index: -1}
	err := error(ErrPanic)
	l.guard(id, func() { c.state, err = l.options.Load(s.Shard, id) })
	if err == nil {
		err = l.spawn(c)
	}
	if err != nil {
		err = fmt.Errorf("load endpoint %016x: %w", uint64(id), err)
		l.loadFailed(id, err)
		return nil, err
	}
	s.cells.add(c)
	l.ages.enlist(c, l.clock)
	l.stats.awake.Add(1)
	l.stats.loaded.Add(1)
	return c, nil
}

// handle runs the cell's actor and sends its effects on their way.
func (l *loop) handle(c *cell, m *message) {
	g := l.newGroup(c.shard, c)
	switch ev := m.event.(type) {
	case endpoint.Tick:
	case endpoint.Deadline:
		if m.timer != nil {
			g.timer = ev.At
		}
	default:
		l.ages.touch(c, l.clock)
	}
	g.news = learned(c, m)
	d, _ := m.event.(*endpoint.Datagram)
	var path wire.ReturnPath
	if d != nil {
		path = d.Path
	}
	l.call = call{l.now, m.event, &g.fx}
	c.run(&l.call)
	l.call = call{}
	if l.failure != nil {
		l.crashed(c, g, m)
		return
	}
	if d != nil {
		g.keep(d, path, l.clock)
	}
	if wake := g.fx.Wake; wake.IsZero() {
		l.wakes.set(c, 0)
	} else {
		l.wakes.set(c, max(1, l.clockOf(wake)))
	}
	l.commit(g)
}

// crashed drops a cell whose Handle panicked, with all that it has in flight.
func (l *loop) crashed(c *cell, g *group, m *message) {
	p := l.failure
	l.failure, p.Endpoint = nil, c.id
	l.panicked(*p)
	g.timer = 0 // discard sees to it
	l.recycle(g)
	if c.lane.empty() {
		l.drop(c)
	} else {
		l.fail(c.lane.head, ErrPanic)
	}
	l.discard(m, ErrPanic)
}

// drop takes a cell out of memory. If it has groups in flight its place is
// kept: it cannot be loaded before the store has what they wrote.
func (l *loop) drop(c *cell) {
	if c.state == nil {
		return
	}
	c.state.Left()
	c.state = nil
	l.wakes.remove(c)
	l.ages.delist(c)
	l.stats.awake.Add(-1)
	c.stopActor()
	if c.lane.empty() {
		c.shard.cells.remove(c)
	}
}

// revive gives up the place of a dropped cell that has nothing in flight any
// more: what waited is handled next, by the cell loaded again.
func (l *loop) revive(c *cell) {
	c.shard.cells.remove(c)
	l.again = append(l.again, c.waiting...)
	c.waiting = nil
}

// sleepy reports that the cell may be passivated, if need be at the cost of
// what it waits for.
func (c *cell) sleepy(need bool) bool {
	return c.lane.empty() && !c.state.Busy() && (need || !c.state.Waiting())
}

// sweep passivates cells that had no event for long, a few a turn. One that
// cannot sleep is asked again as much later.
func (l *loop) sweep() {
	for range 64 {
		c := l.ages.oldest
		if c == nil || l.clock < c.last+int64(l.options.Idle) {
			return
		}
		l.passivate(c, false)
	}
}

// makeRoom keeps the cells below the bound, at the cost of the oldest. If those
// that it looks at are all busy, the answer is no.
func (l *loop) makeRoom() bool {
	for range 32 {
		if l.ages.awake < l.quota() {
			return true
		}
		l.passivate(l.ages.oldest, true)
	}
	return l.ages.awake < l.quota()
}

// quota is the loop's part of the cells in memory.
func (l *loop) quota() int { return max(1, int(l.shell.maxAwake.Load())/l.options.Loops) }

// SetMaxAwake changes Options.MaxAwake, at least 1, at any time. What is more than
// that already goes with the next events of other endpoints, or of itself.
func (s *Shell) SetMaxAwake(n int) { s.maxAwake.Store(int64(n)) }

func (l *loop) passivate(c *cell, need bool) {
	if !c.sleepy(need) {
		l.ages.touch(c, l.clock)
		return
	}
	l.stats.passivated.Add(1)
	l.drop(c)
}

// tick wakes cells whose time has come; it reports that it left some.
func (l *loop) tick() (more bool) {
	for range maxFired {
		c := l.wakes.due(l.clock)
		if c == nil {
			return false
		}
		l.handle(c, &message{to: ToEndpoint(c.id), event: endpoint.Tick{}})
	}
	return true
}
