package shell

import (
	"errors"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
)

// group is the effects of one Handle (or one turn of Do) on their way: they
// are released together when all that they wrote is committed.
type group struct {
	fx    endpoint.Effects
	loop  *loop
	shard *shard
	owner *cell // nil for a turn
	next  *group

	pending int   // commits to wait for: the batch and each signpost
	err     error // of the first of them that failed
	news    *news // nil: none
	timer   int64 // Unix milliseconds of the durable timer behind it, 0 for none

	// datagram is what was handled, kept until its fate is known: see surrender. path
	// is where it came from; the endpoint may have put another one into it.
	datagram *endpoint.Datagram
	path     wire.ReturnPath
	handled  int64 // when it was, on the loop's clock
}

// lane is the groups of one cell, or of the turns of one shard, that are in
// flight: first in, first out.
type lane struct{ head, tail *group }

func (n *lane) empty() bool { return n.head == nil }

func (n *lane) push(g *group) {
	if n.tail != nil {
		n.tail.next = g
	} else {
		n.head = g
	}
	n.tail = g
}

func (n *lane) pop() *group {
	g := n.head
	if n.head = g.next; n.head == nil {
		n.tail = nil
	}
	g.next = nil
	return g
}

func (g *group) lane() *lane {
	if g.owner != nil {
		return &g.owner.lane
	}
	return &g.shard.lane
}

// idle reports that the Handle wanted nothing.
func (g *group) idle() bool {
	fx := &g.fx
	return fx.Batch.Len() == 0 && len(fx.Signposts) == 0 && len(fx.Sends) == 0 &&
		len(fx.Replies) == 0 && len(fx.Notices) == 0 && g.timer == 0
}

func (l *loop) newGroup(s *shard, owner *cell) *group {
	var g *group
	if n := len(l.spare); n > 0 {
		g, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		g = &group{loop: l}
	}
	g.shard, g.owner = s, owner
	return g
}

// maxSpare bounds the groups that are kept for the next use.
const maxSpare = 4096

func (l *loop) recycle(g *group) {
	l.forget(g)
	g.fx.Reset()
	g.shard, g.owner, g.err, g.news, g.timer = nil, nil, nil, nil, 0
	if len(l.spare) < maxSpare {
		l.spare = append(l.spare, g)
	}
}

// commit sends what the group writes on its way. A group without writes is
// released at once, unless others of its lane are in flight.
func (l *loop) commit(g *group) {
	if g.idle() {
		l.recycle(g)
		return
	}
	if g.fx.Batch.Len() > 0 {
		p := l.proposal(g.shard)
		p.batch.Append(&g.fx.Batch)
		p.waiters = append(p.waiters, g)
		g.pending++
	}
	n := g.lane()
	for _, post := range g.fx.Signposts {
		if !post.Clear {
			n.keepSignpost(post.Sign)
			g.keepSignpost(post.Sign)
			l.setSignpost(g, post.Sign)
		}
	}
	if g.pending == 0 && n.empty() {
		l.release(g)
		return
	}
	n.push(g)
	l.inFlight++
}

// settled says that one of the commits that g waits for is done.
func (l *loop) settled(g *group, err error) {
	if g.shard.gone {
		return // answered when the shard was lost
	}
	g.pending--
	n, owner := g.lane(), g.owner
	if err != nil {
		l.fail(g, err)
	}
	for !n.empty() && n.head.pending == 0 {
		l.inFlight--
		l.release(n.pop())
	}
	if owner != nil && owner.state == nil && n.empty() {
		l.revive(owner)
	}
}

// fail lets g, and what its cell did after it, go without effect. The cell is
// ahead of the store, so it is dropped. Turns of a shard have no memory: those
// behind a failed one are not concerned.
func (l *loop) fail(g *group, err error) {
	if g.owner == nil {
		g.err = err
		return
	}
	for x := g; x != nil; x = x.next {
		if x.err == nil {
			x.err = err
		}
	}
	l.drop(g.owner)
}

// release puts the group among those whose effects leave at the end of this
// turn of the loop. Its signposts are cleared at once, before the cell can set
// them again.
func (l *loop) release(g *group) {
	l.released = append(l.released, g)
	if g.err != nil || g.owner == nil {
		return
	}
	for _, post := range g.fx.Signposts {
		if post.Clear && post.Sign != (wire.Sign{}) {
			l.clearSignpost(g.owner.id, post.Sign)
		}
	}
}

// flush carries out the released groups: all that is sent in one call, then
// replies and notices in their order.
func (l *loop) flush() {
	for _, g := range l.released {
		if g.err != nil {
			continue
		}
		for i := range g.fx.Sends {
			one := &g.fx.Sends[i]
			l.outs = append(l.outs, Out{one.Path, one.Payload, g.newsFor(one.Path)})
		}
	}
	if len(l.outs) > 0 {
		l.options.Send(l.outs)
		clear(l.outs)
		l.outs = l.outs[:0]
	}
	for i, g := range l.released {
		l.conclude(g)
		l.released[i] = nil
	}
	l.released = l.released[:0]
}

func (l *loop) conclude(g *group) {
	for _, reply := range g.fx.Replies {
		reply(g.err)
	}
	l.surrender(g)
	if g.err == nil && len(g.fx.Notices) > 0 {
		l.options.Notify(g.fx.Notices)
	}
	if g.shard.gone {
		l.forget(g)
		return // some of its commits may still come: it is not used again
	}
	if g.timer != 0 {
		l.timerDone(g.shard, Due{at(g.timer), g.owner.id}, g.err)
	}
	l.recycle(g)
}

// keep holds the datagram that led to the group. It is in flight as long as the
// group, and bounded with it.
func (g *group) keep(d *endpoint.Datagram, path wire.ReturnPath, now int64) {
	g.datagram, g.path, g.handled = d, path, now
}

// forget gives the datagram back.
func (l *loop) forget(g *group) {
	if d := g.datagram; d != nil {
		g.datagram = nil
		l.shell.release(d)
	}
}

// fresh is how long after it was handled a datagram may be handed on. Later its
// device has repeated it, and may be at another address since: plain CoAP does not
// tell that what comes from the old one is older.
const fresh = 1500 * time.Millisecond

// surrender hands the datagram of a group that was lost with the leadership to
// whoever leads next. That is what its device would do after two seconds, and as
// safe: where the write is committed all the same, it is a duplicate that is answered
// as before, or a record that was seen.
func (l *loop) surrender(g *group) {
	d := g.datagram
	if d == nil || l.clockOf(time.Now())-g.handled > int64(fresh) || !errors.Is(g.err, endpoint.ErrMoved) && !errors.Is(g.err, endpoint.ErrElsewhere) {
		return
	}
	g.datagram = nil
	d.Path, d.Endpoint = g.path, g.owner.id
	if !l.guard(g.owner.id, func() { l.shell.forward(l, g.shard.ID, d) }) {
		l.discard(&message{event: d}, ErrPanic)
	}
}
