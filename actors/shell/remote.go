package shell

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// A device that goes from address A to B and back sets, clears and sets the
// signpost of A. Where that lies on another node, a clear that is overtaken by
// the set behind it would find the endpoint named, and take the signpost away. So
// while a clear of a sign is with another node, whatever the loop wants of that
// sign waits for the answer (loop.clears); an endpoint has one loop, so its own
// wishes never meet.
//
// What remains: a clear that RemoteSign gave up, which arrives all the same after
// a later set was committed. Then a device whose datagrams carry no key (no
// Connection ID, no location) is a stranger until its next Register or handshake.

// maxClears bounds the signs whose clear is with another node. Beyond it signposts
// stay.
const maxClears = 4096

// behindClear lets f wait if a clear of the sign is under way. Those who wait are
// groups in flight and what such wanted cleared: they are bounded like these.
func (l *loop) behindClear(sign wire.Sign, f func()) bool {
	waiting, found := l.clears[sign]
	if found {
		l.clears[sign] = append(waiting, f)
	}
	return found
}

// setRemote asks the node that leads the shard of the sign; g waits.
func (l *loop) setRemote(g *group, sign wire.Sign) {
	l.options.RemoteSign(l.options.Env.SignShard(sign), sign, g.owner.id, false, func(err error) {
		l.inbox.post(func() { l.settled(g, err) })
	})
}

func (l *loop) clearRemote(id ids.Endpoint, sign wire.Sign) {
	if len(l.clears) >= maxClears {
		return
	}
	l.clears[sign] = nil
	l.options.RemoteSign(l.options.Env.SignShard(sign), sign, id, true, func(error) {
		l.inbox.post(func() { l.cleared(sign) })
	})
}

// cleared goes on with what waited, up to the next clear.
func (l *loop) cleared(sign wire.Sign) {
	waiting := l.clears[sign]
	delete(l.clears, sign)
	for _, f := range waiting {
		if !l.behindClear(sign, f) {
			f()
		}
	}
}

// SetSign lets a sign lead to an endpoint, for another node (its RemoteSign). It
// returns endpoint.ErrElsewhere where the shard of the sign is not led here, and
// the errors of Post; else done is called once on a loop: with nil when the signpost
// is committed, with endpoint.ErrElsewhere when the shard is lost before. It must
// not block.
func (s *Shell) SetSign(sign wire.Sign, id ids.Endpoint, done func(error)) error {
	return s.send(s.options.Env.SignShard(sign), &errand{func(l *loop, to *shard) {
		g := l.newGroup(to, nil)
		g.fx.Replies = append(g.fx.Replies, done)
		g.pending++
		l.writeSignpost(g, id, sign)
		l.commit(g)
	}, done})
}

// ClearSign removes the signpost if it leads to the endpoint, for another node.
// It returns the errors of SetSign; nobody is told of the end.
func (s *Shell) ClearSign(sign wire.Sign, id ids.Endpoint) error {
	return s.send(s.options.Env.SignShard(sign), &errand{func(l *loop, _ *shard) { l.wipeSignpost(id, sign) }, nil})
}
