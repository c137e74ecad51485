package endpoint

import (
	"fmt"
	"time"

	"dormouse/actors/intake"
	"dormouse/actors/session"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// secure is what an endpoint that is awake holds of its DTLS session.
type secure struct {
	session *session.Session // nil: not read yet, or none

	// Since the peer is Unproven at its path: bytes of datagrams. A node that was
	// restarted does not know, and begins at none.
	heard, sent int
	withheld    bool   // the request under way is too long for what was heard
	ping        uint16 // message ID of the newest probe
	pinging     bool
}

// keep puts the session's state into the contact, which is written then.
func (s *secure) keep(c *Contact, save *bool) {
	if s.session == nil || c.Session == nil || !s.session.Dirty() {
		return
	}
	c.Session = s.session.AppendState(nil)
	*save = true
}

// live is the session, nil for none.
func (e *Endpoint) live() *session.Session {
	s, err := e.readable()
	if err != nil {
		panic(fmt.Sprintf("endpoint %016x: read session: %v", uint64(e.id), err))
	}
	return s
}

// readable is live, for those who can go on without.
func (e *Endpoint) readable() (s *session.Session, err error) {
	if e.secure.session == nil && e.at.Session != nil {
		e.secure.session, err = e.readSession()
	}
	return e.secure.session, err
}

// readSession builds the session from its secret and its state. Where it cannot
// be read the endpoint cannot go on, as in reg: a handshake replaces it.
func (e *Endpoint) readSession() (*session.Session, error) {
	env := e.shard.Env
	secret, err := env.Seal.Open(nil, e.at.Secret, SealPlace(wire.ClassContact, wire.EndpointKey(e.id)))
	if err != nil {
		return nil, err
	}
	s, err := session.ParseSecret(secret)
	if err == nil {
		err = s.ParseState(e.at.Session)
	}
	if err != nil {
		return nil, err
	}
	s.Audit = env.Audit
	return s, nil
}

// records opens a datagram of the session. Each record that is accepted is
// committed as such with this event, before anything that it leads to leaves.
func (e *Endpoint) records(now time.Time, d *Datagram, fx *Effects) (accepted bool) {
	s := e.live()
	if s == nil {
		fx.notice(RecordRefused, e.name(), "no session")
		return false
	}
	contents, err := s.Open(d.Buffer)
	if err != nil {
		fx.notice(RecordRefused, e.name(), err.Error())
	}
	if len(contents) == 0 {
		return s.Dirty() // a record of the peer's that means nothing
	}
	proven := e.heardFrom(d, contents, fx)
	for i := range contents {
		e.content(now, d, &contents[i], fx)
	}
	if s.Ended() {
		e.endSession(now, "by its peer", fx)
	} else if proven {
		e.resend(fx)
	}
	return true
}

// content handles one record. A handshake message is the client's Finished again,
// which node/dtlsfront answers as long as that is of use.
func (e *Endpoint) content(now time.Time, d *Datagram, c *session.Content, fx *Effects) {
	if c.Type != dtlsrec.TypeApplicationData {
		return
	}
	d.Path = e.at.Path // also of a record that was overtaken on its way
	err := coap.Parse(c.Payload, &d.Message)
	switch {
	case err == nil:
		e.message(now, d, fx)
	case d.Message.Type == coap.Confirmable && len(c.Payload) >= 4 && c.Payload[0]>>6 == 1:
		e.faulty(d, intake.Malformed, fx)
	}
}

// transmit encodes a message and sends it, sealed where the endpoint has
// credentials. It returns the message, valid until the next one.
func (e *Endpoint) transmit(path wire.ReturnPath, m *coap.Message, fx *Effects) []byte {
	if !e.at.Secured {
		return fx.send(path, m)
	}
	plain, err := m.Append(e.shard.plain[:0])
	if err != nil {
		panic("endpoint: " + err.Error()) // our own message: tokens and options are bounded
	}
	e.shard.plain = plain
	e.transmitBytes(path, plain, fx)
	return plain
}

// transmitBytes sends an encoded message. Without a session nothing is sent.
func (e *Endpoint) transmitBytes(path wire.ReturnPath, message []byte, fx *Effects) {
	if !e.at.Secured {
		fx.sendBytes(path, message)
		return
	}
	if s := e.live(); s != nil {
		e.secure.sent += fx.sendSealed(path, s, message)
	}
}

// unprotected refuses a message of plain CoAP. Nothing is kept of it.
func (e *Endpoint) unprotected(d *Datagram, fx *Effects) {
	fx.notice(PlainRefused, e.name(), d.Path.Peer.String())
	if d.Message.Code.IsRequest() {
		var reply coap.Message
		intake.Answer(&d.Message, coap.Forbidden, &reply)
		fx.send(d.Path, &reply)
	}
}
