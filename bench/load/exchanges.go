package load

import (
	"fmt"
	"math/rand/v2"
	"time"

	"dormouse/bench/crowd"
	"dormouse/bench/wheel"
	"dormouse/codec/coap"
)

// Repetition of Confirmable messages (RFC 7252 section 4.8).
const (
	ackTimeout      = 2 * time.Second
	ackRandomFactor = 1.5
	maxRetransmit   = 4
	responseTimeout = 93 * time.Second // for a response after an empty ACK
)

// slot is one exchange, or room for one.
type slot struct {
	number   uint32 // of the exchange: alarms and answers of earlier ones are told by it
	device   uint32
	busy     bool
	acked    bool         // the response comes separately
	server   crowd.Server // that it is sent to, by the first two tries at least
	due      time.Time    // what the latency counts from
	wait     time.Duration
	repeats  uint8
	mid      uint16
	datagram []byte // as sent, for repetitions; its memory is used again
}

// datagram is what is to be sent. The payload stays as it is until the next
// exchange begins.
type datagram = crowd.Datagram

// exchanges are the requests and notifications under way, a state machine: it
// is given datagrams and the time, and leaves in out what is to be sent.
type exchanges struct {
	kind   Kind
	run    uint16 // is in all tokens
	fleet  *fleet
	writer *writer
	tally  *tally
	random *rand.Rand

	slots []slot
	free  []int32
	wheel *wheel.Wheel
	out   []datagram
	m     coap.Message
	from  crowd.Server // of the message that is being taken
	route *route

	// failed is told of a device whose exchange did not succeed: what it was
	// answered, 0 for not at all.
	failed func(device uint32, code coap.Code)
	fault  error // the first fault of ours, or of a server that cannot be gone on with
}

// newExchanges are none yet, and n at most.
func newExchanges(now time.Time, kind Kind, n int, f *fleet, w *writer, t *tally) *exchanges {
	e := &exchanges{
		kind: kind, fleet: f, writer: w, tally: t, wheel: wheel.New(now),
		random: rand.New(rand.NewPCG(w.options.Seed, 2)),
		slots:  make([]slot, n), free: make([]int32, 0, n),
		failed: func(uint32, coap.Code) {},
		route:  newRoute(w.options),
	}
	for i := n - 1; i >= 0; i-- {
		e.free = append(e.free, int32(i))
	}
	return e
}

// room says that another exchange may begin.
func (e *exchanges) room() bool { return len(e.free) > 0 }

// inFlight is how many are under way.
func (e *exchanges) inFlight() int { return len(e.slots) - len(e.free) }

// busy says that a device has an exchange.
func (e *exchanges) busy(device uint32) bool { return e.fleet.devices[device].slot != free }

// begin starts an exchange of a device that has none. There must be room.
func (e *exchanges) begin(now, due time.Time, device uint32) {
	i := e.free[len(e.free)-1]
	e.free = e.free[:len(e.free)-1]
	s := &e.slots[i]
	*s = slot{number: s.number + 1, device: device, busy: true, due: due, datagram: s.datagram[:0]}
	var token [tokenSize]byte
	putToken(&token, e.run, i, s.number)
	var err error
	if s.datagram, s.mid, err = e.writer.append(s.datagram, e.kind, device, token[:]); err != nil {
		e.fail(err)
	}
	e.fleet.devices[device].slot = i
	s.wait = time.Duration(float64(ackTimeout) * (1 + e.random.Float64()*(ackRandomFactor-1)))
	e.wheel.Add(now, s.wait, wheel.Alarm{Slot: i, Number: s.number})
	s.server = e.route.first(device)
	e.out = append(e.out, datagram{From: e.fleet.source(device), To: s.server, Payload: s.datagram})
	e.tally.begun++
}

// tick repeats what was not acknowledged, and gives up after the last time.
func (e *exchanges) tick(now time.Time) {
	e.wheel.Advance(now, func(a wheel.Alarm) {
		s := &e.slots[a.Slot]
		switch {
		case !s.busy || s.number != a.Number:
		case s.acked || s.repeats == maxRetransmit:
			e.tally.unanswered++
			e.end(a.Slot, 0)
		default:
			s.repeats++
			s.wait *= 2
			e.wheel.Add(now, s.wait, a)
			e.tally.repeated++
			s.server = e.route.again(s.device, s.server, s.repeats)
			e.out = append(e.out, datagram{From: e.fleet.source(s.device), To: s.server, Payload: s.datagram})
		}
	})
}

// receive takes what came for an address, from the server that from names.
func (e *exchanges) receive(now time.Time, to source, payload []byte) {
	if err := coap.Parse(payload, &e.m); err != nil {
		e.tally.strays++
		return
	}
	m := &e.m
	switch {
	case m.Code == coap.Empty:
		e.empty(now, to)
	case m.Code.IsResponse():
		e.response(now, to)
	case m.Code.IsRequest() && m.Type != coap.Acknowledgement:
		e.request(to)
	default:
		e.tally.strays++
	}
}

// empty is an ACK or a Reset, which carries no token: the address says whose.
func (e *exchanges) empty(now time.Time, to source) {
	device, ok := e.fleet.alone(to)
	if !ok || !e.busy(device) {
		e.tally.strays++
		return
	}
	i := e.fleet.devices[device].slot
	s := &e.slots[i]
	switch {
	case s.mid != e.m.MessageID || s.acked:
		e.tally.strays++
	case e.m.Type == coap.Reset:
		e.answered(now, i, coap.Empty)
	case e.m.Type == coap.Acknowledgement && e.kind == Notify:
		e.answered(now, i, coap.Valid) // no code is sent; this one says that all is well
	case e.m.Type == coap.Acknowledgement:
		s.acked = true
		s.number++ // silences the alarm; the token is compared without it, see response
		e.wheel.Add(now, min(responseTimeout, wheel.Span), wheel.Alarm{Slot: i, Number: s.number})
	}
}

// response ends the exchange that its token names.
func (e *exchanges) response(now time.Time, to source) {
	if e.m.Type == coap.Confirmable {
		e.reply(to, &coap.Message{Type: coap.Acknowledgement, MessageID: e.m.MessageID})
	}
	run, i, number, ok := parseToken(e.m.Token)
	if !ok || run != e.run || int(i) >= len(e.slots) {
		e.tally.strays++
		return
	}
	s := &e.slots[i]
	if s.acked {
		number++
	}
	if !s.busy || s.number != number {
		e.tally.strays++ // a second answer, of a request that was repeated
		return
	}
	e.answered(now, i, e.m.Code)
}

// answered ends an exchange well or not.
func (e *exchanges) answered(now time.Time, i int32, code coap.Code) {
	s := &e.slots[i]
	e.tally.answered(code, now.Sub(s.due))
	if e.kind == Register && code == coap.Created {
		if err := e.fleet.devices[s.device].settle(&e.m); err != nil {
			e.fail(err)
		}
	}
	e.end(i, code)
}

func (e *exchanges) end(i int32, code coap.Code) {
	s := &e.slots[i]
	s.busy = false
	e.fleet.devices[s.device].slot = free
	e.free = append(e.free, i)
	if !code.IsSuccess() {
		e.failed(s.device, code)
	}
}

func (e *exchanges) fail(err error) {
	if e.fault == nil {
		e.fault = err
	}
}

// reply queues a message that no exchange remembers.
func (e *exchanges) reply(to source, m *coap.Message) {
	payload, err := m.Append(nil)
	if err != nil {
		e.fail(fmt.Errorf("load: answering the server: %w", err))
		return
	}
	e.out = append(e.out, datagram{From: to, To: e.from, Payload: payload})
}
