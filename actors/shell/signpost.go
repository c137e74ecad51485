package shell

import (
	"net/netip"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// addressKey is a key of wire.ClassAddress.
type addressKey [18]byte

func keyOf(peer netip.AddrPort) addressKey {
	a, port := peer.Addr().As16(), peer.Port()
	k := addressKey{16: byte(port >> 8), 17: byte(port)}
	copy(k[:], a[:])
	return k
}

// posts are the signposts of a shard that are set and not committed yet.
type posts map[addressKey]post

type post struct {
	id    ids.Endpoint // the newest of them
	count int
}

func (p posts) set(key addressKey, id ids.Endpoint) {
	p[key] = post{id, p[key].count + 1}
}

func (p posts) done(key addressKey) {
	e := p[key]
	if e.count--; e.count <= 0 {
		delete(p, key)
		return
	}
	p[key] = e
}

// setSignpost lets the signpost of peer name the endpoint of g, in the shard of
// the address; g waits for that too. A signpost has no cell: the last set wins.
func (l *loop) setSignpost(g *group, peer netip.AddrPort) {
	if g.owner == nil {
		return // a turn has no endpoint that a signpost could name
	}
	g.pending++
	id, target := g.owner.id, l.shell.loopOf(l.options.Env.AddressShard(peer))
	if target == l {
		l.writeSignpost(g, id, peer)
		return
	}
	l.hand(target, func() { target.writeSignpost(g, id, peer) })
}

// writeSignpost runs on the loop of the address.
func (l *loop) writeSignpost(g *group, id ids.Endpoint, peer netip.AddrPort) {
	s, key := l.shard(l.options.Env.AddressShard(peer)), keyOf(peer)
	s.posts.set(key, id)
	p := l.proposal(s)
	p.batch.Put(wire.ClassAddress, key[:], id.Append(l.scratch[:0]))
	p.posts = append(p.posts, key)
	p.waiters = append(p.waiters, g)
}

// keepSignpost forgets that the groups in flight wanted the signpost of peer
// cleared: the endpoint is back at that address.
func (n *lane) keepSignpost(peer netip.AddrPort) {
	for g := n.head; g != nil; g = g.next {
		g.keepSignpost(peer)
	}
}

func (g *group) keepSignpost(peer netip.AddrPort) {
	for i := range g.fx.Signposts {
		if post := &g.fx.Signposts[i]; post.Clear && keyOf(post.Peer) == keyOf(peer) {
			post.Peer = netip.AddrPort{}
		}
	}
}

// clearSignpost removes the signpost of peer if it still names the endpoint.
// Nobody waits for it.
func (l *loop) clearSignpost(id ids.Endpoint, peer netip.AddrPort) {
	target := l.shell.loopOf(l.options.Env.AddressShard(peer))
	if target == l {
		l.wipeSignpost(id, peer)
		return
	}
	l.hand(target, func() { target.wipeSignpost(id, peer) })
}

// wipeSignpost runs on the loop of the address, after the commit of the group
// that wanted it. So a set that is in flight now was wanted later, by another
// endpoint or by this one, and stays. If that set fails, the old signpost
// stays too and leads to an endpoint that knows the peer for a stranger.
func (l *loop) wipeSignpost(id ids.Endpoint, peer netip.AddrPort) {
	s, key := l.shard(l.options.Env.AddressShard(peer)), keyOf(peer)
	if _, found := s.posts[key]; found {
		return
	}
	if named, found, err := l.readSignpost(s, &key); err != nil || !found || named != id {
		return
	}
	l.proposal(s).batch.Delete(wire.ClassAddress, key[:])
}

func (l *loop) readSignpost(s *shard, key *addressKey) (id ids.Endpoint, found bool, err error) {
	value, found, err := l.options.Env.State.Get(s.ID, wire.ClassAddress, key[:], l.scratch[:0])
	if err != nil || !found {
		return 0, false, err
	}
	id, err = ids.ParseEndpoint(value)
	return id, err == nil, err
}

// signpost is the endpoint that the address leads to, committed or about to be.
func (l *loop) signpost(s *shard, peer netip.AddrPort) (ids.Endpoint, bool, error) {
	key := keyOf(peer)
	if e, found := s.posts[key]; found {
		return e.id, true, nil
	}
	return l.readSignpost(s, &key)
}
