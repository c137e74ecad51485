package shell

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// errMemory drops events while every cell in memory is busy.
var errMemory = fmt.Errorf("%w: all cells in memory are busy", endpoint.ErrBusy)

// dispatch brings a message to its owner.
func (l *loop) dispatch(m *message) {
	if m.timer != nil && m.timer.gone {
		return // who leads the shard now has the timer from the store
	}
	switch m.to.kind {
	case toEndpoint:
		l.toEndpoint(ids.Endpoint(m.to.value), m)
	case toHandle:
		l.toHandle(m)
	case toSign:
		l.toSign(m)
	case toShard:
		l.toShard(m)
	}
}

func (l *loop) toEndpoint(id ids.Endpoint, m *message) {
	shard := l.options.Env.Shards.Of(id)
	s := l.shards[shard]
	if s == nil {
		l.elsewhere(shard, m)
		return
	}
	c := s.cells.find(id)
	if c == nil {
		var err error
		if c, err = l.load(s, id); err != nil {
			l.discard(m, err)
			return
		}
	}
	l.toCell(c, m)
}

// toCell lets c handle the message, now or when it may be loaded again.
func (l *loop) toCell(c *cell, m *message) {
	switch {
	case c.state != nil && !l.knows(c, m):
		l.disown(m)
	case c.state != nil:
		l.handle(c, m)
	case len(c.waiting) < maxWaiting:
		c.waiting = append(c.waiting, *m)
	default:
		l.discard(m, endpoint.ErrBusy)
	}
}

// maxNamesakes bounds the endpoints of one handle that are looked at.
const maxNamesakes = 16

// toHandle asks those in memory first: an owner is found without reading.
func (l *loop) toHandle(m *message) {
	handle := uint32(m.to.value >> 32)
	shard := l.options.Env.Shards.OfHandle(handle)
	s := l.shards[shard]
	if s == nil {
		l.elsewhere(shard, m)
		return
	}
	binary.BigEndian.PutUint64(l.token[:], m.to.value)
	for c := s.cells.first(handle); c != nil; c = c.sibling {
		if c.state == nil || l.owns(c) {
			l.toCell(c, m)
			return
		}
	}
	sleeping, err := l.namesakes(s, handle)
	if err != nil {
		l.loadFailed(0, err)
		l.discard(m, err)
		return
	}
	for _, id := range sleeping {
		if s.cells.find(id) != nil {
			continue
		}
		c, err := l.load(s, id)
		if err != nil {
			l.discard(m, err)
			return
		}
		if l.owns(c) {
			l.toCell(c, m)
			return
		}
	}
	l.stray(m)
}

func (l *loop) owns(c *cell) (owns bool) {
	l.guard(c.id, func() { owns = c.state.Owns(l.token[:]) })
	return owns
}

// namesakes are the stored endpoints of the shard with the handle.
func (l *loop) namesakes(s *shard, handle uint32) (found []ids.Endpoint, err error) {
	from := binary.BigEndian.AppendUint32(nil, handle)
	err = l.options.Env.State.Scan(s.ID, wire.ClassContact, from, wire.PrefixEnd(from), false, func(key, _ []byte) bool {
		if id, err := ids.ParseEndpoint(key); err == nil {
			found = append(found, id)
		}
		return len(found) < maxNamesakes
	})
	if err != nil {
		return nil, fmt.Errorf("scan for the owners of handle %08x: %w", handle, err)
	}
	return found, nil
}

// toSign follows a signpost, if need be to another loop or node.
func (l *loop) toSign(m *message) {
	at := l.options.Env.SignShard(m.to.sign)
	s := l.shards[at]
	if s == nil {
		l.elsewhere(at, m)
		return
	}
	id, found, err := l.signpost(s, m.to.sign)
	if err != nil {
		l.loadFailed(0, err)
		l.discard(m, err)
		return
	}
	if !found {
		l.stray(m)
		return
	}
	m.to = m.to.Found(id, false)
	signposted(m, id)
	shard := l.options.Env.Shards.Of(id)
	target := l.shell.loopOf(shard)
	if target == l {
		l.toEndpoint(id, m)
	} else if !l.shell.Leads(shard) {
		l.elsewhere(shard, m)
	} else if err := target.inbox.put(*m); err != nil {
		l.discard(m, err)
	}
}

// elsewhere is for a message whose shard is not led here: a datagram goes to
// the node that leads it, other callers are told.
func (l *loop) elsewhere(id ids.Shard, m *message) {
	d, ok := m.event.(*endpoint.Datagram)
	if !ok {
		l.discard(m, endpoint.ErrElsewhere)
		return
	}
	if !l.guard(0, func() { l.shell.forward(l, id, d) }) {
		l.discard(m, ErrPanic)
	}
}

// signposted lets the owner of a datagram know that it need not look for it.
func signposted(m *message, id ids.Endpoint) {
	if d, ok := m.event.(*endpoint.Datagram); ok {
		d.Endpoint = id
	}
}

// stray answers what nobody owns.
func (l *loop) stray(m *message) {
	l.stats.strays.Add(1)
	d, ok := m.event.(*endpoint.Datagram)
	if !ok {
		l.discard(m, endpoint.ErrNotFound)
		return
	}
	l.guard(0, func() {
		if answer := l.options.Stray(d); answer != nil {
			l.outs = append(l.outs, Out{Path: d.Path, Payload: answer})
		}
	})
	l.shell.release(d)
}

// toShard runs an errand.
func (l *loop) toShard(m *message) {
	id := ids.Shard(m.to.value)
	s := l.shards[id]
	if s == nil {
		l.elsewhere(id, m)
		return
	}
	m.do.run(l, s)
}

// discard drops a message: a datagram in silence (the device sends it again),
// a command and an errand with an answer, a durable timer for a while.
func (l *loop) discard(m *message, err error) {
	switch ev := m.event.(type) {
	case nil:
		if m.do.failed != nil {
			m.do.failed(err)
		}
	case *endpoint.Datagram:
		l.stats.dropped.Add(1)
		l.shell.release(ev)
	case endpoint.Deadline:
		if m.timer != nil {
			l.timerDone(m.timer, Due{at(ev.At), ids.Endpoint(m.to.value)}, err)
		}
	default:
		endpoint.Reject(ev, err)
	}
}

// guard runs what belongs to others; a panic is reported and ends f alone.
func (l *loop) guard(id ids.Endpoint, f func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			l.panicked(Panic{id, fmt.Sprint(r), debug.Stack()})
		}
	}()
	f()
	return true
}

func (l *loop) panicked(p Panic) {
	l.stats.panics.Add(1)
	if f := l.options.Events.Panicked; f != nil {
		f(p)
	}
}

func (l *loop) loadFailed(id ids.Endpoint, err error) {
	if errors.Is(err, endpoint.ErrBusy) {
		return
	}
	l.stats.loadsFailed.Add(1)
	if f := l.options.Events.LoadFailed; f != nil {
		f(id, err)
	}
}
