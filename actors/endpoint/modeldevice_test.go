package endpoint

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
)

// simulated is the device of the model test: it knows repetitions by their
// message IDs for 247 s, forgets them when it restarts, and counts how often it
// did what must be done once. Commands name what they do by a number, so that
// it needs no knowledge of operations:
//
//	execute /3/0/4 0='17'    create /16 {"id":17,…}    delete /16/17
type simulated struct {
	random *rand.Rand
	kind   bool // answers as it should, and what it says arrives
	hears  bool // its Register was answered: from then on it answers requests

	mid    uint16
	seen   map[uint16]answered
	body   []byte          // of the Block1 upload under way
	echoed map[string]bool // requests that were asked for an Echo
	did    map[string]int

	tokens   []coap.Message  // requests that made observations: token and Accept
	separate []*coap.Message // Confirmable responses that are not acknowledged
}

type answered struct {
	at     time.Time
	answer *coap.Message // nil: an empty ACK
}

func newSimulated(random *rand.Rand) *simulated {
	return &simulated{random: random, seen: map[uint16]answered{}, echoed: map[string]bool{}, did: map[string]int{}}
}

func (s *simulated) chance(percent int) bool { return s.random.IntN(100) < percent }

func (s *simulated) nextMID() uint16 { s.mid++; return s.mid }

// restart forgets all but what was done: that is history.
func (s *simulated) restart() {
	clear(s.seen)
	clear(s.echoed)
	s.body, s.separate, s.tokens, s.hears = nil, nil, nil, false
}

// take receives a datagram of the server and returns what it answers.
func (s *simulated) take(now time.Time, m *coap.Message) *coap.Message {
	if !m.Code.IsRequest() {
		s.hears = s.hears || m.Code == coap.Created
		s.settle(m)
		return nil
	}
	if !s.hears {
		return nil
	}
	if before, ok := s.seen[m.MessageID]; ok && now.Sub(before.at) < exchange.ExchangeLifetime {
		if before.answer == nil {
			return &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
		}
		return before.answer
	}
	a := s.answer(m)
	s.seen[m.MessageID] = answered{now, a}
	switch {
	case s.kind || s.chance(60):
		return a
	case s.chance(10):
		return &coap.Message{Type: coap.Reset, MessageID: m.MessageID}
	}
	return s.later(now, m, a)
}

// settle ends a separate response that was acknowledged or reset.
func (s *simulated) settle(m *coap.Message) {
	kept := s.separate[:0]
	for _, r := range s.separate {
		if m.Code != coap.Empty || r.MessageID != m.MessageID {
			kept = append(kept, r)
		}
	}
	s.separate = kept
}

// later answers by a message of its own, behind an empty ACK or without one.
func (s *simulated) later(now time.Time, m, a *coap.Message) *coap.Message {
	s.seen[m.MessageID] = answered{now, nil}
	r := a.Clone()
	r.Type, r.MessageID = coap.Confirmable, s.nextMID()
	if s.chance(30) {
		r.Type = coap.NonConfirmable
	}
	s.separate = append(s.separate, r)
	if s.chance(70) {
		return &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
	}
	return nil
}

// answer does what the request asks for and answers on the ACK.
func (s *simulated) answer(m *coap.Message) *coap.Message {
	a := &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID, Token: append([]byte(nil), m.Token...)}
	if b, ok, _ := m.Block(coap.OptBlock1); ok && !s.block(b, m, a) {
		return a
	}
	if s.refuses(m, a) {
		return a
	}
	body := m.Payload
	if s.body != nil {
		body, s.body = s.body, nil
	}
	switch m.Code {
	case coap.GET, coap.FETCH:
		s.read(m, a)
	case coap.PUT, coap.IPATCH:
		a.Code = coap.Changed
	case coap.DELETE:
		s.did["delete "+m.Path()]++
		a.Code = coap.Deleted
	case coap.POST:
		s.did[what(m.Path(), string(body))]++
		a.Code = coap.Changed
	}
	return a
}

