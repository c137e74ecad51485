package swarm

import (
	"time"

	"dormouse/bench/crowd"
	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// maxLocation is the longest Location-Path that clients keep.
const maxLocation = 40

// device is what is kept of each.
type device struct {
	location   []string // segments; nil: not registered
	token      string   // of the observation; "": none
	format     lwm2m.Format
	sequence   uint32 // of the last notification
	generation uint32 // of its address
	mid        uint16
	slot       int32 // of its exchange, free where it has none
	moved      bool  // since the server last heard who it is: plain devices alone
	known      bool  // answered the roll call

	link    *secure.Link // nil: no session, or no DTLS
	shaking chan []byte  // datagrams of the handshake under way
	heard   []heard      // oldest first
}

const free int32 = -1

// heard is a request of the server, which is answered and not executed when it
// comes again.
type heard struct {
	at      time.Time
	mid     uint16
	token   string
	payload string
	answer  []byte
}

// maxHeard bounds what a device remembers. Beyond it the oldest goes: the run is
// to have fewer operations of one device within 247 s.
const maxHeard = 512

// recall finds the answer to a request that was heard before.
func (d *device) recall(now time.Time, m *coap.Message) (answer []byte, ok bool) {
	for i := range d.heard {
		h := &d.heard[i]
		if h.mid == m.MessageID && h.token == string(m.Token) && h.payload == string(m.Payload) && now.Sub(h.at) < exchange.ExchangeLifetime {
			return h.answer, true
		}
	}
	return nil, false
}

func (d *device) remember(now time.Time, m *coap.Message, answer []byte) {
	old := 0
	for old < len(d.heard) && (now.Sub(d.heard[old].at) >= exchange.ExchangeLifetime || len(d.heard)-old >= maxHeard) {
		old++
	}
	d.heard = append(d.heard[:0], d.heard[old:]...)
	d.heard = append(d.heard, heard{now, m.MessageID, string(m.Token), string(m.Payload), answer})
}

// firstSource is the address of device 0 before it moves: 127.1.0.1.
const firstSource crowd.Source = 127<<24 | 1<<16 | 1

// addresses is how many devices find room in 127.1.0.1 to 127.255.255.254.
const addresses = 255<<16 - 2

// source is where a device is now.
func (s *Swarm) source(i uint32) crowd.Source {
	return firstSource + crowd.Source(s.devices[i].generation)*crowd.Source(len(s.devices)) + crowd.Source(i)
}

// at finds the device that is at an address now.
func (s *Swarm) at(to crowd.Source) (i uint32, ok bool) {
	if to < firstSource {
		return 0, false
	}
	i = uint32(to-firstSource) % uint32(len(s.devices))
	return i, s.source(i) == to
}

// move gives a device another address, of as many as there is room for, in turn.
func (s *Swarm) move(i uint32) {
	d := &s.devices[i]
	d.generation = (d.generation + 1) % uint32(addresses/len(s.devices))
	d.moved = d.link == nil
	s.counts.Moves++
}

// ready reports a device that has all it needs to go on.
func (s *Swarm) ready(i uint32) bool { return s.devices[i].location != nil && s.session(i) }

// session reports a device that can speak.
func (s *Swarm) session(i uint32) bool {
	if !s.options.secured(i) {
		return true
	}
	l := s.devices[i].link
	if l == nil {
		return false
	}
	_, ended := l.Ended()
	return !ended
}
