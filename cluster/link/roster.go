package link

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// roster is who the peers are, and what must not be forgotten of those that are
// none any more. It is guarded by its Link.
type roster struct {
	self wire.Node
	ring *Ring
	most int // peers, and past lives
	now  map[ids.Node]*peer

	// sent is the highest counter that any peer who left was sent. A new peer's
	// begin behind it, so that a life that returns sees no counter twice, and
	// nothing has to be kept of each.
	sent uint64

	// past are the newest lives of nodes that left, the oldest departure first.
	past []departed
}

// departed is a node that is no peer any more: its newest incarnation, and the
// highest counter accepted of it.
type departed struct {
	node     wire.Node
	accepted uint64
}

// set makes the list the peers: those it does not name leave, those it names
// with a newer incarnation begin anew. An older incarnation than one that was
// known is passed over: news may overtake one another. It returns the peers,
// and who left.
func (r *roster) set(list []Peer) (now map[ids.Node]*peer, left []*peer) {
	now = make(map[ids.Node]*peer, len(list))
	for _, to := range list {
		if to.Node.ID == r.self.ID || to.Node.ID == 0 || now[to.Node.ID] != nil || len(now) >= r.most {
			continue
		}
		p := r.now[to.Node.ID]
		switch {
		case p == nil:
			p = r.join(to)
		case p.node.Incarnation < to.Node.Incarnation:
			left = append(left, p)
			p = r.replace(p, to)
		case p.node.Incarnation == to.Node.Incarnation:
			p.setAddr(to.Addr)
		}
		if p != nil {
			now[to.Node.ID] = p
		}
	}
	for id, p := range r.now {
		if now[id] == nil {
			left = append(left, p)
			r.leave(p)
		}
	}
	r.now = now
	return now, left
}

// join makes a peer of a node that was none; nil for a life that is over.
func (r *roster) join(to Peer) *peer {
	accepted := uint64(0)
	for i, d := range r.past {
		if d.node.ID != to.Node.ID {
			continue
		}
		if to.Node.Incarnation < d.node.Incarnation {
			return nil
		}
		if to.Node.Incarnation == d.node.Incarnation {
			accepted = d.accepted
		}
		r.past = append(r.past[:i], r.past[i+1:]...)
		break
	}
	return newPeer(r.self, to, r.ring, r.sent, accepted)
}

// replace ends one life of a node for the next.
func (r *roster) replace(p *peer, to Peer) *peer {
	sent, _ := p.retire()
	r.sent = max(r.sent, sent)
	return newPeer(r.self, to, r.ring, r.sent, 0)
}

func (r *roster) leave(p *peer) {
	sent, accepted := p.retire()
	r.sent = max(r.sent, sent)
	if len(r.past) >= r.most {
		r.past = append(r.past[:0], r.past[1:]...)
	}
	r.past = append(r.past, departed{p.node, accepted})
}

// setRing gives all peers the ciphers of another ring.
func (r *roster) setRing(ring *Ring) {
	r.ring = ring
	for _, p := range r.now {
		p.setRing(r.self, ring)
	}
}
