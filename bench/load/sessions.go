package load

import (
	"dormouse/bench/device/secure"
)

// sessions lie between exchanges and the socket: what goes out is sealed, and
// what comes in opened. A device whose session ends says nothing more until the
// next handshake: whoever counts handshakes makes them.
type sessions struct {
	fleet  *fleet
	every  int            // RebindEvery
	links  []*secure.Link // by device; nil: none yet
	sent   []uint16       // by device: datagrams since it came to its address
	counts Sessions

	out   []datagram // of the last seal
	arena []byte     // its payloads
	awake []uint32   // a ring of devices, once it has mostAwake
	next  int        // the oldest in awake
}

func newSessions(f *fleet, o *Security) *sessions {
	return &sessions{
		fleet: f, every: o.RebindEvery,
		links: make([]*secure.Link, len(f.devices)), sent: make([]uint16, len(f.devices)),
	}
}

// seal makes records of messages, valid until the next call. What has been sent
// before is sealed anew, under the next number.
func (s *sessions) seal(list []datagram) []datagram {
	s.out, s.arena = s.out[:0], s.arena[:0]
	for _, d := range list {
		device, ok := s.fleet.owner(d.From) // it may have moved since it said so
		l := s.link(device, ok)
		if l == nil {
			s.counts.Unsent++
			continue
		}
		s.move(device, l)
		s.wake(device, l)
		at := len(s.arena)
		s.arena = l.Seal(s.arena, d.Payload)
		s.out = append(s.out, datagram{From: s.fleet.source(device), To: d.To, Payload: s.arena[at:]})
	}
	return s.out
}

// link is that of a device which can speak.
func (s *sessions) link(device uint32, ok bool) *secure.Link {
	if !ok || s.links[device] == nil {
		return nil
	}
	if _, ended := s.links[device].Ended(); ended {
		return nil
	}
	return s.links[device]
}

// move has a device change its address before a datagram, where it is time.
func (s *sessions) move(device uint32, l *secure.Link) {
	if s.every == 0 || len(l.CID()) == 0 {
		return
	}
	if int(s.sent[device]) >= s.every {
		s.fleet.move(device)
		s.sent[device] = 0
		s.counts.Rebinds++
	}
	s.sent[device]++
}

// open gives the messages of a datagram to take. It is false for one that is
// nobody's.
func (s *sessions) open(to source, payload []byte, take func(message []byte)) bool {
	device, ok := s.fleet.alone(to)
	l := s.link(device, ok)
	if l == nil {
		return false
	}
	s.wake(device, l)
	reused, stale := l.ReusedNonces(), l.Stale()
	messages, err := l.Open(payload)
	s.counts.ReusedNonces += uint64(l.ReusedNonces() - reused)
	s.counts.Stale += uint64(l.Stale() - stale)
	if err != nil {
		s.counts.Dropped++
	}
	if _, ended := l.Ended(); ended {
		s.counts.Ended++
	}
	for _, m := range messages {
		take(m)
	}
	return true
}

// wake sees to it that no more than mostAwake links keep what they can make
// again.
func (s *sessions) wake(device uint32, l *secure.Link) {
	if l.Awake() {
		return
	}
	if len(s.awake) < mostAwake {
		s.awake = append(s.awake, device)
		return
	}
	if oldest := s.links[s.awake[s.next]]; oldest != nil {
		oldest.Sleep()
	}
	s.awake[s.next] = device
	s.next = (s.next + 1) % mostAwake
}

// settle keeps the session of a handshake.
func (s *sessions) settle(device uint32, l *secure.Link) {
	l.Sleep() // it may be long until it is used
	s.links[device] = l
	s.sent[device] = 0
	s.counts.Handshakes++
	s.counts.ReusedNonces += uint64(l.ReusedNonces())
	s.counts.Stale += uint64(l.Stale())
}

// Session is that of device i, nil before its handshake: for those who look at
// it, or use it from another socket, while the Generator does nothing.
func (g *Generator) Session(i int) *secure.Link {
	if g.sessions == nil {
		return nil
	}
	return g.sessions.links[i]
}

// Sessions counts since Open.
func (g *Generator) Sessions() Sessions {
	if g.sessions == nil {
		return Sessions{}
	}
	return g.sessions.counts
}
