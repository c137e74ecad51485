package shell

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// posts are the signposts of a shard that are set and not committed yet.
type posts map[wire.Sign]post

type post struct {
	id    ids.Endpoint // the newest of them
	count int
}

func (p posts) set(sign wire.Sign, id ids.Endpoint) {
	p[sign] = post{id, p[sign].count + 1}
}

func (p posts) done(sign wire.Sign) {
	e := p[sign]
	if e.count--; e.count <= 0 {
		delete(p, sign)
		return
	}
	p[sign] = e
}

// setSignpost lets a sign lead to the endpoint of g, in the shard of the sign,
// here or on the node that leads it; g waits for that too. A signpost has no cell:
// the last set wins.
func (l *loop) setSignpost(g *group, sign wire.Sign) {
	if g.owner == nil {
		return // a turn has no endpoint that a signpost could name
	}
	g.pending++
	if !l.behindClear(sign, func() { l.placeSignpost(g, sign) }) {
		l.placeSignpost(g, sign)
	}
}

func (l *loop) placeSignpost(g *group, sign wire.Sign) {
	shard := l.options.Env.SignShard(sign)
	target := l.shell.loopOf(shard)
	switch id := g.owner.id; {
	case g.shard.gone:
	case !l.shell.Leads(shard):
		l.setRemote(g, sign)
	case target == l:
		l.writeSignpost(g, id, sign)
	default:
		l.hand(target, func() { target.writeSignpost(g, id, sign) })
	}
}

// writeSignpost runs on the loop of the sign.
func (l *loop) writeSignpost(g *group, id ids.Endpoint, sign wire.Sign) {
	s := l.shards[l.options.Env.SignShard(sign)]
	if s == nil { // lost on the way here from another loop
		l.hand(g.loop, func() { g.loop.placeSignpost(g, sign) })
		return
	}
	s.posts.set(sign, id)
	s.hints.forget(sign)
	p := l.proposal(s)
	p.batch.Put(sign.Class, sign.Key(), id.Append(l.scratch[:0]))
	p.posts = append(p.posts, sign)
	p.waiters = append(p.waiters, g)
}

// keepSignpost forgets that the groups in flight wanted the signpost cleared:
// it leads to the endpoint again.
func (n *lane) keepSignpost(sign wire.Sign) {
	for g := n.head; g != nil; g = g.next {
		g.keepSignpost(sign)
	}
}

func (g *group) keepSignpost(sign wire.Sign) {
	for i := range g.fx.Signposts {
		if post := &g.fx.Signposts[i]; post.Clear && post.Sign == sign {
			post.Sign = wire.Sign{}
		}
	}
}

// clearSignpost removes the signpost if it still names the endpoint. Nobody
// waits for it: one that stays leads to an endpoint that knows the peer for a
// stranger.
func (l *loop) clearSignpost(id ids.Endpoint, sign wire.Sign) {
	if !l.behindClear(sign, func() { l.eraseSignpost(id, sign) }) {
		l.eraseSignpost(id, sign)
	}
}

func (l *loop) eraseSignpost(id ids.Endpoint, sign wire.Sign) {
	shard := l.options.Env.SignShard(sign)
	target := l.shell.loopOf(shard)
	switch {
	case !l.shell.Leads(shard):
		l.clearRemote(id, sign)
	case target == l:
		l.wipeSignpost(id, sign)
	default:
		l.hand(target, func() { target.wipeSignpost(id, sign) })
	}
}

// wipeSignpost runs on the loop of the sign, after the commit of the group that
// wanted it. So a set that is in flight now was wanted later, by another endpoint
// or by this one, and stays. If that set fails, the old signpost stays too.
func (l *loop) wipeSignpost(id ids.Endpoint, sign wire.Sign) {
	s := l.shards[l.options.Env.SignShard(sign)]
	if s == nil {
		return // lost on the way here
	}
	if _, found := s.posts[sign]; found {
		return
	}
	if named, found, err := l.readSignpost(s, sign); err != nil || !found || named != id {
		return
	}
	s.hints.forget(sign)
	p := l.proposal(s)
	p.batch.Delete(sign.Class, sign.Key())
	p.wiped = append(p.wiped, sign)
}

func (l *loop) readSignpost(s *shard, sign wire.Sign) (id ids.Endpoint, found bool, err error) {
	value, found, err := l.options.Env.State.Get(s.ID, sign.Class, sign.Key(), l.scratch[:0])
	if err != nil || !found {
		return 0, false, err
	}
	id, err = ids.ParseEndpoint(value)
	return id, err == nil, err
}

// signpost is the endpoint that the sign leads to, committed or about to be.
func (l *loop) signpost(s *shard, sign wire.Sign) (id ids.Endpoint, found bool, err error) {
	if e, found := s.posts[sign]; found {
		return e.id, true, nil
	}
	if id, found := s.hints.find(sign); found {
		return id, true, nil
	}
	id, found, err = l.readSignpost(s, sign)
	if found {
		s.hints.learn(hint{sign: sign, id: id})
	}
	return id, found, err
}
