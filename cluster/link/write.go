package link

import "time"

// sender is what the writing goroutine keeps from one round to the next.
type sender struct {
	visits []*peer
	ends   []segment
	frame  []byte
	nonce  [nonceSize]byte
	last   time.Time // when frames left
}

// write seals and sends what waits, round by round, until the Link is closed.
// A socket that is full makes this goroutine wait, nobody else: the queues
// fill up, and Send drops.
func (l *Link) write() {
	s := &sender{}
	for {
		select {
		case <-l.ready.wake:
		case <-l.closed:
			return
		}
		l.linger(s.last)
		s.visits = l.ready.take(s.visits)
		for _, p := range s.visits {
			l.visit(s, p)
		}
		if l.o.Linger > 0 {
			s.last = time.Now()
		}
	}
}

// linger gives datagrams time to gather where frames have left just before.
func (l *Link) linger(last time.Time) {
	wait := l.o.Linger
	if wait > 0 {
		wait -= time.Since(last)
	}
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ready.enough:
	case <-l.closed:
	}
}

// visit sends the frames of one peer.
func (l *Link) visit(s *sender, p *peer) {
	var text []byte
	text, s.ends = p.take(s.ends)
	start := 0
	for _, seg := range s.ends {
		l.sendFrame(s, p, text[start:seg.end], seg.datagrams)
		start = seg.end
	}
	p.giveBack(text)
}

func (l *Link) sendFrame(s *sender, p *peer, text []byte, datagrams int) {
	frame, addr, ok := p.next(s.frame[:0], l.o.Self, text, &s.nonce)
	s.frame = frame
	switch {
	case !ok:
		l.count.drop(DropPeerGone, datagrams)
	case l.isClosed():
		l.count.drop(DropClosed, datagrams)
	default:
		if _, err := l.socket.WriteToUDPAddrPort(frame, addr); err != nil {
			l.count.drop(DropWrite, datagrams)
			return
		}
		l.count.tookFrame(datagrams, len(frame))
	}
}
