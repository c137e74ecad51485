package endpoint

import (
	"time"
	"unicode/utf8"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// maxBody bounds what a device may send in blocks: object lists and Sends.
const maxBody = 1 << 20

// datagram sorts requests of the device from answers to ours.
func (e *Endpoint) datagram(now time.Time, d *Datagram, fx *Effects) {
	if d.Message.Code.IsRequest() {
		e.request(now, d, fx)
		return
	}
	e.response(now, d, fx)
}

// request answers a duplicate as before, and hands the rest to its handler.
func (e *Endpoint) request(now time.Time, d *Datagram, fx *Effects) {
	m := &d.Message
	if answer, dup := e.answers.Lookup(now, peerHash(d.Path.Peer), m.MessageID); dup {
		if len(answer) > 0 {
			fx.sendBytes(d.Path, answer)
		}
		fx.notice(Duplicate, e.name(), "")
		return
	}
	switch target(m) {
	case targetRegister:
		e.register(now, d, fx)
	case targetUpdate:
		e.update(now, d, fx)
	case targetDeregister:
		e.deregister(now, d, fx)
	case targetSend:
		e.send(now, d, fx)
	default:
		e.reply(now, d, exchange.Answer{Code: coap.NotFound}, fx)
	}
}

type targetKind uint8

const (
	targetNone targetKind = iota
	targetRegister
	targetUpdate
	targetDeregister
	targetSend
)

// target tells the interface operation by method and path.
func target(m *coap.Message) targetKind {
	first, second, more := m.Segments()
	switch {
	case more:
		return targetNone
	case string(first) == "dp" && len(second) == 0 && m.Code == coap.POST:
		return targetSend
	case string(first) != "rd":
		return targetNone
	case m.Code == coap.POST && len(second) == 0:
		return targetRegister
	case m.Code == coap.POST:
		return targetUpdate
	case m.Code == coap.DELETE && len(second) > 0:
		return targetDeregister
	}
	return targetNone
}

// reply answers a request and remembers the answer for its duplicates.
func (e *Endpoint) reply(now time.Time, d *Datagram, a exchange.Answer, fx *Effects) {
	m := &d.Message
	var answer []byte
	if r := exchange.Reply(m, a, &e.mids); r != nil { // nil: a NON that wants no response
		answer = append(answer, fx.send(d.Path, r)...)
	}
	e.answers.Remember(now, peerHash(d.Path.Peer), m.MessageID, m.Type == coap.Confirmable, answer)
	if e.known && e.at.Registered { // else a refusal, which may be made again
		e.saveContact = true
	}
}

// refuse answers with an error, its reason as the diagnostic payload
// (RFC 7252 section 5.5.2). Nothing is stored for strangers.
func (e *Endpoint) refuse(now time.Time, d *Datagram, code coap.Code, kind NoticeKind, reason string, fx *Effects) {
	e.reply(now, d, exchange.Answer{Code: code, Format: lwm2m.FormatNone, Payload: []byte(clip(reason, maxDiagnostic))}, fx)
	fx.notice(kind, e.name(), code.String()+" "+reason)
}

// maxDiagnostic keeps an error's text within a small datagram.
const maxDiagnostic = 200

// clip cuts s to at most n bytes, between runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
