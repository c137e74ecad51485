package swarm

import (
	"encoding/binary"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/bench/wheel"
	"dormouse/codec/coap"
)

// Repetition of Confirmable messages (RFC 7252 section 4.8).
const (
	randomFactor  = 0.5 // of the timeout, on top
	maxRetransmit = 4
	separateAfter = 45 * time.Second // a response behind an empty ACK
)

// slot is an exchange, or room for one.
type slot struct {
	number   uint32
	device   uint32
	kind     kind
	busy     bool
	acked    bool
	node     int
	asked    uint64 // the nodes that were, a bit each
	repeats  int
	mid      uint16
	wait     time.Duration
	sent     time.Time // the last try
	silent   time.Time // the first try that a node that lived did not answer; zero: none
	datagram []byte
}

type exchanges struct {
	wheel *wheel.Wheel
	slots []slot
	spare []int32 // places in slots
	m     coap.Message
}

func newExchanges(w *wheel.Wheel) exchanges { return exchanges{wheel: w} }

// busy is how many exchanges and handshakes are under way.
func (s *Swarm) busy() int { return len(s.slots) - len(s.spare) + len(s.shaking) }

func (s *Swarm) room() bool { return len(s.spare) > 0 || len(s.slots) < maxSlots }

// ask begins an exchange. There must be room.
func (s *Swarm) ask(now time.Time, i uint32, k kind) {
	if len(s.spare) == 0 {
		s.spare = append(s.spare, int32(len(s.slots)))
		s.slots = append(s.slots, slot{})
	}
	at := s.spare[len(s.spare)-1]
	s.spare = s.spare[:len(s.spare)-1]
	x := &s.slots[at]
	*x = slot{number: x.number + 2, device: i, kind: k, busy: true, node: s.node(), datagram: x.datagram[:0]}
	d := &s.devices[i]
	d.mid++
	x.mid = d.mid
	d.slot = at
	var token [8]byte
	binary.BigEndian.PutUint32(token[:], uint32(at))
	binary.BigEndian.PutUint32(token[4:], x.number)
	m := s.message(i, k, token[:])
	m.MessageID = x.mid
	var err error
	if x.datagram, err = m.Append(x.datagram); err != nil {
		s.fail(err)
	}
	x.wait = s.options.AckTimeout + time.Duration(s.random.Float64()*randomFactor*float64(s.options.AckTimeout))
	s.try(now, at)
}

// try sends a datagram of an exchange.
func (s *Swarm) try(now time.Time, at int32) {
	x := &s.slots[at]
	x.sent = now
	x.asked |= 1 << x.node
	s.counts.Tries++
	s.out = append(s.out, crowd.Datagram{From: s.source(x.device), To: s.server(x.device, x.node), Payload: x.datagram})
	s.wheel.Add(now, x.wait, wheel.Alarm{Slot: at, Number: x.number})
}

// tick repeats what was not answered.
func (s *Swarm) tick(now time.Time) {
	s.wheel.Advance(now, func(a wheel.Alarm) {
		x := &s.slots[a.Slot]
		if !x.busy || x.number != a.Number {
			return
		}
		s.silence(now, x)
		if x.acked || x.repeats == maxRetransmit {
			s.giveUp(a.Slot)
			return
		}
		x.repeats++
		x.wait *= 2
		if x.repeats > 1 {
			x.node = s.node()
		}
		s.counts.Repeated++
		s.try(now, a.Slot)
	})
}

// silence notes a try that was in vain, if its node lived all the time.
func (s *Swarm) silence(now time.Time, x *slot) {
	since, alive := s.options.Nodes.Alive(x.node)
	if !alive || since.After(x.sent) {
		return
	}
	if x.silent.IsZero() {
		x.silent = x.sent
	}
	s.log.AddAt(now, history.Event{Kind: history.Silent, Device: x.device, Node: int16(x.node), Since: s.log.Since(x.sent), Text: x.kind.String()})
}

func (s *Swarm) giveUp(at int32) {
	x := &s.slots[at]
	if x.silent.IsZero() {
		s.counts.Hopeless++
	} else {
		s.log.Add(history.Event{Kind: history.Unanswered, Device: x.device, Node: int16(x.node), Since: s.log.Since(x.silent), Text: x.kind.String()})
	}
	s.end(at)
}

func (s *Swarm) end(at int32) {
	x := &s.slots[at]
	x.busy = false
	s.devices[x.device].slot = free
	s.spare = append(s.spare, at)
}