// block takes a block of a payload; false: it is answered.
func (s *simulated) block(b coap.Block, m, a *coap.Message) (whole bool) {
	if b.Num == 0 {
		s.body = []byte{}
	}
	if s.body == nil || b.Offset() != len(s.body) {
		s.body, a.Code = nil, coap.RequestEntityIncomplete
		return false
	}
	s.body = append(s.body, m.Payload...)
	if b.More {
		a.Code = coap.Continue
	}
	a.AddBlock(coap.OptBlock1, b)
	return !b.More
}

// refuses answers with an error now and then, having done nothing.
func (s *simulated) refuses(m, a *coap.Message) bool {
	if s.kind || s.chance(75) {
		return false
	}
	s.body = nil
	codes := []coap.Code{coap.BadRequest, coap.NotFound, coap.MethodNotAllowed, coap.NotAcceptable,
		coap.UnsupportedContentFormat, coap.InternalServerError, coap.ServiceUnavailable, coap.Unauthorized}
	a.Code = codes[s.random.IntN(len(codes))]
	if _, again := m.Option(coap.OptEcho); a.Code == coap.Unauthorized && !again {
		a.Add(coap.OptEcho, []byte{1, 2})
	}
	return true
}

// read answers with a value, or with nothing for a composite.
func (s *simulated) read(m, a *coap.Message) {
	a.Code = coap.Content
	if v, ok := m.Observe(); ok && v == 0 && (s.kind || s.chance(90)) {
		a.AddUint(coap.OptObserve, uint32(s.mid))
		s.tokens = append(s.tokens, *m.Clone())
	}
	if m.Code == coap.FETCH {
		a.AddUint(coap.OptContentFormat, 110)
		a.Payload = []byte("[]")
		return
	}
	a.AddUint(coap.OptContentFormat, 110)
	a.Payload = s.value(m.Path())
	if !s.kind && s.chance(5) {
		a.Payload = a.Payload[:len(a.Payload)/2]
	}
}

// value is something that may be read below a path.
func (s *simulated) value(path string) []byte {
	if strings.HasSuffix(path, "/7") { // a resource with instances that come and go
		list := []byte{'['}
		for i := range 6 {
			if s.chance(50) {
				list = fmt.Appendf(list, `{"n":"/%s/%d","v":1},`, path, i)
			}
		}
		return append(bytes.TrimSuffix(list, []byte(",")), ']')
	}
	if strings.Count(path, "/") == 1 { // an instance
		path += "/9"
	}
	return fmt.Appendf(nil, `[{"n":"/%s","v":%d}]`, path, s.random.IntN(100))
}

// notify says something on an observation that it has, or had.
func (s *simulated) notify() *coap.Message {
	if len(s.tokens) == 0 {
		return nil
	}
	made := s.tokens[s.random.IntN(len(s.tokens))]
	n := &coap.Message{Type: coap.Confirmable, Code: coap.Content, MessageID: s.nextMID(), Token: made.Token}
	if s.chance(40) {
		n.Type = coap.NonConfirmable
	}
	if s.chance(95) {
		n.AddUint(coap.OptObserve, uint32(s.random.IntN(1<<10)))
	}
	n.AddUint(coap.OptContentFormat, 110)
	if n.Payload = []byte("[]"); made.Code == coap.GET {
		n.Payload = s.value(made.Path())
	}
	if s.chance(20) && len(n.Payload) >= 16 {
		n.Payload = n.Payload[:16]
		n.AddBlock(coap.OptBlock2, coap.Block{More: true})
	}
	if s.chance(4) {
		n.Code, n.Payload = coap.NotFound, nil
	}
	return n
}

var (
	inArguments = regexp.MustCompile(`0='(\d+)'`)
	inCreate    = regexp.MustCompile(`"n":"(\d+)/`)
)

// what names the deed of a POST by its number.
func what(path, body string) string {
	if m := inArguments.FindStringSubmatch(body); m != nil {
		return "execute " + m[1]
	}
	if m := inCreate.FindStringSubmatch(body); m != nil {
		return "create " + m[1]
	}
	return "update " + path
}
