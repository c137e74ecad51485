package endpoint

import (
	"time"
	"unicode/utf8"

	"dormouse/actors/intake"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// maxBody bounds what a device may send in blocks: object lists and Sends.
const maxBody = 1 << 20

// datagram opens what is sealed. What is not is refused where the endpoint has
// credentials: whoever knows its name could else take its place. It reports that
// something was taken for the device's.
func (e *Endpoint) datagram(now time.Time, d *Datagram, fx *Effects) bool {
	switch {
	case d.Sealed:
		return e.records(now, d, fx)
	case e.at.Secured:
		e.unprotected(d, fx)
		return false
	}
	e.message(now, d, fx)
	return true
}

// message sorts requests of the device from answers to ours.
func (e *Endpoint) message(now time.Time, d *Datagram, fx *Effects) {
	target, fault := intake.Sort(&d.Message)
	switch target {
	case intake.Nothing:
		e.faulty(d, fault, fx)
	case intake.Response, intake.Empty:
		e.response(now, d, fx)
	default:
		e.request(now, d, target, fx)
	}
}

// faulty refuses a message that is for nothing.
func (e *Endpoint) faulty(d *Datagram, fault intake.Fault, fx *Effects) {
	var reply coap.Message
	if intake.Refuse(&d.Message, fault, &reply) {
		e.transmit(d.Path, &reply, fx)
	}
}

// request answers a duplicate as before, and hands the rest to its handler.
func (e *Endpoint) request(now time.Time, d *Datagram, target intake.Target, fx *Effects) {
	m := &d.Message
	if answer, dup := e.answers.Lookup(now, e.peer(d), m.MessageID); dup {
		if len(answer) > 0 {
			e.transmitBytes(d.Path, answer, fx)
			if target == intake.Register || target == intake.Update { // others come by it
				e.signpostAgain(d, fx)
			}
		}
		fx.notice(Duplicate, e.name(), "")
		return
	}
	switch target {
	case intake.Register:
		e.register(now, d, fx)
	case intake.Update:
		e.update(now, d, fx)
	case intake.Deregister:
		e.deregister(now, d, fx)
	case intake.Send:
		e.send(now, d, fx)
	}
}

// peer tells the senders of duplicates apart: by the address over plain CoAP.
// A session is one peer wherever it sends from, and a new one forgets all answers.
func (e *Endpoint) peer(d *Datagram) uint32 {
	if d.Sealed {
		return 0
	}
	return peerHash(d.Path.Peer)
}

// reply answers a request and remembers the answer for its duplicates.
func (e *Endpoint) reply(now time.Time, d *Datagram, a exchange.Answer, fx *Effects) {
	m := &d.Message
	var answer []byte
	if r := exchange.Reply(m, a, &e.mids); r != nil { // nil: a NON that wants no response
		answer = append(answer, e.transmit(d.Path, r, fx)...)
	}
	e.answers.Remember(now, e.peer(d), m.MessageID, m.Type == coap.Confirmable, answer)
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