// received takes a message for a device.
func (s *Swarm) received(now time.Time, from crowd.Server, i uint32, payload []byte) {
	if coap.Parse(payload, &s.m) != nil {
		s.counts.Strays++
		return
	}
	m := &s.m
	switch {
	case m.Code == coap.Empty && m.Type == coap.Confirmable: // a ping
		s.reply(from, i, &coap.Message{Type: coap.Reset, MessageID: m.MessageID})
	case m.Code == coap.Empty:
		s.empty(now, from, i)
	case m.Code.IsRequest():
		s.serve(now, from, i)
	case m.Code.IsResponse():
		s.response(now, from, i)
	default:
		s.counts.Strays++
	}
}

// empty is an ACK or a Reset of what the device has under way.
func (s *Swarm) empty(now time.Time, from crowd.Server, i uint32) {
	at := s.devices[i].slot
	if at == free || s.slots[at].mid != s.m.MessageID || s.slots[at].acked || !s.fromAsked(at, from) {
		s.counts.Strays++
		return
	}
	x := &s.slots[at]
	switch {
	case s.m.Type == coap.Reset:
		s.refused(x, "RST")
		s.end(at)
	case x.kind == notify:
		s.succeeded(now, at)
	default:
		x.acked = true
		x.number++ // silences the alarm; see response
		s.wheel.Add(now, separateAfter, wheel.Alarm{Slot: at, Number: x.number})
	}
}

// fromAsked reports an answer from a node that was asked; others are counted.
func (s *Swarm) fromAsked(at int32, from crowd.Server) bool {
	if from != crowd.Stranger && s.slots[at].asked&(1<<(int(from)%s.nodes)) != 0 {
		return true
	}
	s.counts.Astray++
	return false
}

// response ends the exchange that its token names.
func (s *Swarm) response(now time.Time, from crowd.Server, i uint32) {
	if s.m.Type == coap.Confirmable {
		s.reply(from, i, &coap.Message{Type: coap.Acknowledgement, MessageID: s.m.MessageID})
	}
	at := s.devices[i].slot
	if at == free || len(s.m.Token) != 8 || binary.BigEndian.Uint32(s.m.Token) != uint32(at) {
		s.counts.Strays++ // a second answer, of a request that was repeated
		return
	}
	x := &s.slots[at]
	if number := binary.BigEndian.Uint32(s.m.Token[4:]); number != x.number&^1 {
		s.counts.Strays++
		return
	}
	if s.fromAsked(at, from) {
		s.answered(now, at)
	}
}

// answered takes an answer of the server. What is 5.xx is as good as none.
func (s *Swarm) answered(now time.Time, at int32) {
	x := &s.slots[at]
	d := &s.devices[x.device]
	code := s.m.Code
	switch {
	case code.Class() == 5:
		s.counts.Busy++
		s.silence(now, x)
		s.end(at)
		return
	case code == coap.NotFound && x.kind == update:
		s.log.Add(history.Event{Kind: history.Forgotten, Device: x.device, Node: int16(x.node)})
		d.location, d.token = nil, ""
		s.end(at)
		return
	case !code.IsSuccess():
		s.refused(x, code.String())
		s.end(at)
		return
	case x.kind == register:
		s.settled(x, d)
	case x.kind == update:
		d.moved = false
	}
	s.succeeded(now, at)
}

// settled takes the location of a registration.
func (s *Swarm) settled(x *slot, d *device) {
	d.location, d.moved = nil, false
	for _, o := range s.m.Options {
		if o.ID == coap.OptLocationPath {
			d.location = append(d.location, string(o.Value))
		}
	}
	if d.location == nil || len(s.m.LocationPath()) > maxLocation {
		s.refused(x, "a Location-Path that is empty or too long: "+s.m.LocationPath())
		d.location = nil
		return
	}
	s.log.Add(history.Event{Kind: history.Registered, Device: x.device, Node: int16(x.node)})
}

func (s *Swarm) succeeded(now time.Time, at int32) {
	x := &s.slots[at]
	s.counts.Exchanges++
	if !x.silent.IsZero() {
		s.log.AddAt(now, history.Event{Kind: history.Recovered, Device: x.device, Node: int16(x.node), Since: s.log.Since(x.silent)})
	}
	if d := &s.devices[x.device]; s.mode == rollCall && x.kind == update && !d.known {
		d.known = true
		s.log.AddAt(now, history.Event{Kind: history.Known, Device: x.device, Node: int16(x.node)})
	}
	s.end(at)
}

func (s *Swarm) refused(x *slot, what string) {
	s.log.Add(history.Event{Kind: history.Refused, Device: x.device, Node: int16(x.node), Text: x.kind.String() + ": " + what})
}

func (s *Swarm) fail(err error) {
	if s.fault == nil {
		s.fault = err
	}
}
