package swarm

import (
	"bytes"
	"fmt"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
)

// mostAwake is how many links keep their ciphers between two records, 2 kB each.
const mostAwake = 4096

// flush sends what is due, sealed where the device has a session.
func (s *Swarm) flush() error {
	s.arena = s.arena[:0]
	list := s.out[:0]
	for _, d := range s.out {
		i, _ := s.at(d.From)
		if s.options.secured(i) {
			if !s.session(i) {
				continue
			}
			l := s.devices[i].link
			s.wake(i, l)
			start := len(s.arena)
			s.arena = l.Seal(s.arena, d.Payload)
			d.Payload = s.arena[start:]
		}
		list = append(list, d)
	}
	err := s.socket.Send(list)
	clear(s.out)
	s.out = s.out[:0]
	if err != nil {
		return fmt.Errorf("swarm: %w", err)
	}
	return nil
}

// take takes a datagram.
func (s *Swarm) take(from crowd.Server, to crowd.Source, payload []byte) {
	i, here := s.at(to)
	if !here || from == crowd.Stranger || (int(from) >= s.nodes) != s.options.secured(i) {
		s.counts.Elsewhere++
		return
	}
	now := time.Now()
	d := &s.devices[i]
	switch {
	case !s.options.secured(i):
		s.received(now, from, i, payload)
	case d.shaking != nil:
		select {
		case d.shaking <- bytes.Clone(payload):
		default: // lost, and repeated
		}
	case d.link != nil:
		s.open(now, from, i, payload)
	default:
		s.counts.Strays++
	}
}

// open takes the messages of a datagram with records.
func (s *Swarm) open(now time.Time, from crowd.Server, i uint32, payload []byte) {
	l := s.devices[i].link
	s.wake(i, l)
	reused := l.ReusedNonces()
	messages, err := l.Open(payload)
	if err != nil {
		s.counts.Undecrypted++
	}
	for range l.ReusedNonces() - reused {
		s.log.AddAt(now, history.Event{Kind: history.NonceReused, Device: i, Node: int16(int(from) % s.nodes)})
	}
	for _, m := range messages {
		s.received(now, from, i, m)
	}
}

// wake sees to it that no more than mostAwake links keep what they can make
// again: the oldest gives it up.
func (s *Swarm) wake(i uint32, l *secure.Link) {
	if l.Awake() {
		return
	}
	if len(s.awake) < mostAwake {
		s.awake = append(s.awake, i)
		return
	}
	if oldest := s.devices[s.awake[s.old]].link; oldest != nil {
		oldest.Sleep()
	}
	s.awake[s.old] = i
	s.old = (s.old + 1) % mostAwake
}
