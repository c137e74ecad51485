package shell

import (
	"sync"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// recall is what answers of other nodes told of signs whose shards they lead: the
// next datagram of such a sign goes to its endpoint without the way by the
// signpost. It is no authority: who gets that datagram asks the endpoint
// (Cell.Knows), and goes to the signpost where it says no.
//
// A sign that is an address is recalled for addressHint only. Whoever has the
// address next cannot be told from who had it before, and would be taken for it.
type recall struct {
	start time.Time
	parts [recallParts]struct {
		sync.Mutex
		hints
	}
}

const (
	recallParts = 64      // so that readers seldom meet, and a table that grows is small
	recallLimit = 1 << 20 // signs, 32 MiB

	// addressHint is far below the two minutes for which a NAT keeps the mapping of
	// a device that was heard (RFC 4787 REQ-5), and what many keep that do not
	// follow it.
	addressHint = 30 * time.Second
)

func newRecall() *recall {
	r := &recall{start: time.Now()}
	for i := range r.parts {
		r.parts[i].limit = recallLimit / recallParts
	}
	return r
}

// now is in whole seconds since the start.
func (r *recall) now() uint32 { return uint32(time.Since(r.start) / time.Second) }

// with runs f on the table of the sign. The part is told by other bits than the
// place in its table.
func (r *recall) with(sign wire.Sign, f func(*hints)) {
	part := &r.parts[sign.Slot(recallLimit)*recallParts/recallLimit]
	part.Lock()
	defer part.Unlock()
	f(&part.hints)
}

func (r *recall) find(sign wire.Sign) (id ids.Endpoint, found bool) {
	r.with(sign, func(h *hints) {
		one := h.look(sign)
		if one == nil {
			return
		}
		if sign.Class != wire.ClassCID && r.now()-one.at >= uint32(addressHint/time.Second) {
			h.forget(sign)
			return
		}
		id, found = one.id, true
	})
	return id, found
}

// Remember takes what an answer told: the sign leads to the endpoint.
func (s *Shell) Remember(sign wire.Sign, id ids.Endpoint) {
	s.recall.with(sign, func(h *hints) { h.learn(hint{sign: sign, at: s.recall.now(), id: id}) })
}

// Forget says that what was remembered of the sign is wrong.
func (s *Shell) Forget(sign wire.Sign) {
	s.recall.with(sign, func(h *hints) { h.forget(sign) })
}

// recalled is where a datagram of a device goes instead of the signpost: only one
// that came in here, so that there are links left for the way by the signpost.
func (s *Shell) recalled(to Destination, d *endpoint.Datagram) Destination {
	if to.kind != toSign || d.Hops > 0 || s.Leads(s.shardOf(to)) {
		return to
	}
	id, found := s.recall.find(to.sign)
	if !found {
		return to
	}
	d.Endpoint, d.Hinted = id, true
	s.loopOf(s.shardOf(to)).stats.hinted.Add(1)
	return to.Found(id, true)
}

// disown is for a datagram whose endpoint does not know its sign: the hint was
// wrong. It goes by the signpost, and the node that used the hint is told.
func (l *loop) disown(m *message) {
	d := m.event.(*endpoint.Datagram)
	m.to = ToSign(m.to.sign)
	d.Endpoint, d.Hinted = 0, false
	l.stats.disowned.Add(1)
	l.shell.Forget(m.to.sign)
	if d.Hops > 0 {
		l.guard(0, func() { l.options.Disowned(d.Path, m.to.sign) })
	}
	shard := l.shell.shardOf(m.to)
	target := l.shell.loopOf(shard)
	if target == l {
		l.toSign(m)
	} else if !l.shell.Leads(shard) {
		l.elsewhere(shard, m)
	} else if err := target.inbox.put(*m); err != nil {
		l.discard(m, err)
	}
}

// knows reports that the datagram may be the cell's: a hint is asked for.
func (l *loop) knows(c *cell, m *message) (knows bool) {
	if !m.to.hint {
		return true
	}
	l.guard(c.id, func() { knows = c.state.Knows(m.to.sign) })
	return knows
}

// News is for the node whose socket a device used: to which endpoint the sign of
// its datagrams leads.
type News struct {
	Sign     wire.Sign
	Endpoint ids.Endpoint
}

// learned is the news of a datagram that crossed a link to its signpost, and
// another one from there; nil: none.
func learned(c *cell, m *message) *news {
	d, ok := m.event.(*endpoint.Datagram)
	if !ok || d.Hops < 2 || m.to.hint || m.to.sign == (wire.Sign{}) {
		return nil
	}
	return &news{d.Path, News{m.to.sign, c.id}}
}

// news goes with the first datagram to that path.
type news struct {
	path wire.ReturnPath
	News
}

// newsFor takes the news that a datagram to the path may carry.
func (g *group) newsFor(path wire.ReturnPath) *News {
	if g.news == nil || g.news.path != path {
		return nil
	}
	n := &g.news.News
	g.news = nil
	return n
}
