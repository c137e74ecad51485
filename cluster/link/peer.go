package link

import (
	"net/netip"
	"sync"

	"dormouse/codec/wire"
)

// Peer is another node, and where its Link is bound.
type Peer struct {
	Node wire.Node
	Addr netip.AddrPort
}

// peer is one life of another node. When the node starts again, or is a peer
// again after it was none, it is another peer.
type peer struct {
	node wire.Node

	tx struct {
		sync.Mutex
		addr    netip.AddrPort
		seal    direction
		counter uint64 // of the last frame
		gone    bool   // nothing is sealed any more
		queue   queue
	}

	rx struct {
		sync.Mutex
		open   []direction // in the order of the ring
		window window
		gone   bool // nothing is accepted any more
	}
}

// newPeer makes a peer whose counters go on behind those that were used, or
// accepted, by whoever was here before.
func newPeer(self wire.Node, to Peer, ring *Ring, sent, accepted uint64) *peer {
	p := &peer{node: to.Node}
	p.setAddr(to.Addr)
	p.tx.counter = sent
	if accepted > 0 {
		p.rx.window = closedUpTo(accepted)
	}
	p.setRing(self, ring)
	return p
}

// setRing derives the ciphers. The counters go on: a key may come back.
func (p *peer) setRing(self wire.Node, ring *Ring) {
	seal, open := ring.keys[0].direction(self, p.node), ring.directions(p.node, self)
	p.tx.Lock()
	p.tx.seal = seal
	p.tx.Unlock()
	p.rx.Lock()
	p.rx.open = open
	p.rx.Unlock()
}

// setAddr keeps a mapped IPv4 address as IPv4: a socket of IPv4 alone takes no other.
func (p *peer) setAddr(addr netip.AddrPort) {
	p.tx.Lock()
	p.tx.addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	p.tx.Unlock()
}

// add queues a datagram, or says why not. first: the sender does not know of it
// yet; full: a frame is.
func (p *peer) add(fwd *wire.Forward, o *Options) (why Drop, ok, first, full bool) {
	p.tx.Lock()
	defer p.tx.Unlock()
	q := &p.tx.queue
	if p.tx.gone {
		return DropPeerGone, false, false, false
	}
	if !q.add(fwd, o.FrameSize, o.QueueBytes) {
		return DropQueueFull, false, false, false
	}
	first = !q.listed
	q.listed = true
	return 0, true, first, len(q.ends) > 0
}

// take empties the queue for the sender, who gives the text back.
func (p *peer) take(ends []segment) ([]byte, []segment) {
	p.tx.Lock()
	defer p.tx.Unlock()
	return p.tx.queue.take(ends)
}

func (p *peer) giveBack(text []byte) {
	p.tx.Lock()
	defer p.tx.Unlock()
	p.tx.queue.giveBack(text)
}

// forget drops what waits and says how many datagrams that was.
func (p *peer) forget() int {
	p.tx.Lock()
	defer p.tx.Unlock()
	n := p.tx.queue.datagrams()
	p.tx.queue = queue{}
	return n
}

// next seals a frame and says where it goes; false when the peer has gone. From
// then on no counter is used, whatever the sender has in its hands.
func (p *peer) next(dst []byte, self wire.Node, text []byte, nonce *[nonceSize]byte) ([]byte, netip.AddrPort, bool) {
	p.tx.Lock()
	defer p.tx.Unlock()
	if p.tx.gone {
		return dst, netip.AddrPort{}, false
	}
	p.tx.counter++
	return p.tx.seal.seal(dst, self, p.tx.counter, text, nonce), p.tx.addr, true
}

// open appends the text of a frame that is accepted, once. drop says why it was not.
func (p *peer) open(dst []byte, h *header, frame []byte, nonce *[nonceSize]byte) (text []byte, drop Drop, ok bool) {
	p.rx.Lock()
	defer p.rx.Unlock()
	if p.rx.gone {
		return dst, DropUnknown, false
	}
	for i := range p.rx.open {
		d := &p.rx.open[i]
		if d.id != h.key {
			continue
		}
		if !p.rx.window.fresh(h.counter) {
			return dst, DropReplay, false
		}
		text, err := d.open(dst, h, frame, nonce)
		if err != nil {
			return dst, DropForged, false
		}
		p.rx.window.accept(h.counter)
		return text, 0, true
	}
	return dst, DropKey, false
}

// retire ends the peer and says which counters were used and accepted.
func (p *peer) retire() (sent, accepted uint64) {
	p.tx.Lock()
	p.tx.gone = true
	sent = p.tx.counter
	p.tx.Unlock()
	p.rx.Lock()
	p.rx.gone = true
	accepted = p.rx.window.edge
	p.rx.Unlock()
	return sent, accepted
}
