package swarm

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/crowd"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// Mark is what an operation carries to its device, wherever it goes: its number
// between two words that no format changes.
func Mark(op uint32) string { return "op:" + strconv.FormatUint(uint64(op), 10) + ";" }

// marked finds the number; 0 for none.
func marked(payload []byte) uint32 {
	_, rest, found := bytes.Cut(payload, []byte("op:"))
	digits, _, closed := bytes.Cut(rest, []byte{';'})
	if !found || !closed {
		return 0
	}
	op, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(op)
}

// serve answers a request of the server, and executes it unless it was heard
// before.
func (s *Swarm) serve(now time.Time, from crowd.Server, i uint32) {
	d, m := &s.devices[i], &s.m
	if from == crowd.Stranger {
		s.counts.Elsewhere++
		return
	}
	op := marked(m.Payload)
	if answer, again := d.recall(now, m); again {
		if op != 0 {
			s.log.AddAt(now, history.Event{Kind: history.Recognised, Device: i, Op: op, Node: int16(int(from) % s.nodes)})
		}
		s.answer(from, i, answer)
		return
	}
	a := &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID, Token: bytes.Clone(m.Token)}
	if m.Type != coap.Confirmable {
		d.mid++
		a.Type, a.MessageID = coap.NonConfirmable, d.mid
	}
	a.Code = s.execute(d, a)
	if op != 0 && a.Code.IsSuccess() {
		s.log.AddAt(now, history.Event{Kind: history.Executed, Device: i, Op: op, Node: int16(int(from) % s.nodes), Text: fmt.Sprintf("message %d, token %x", m.MessageID, m.Token)})
	}
	answer, err := a.Append(nil)
	if err != nil {
		s.fail(fmt.Errorf("swarm: answering the server: %w", err))
		return
	}
	d.remember(now, m, answer)
	s.answer(from, i, answer)
}

// answer sends an answer to the server, or loses it: an operation is under way
// then for seconds, in which much can happen to the nodes.
func (s *Swarm) answer(to crowd.Server, i uint32, b []byte) {
	if s.options.Loss > 0 && s.random.Float64() < s.options.Loss {
		s.counts.Lost++
		return
	}
	s.send(to, i, b)
}

// execute does what is asked, and returns the code of the answer a.
func (s *Swarm) execute(d *device, a *coap.Message) coap.Code {
	m := &s.m
	value, observe := m.Observe()
	switch {
	case m.Code == coap.POST, m.Code == coap.PUT:
		return coap.Changed
	case m.Code == coap.GET && observe && value == 0 && m.Path() == Sensor.String()[1:]:
		d.token, d.format = string(m.Token), m.Accept()
		if d.format == lwm2m.FormatNone {
			d.format = lwm2m.FormatText
		}
		a.AddUint(coap.OptObserve, d.sequence)
		s.value(a, d.format, d.sequence)
		return coap.Content
	case m.Code == coap.GET:
		return coap.NotFound
	}
	return coap.MethodNotAllowed
}

// reply sends a message that nobody remembers.
func (s *Swarm) reply(to crowd.Server, i uint32, m *coap.Message) {
	b, err := m.Append(nil)
	if err != nil {
		s.fail(fmt.Errorf("swarm: answering the server: %w", err))
		return
	}
	s.send(to, i, b)
}

func (s *Swarm) send(to crowd.Server, i uint32, b []byte) {
	if to != crowd.Stranger {
		s.out = append(s.out, crowd.Datagram{From: s.source(i), To: to, Payload: b})
	}
}
