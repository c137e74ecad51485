package exchange

import (
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// Values of Request.Observe.
const (
	NoObserve       = -1
	RegisterObserve = 0
	CancelObserve   = 1
)

// Request is what a device is asked. It is kept, and must not be changed, until
// its Result.
type Request struct {
	Method  coap.Code
	Path    string   // "3/0/0", "" for none; a leading slash is ignored
	Queries []string // one Uri-Query each
	Format  lwm2m.Format
	Accept  lwm2m.Format // Format and Accept: FormatNone leaves the option out
	Observe int          // NoObserve, RegisterObserve or CancelObserve
	Token   []byte       // at most 8 bytes
	// RestToken is the token under which the further blocks of an observed
	// representation are asked for, as Token belongs to the notifications from
	// then on (RFC 7959 section 3.4); nil: Token.
	RestToken []byte
	Payload   []byte // of any length: cut into blocks where it must be
	Options   []coap.Option

	// MessageID is that of the first datagram where UseMessageID is set: the
	// redelivery of a request that the device may have seen.
	MessageID    uint16
	UseMessageID bool
}

// message is the request without message ID, payload and block options.
func (r *Request) message(token []byte, observe bool) *coap.Message {
	m := &coap.Message{Type: coap.Confirmable, Code: r.Method, Token: token}
	m.AddPath(r.Path)
	for _, q := range r.Queries {
		m.AddString(coap.OptUriQuery, q)
	}
	if r.Accept != lwm2m.FormatNone {
		m.AddUint(coap.OptAccept, uint32(r.Accept))
	}
	if observe && r.Observe != NoObserve {
		m.AddUint(coap.OptObserve, uint32(r.Observe))
	}
	for _, o := range r.Options {
		m.Add(o.ID, o.Value)
	}
	return m
}

// setPayload adds the payload with its format. An empty payload with a format
// is a value of no length (Write), not the same as no payload.
func (r *Request) setPayload(m *coap.Message, payload []byte) {
	if r.Format != lwm2m.FormatNone {
		m.AddUint(coap.OptContentFormat, uint32(r.Format))
	}
	m.Payload = payload
}

// safe methods may be sent a second time without a second effect (RFC 7252
// section 5.1, RFC 8132 section 2).
func (r *Request) safe() bool { return r.Method == coap.GET || r.Method == coap.FETCH }
