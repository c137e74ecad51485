package endpoint

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// send handles POST /dp, the Send operation (OMA Core 6.4.4): from the
// registered client at its address, of registered objects, as a SenML pack or
// LwM2M CBOR. A full disk refuses it before it is taken.
func (e *Endpoint) send(now time.Time, d *Datagram, fx *Effects) {
	if !e.known || !e.at.Registered || d.Path.Peer != e.at.Path.Peer {
		e.refuse(now, d, coap.NotFound, SendRefused, "not registered", fx)
		return
	}
	body, done := e.uploaded(now, d, fx)
	if !done {
		return
	}
	nodes, code, reason := e.pushed(d.Message.ContentFormat(), body)
	if reason != "" {
		e.refuse(now, d, code, SendRefused, reason, fx)
		return
	}
	e.contacted(now)
	e.store(now, nodes, fx)
	e.reply(now, d, exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}, fx)
	fx.notice(Sent, e.name(), "")
}

// pushed decodes and checks what a Send carries.
func (e *Endpoint) pushed(f lwm2m.Format, body []byte) (nodes []lwm2m.Node, code coap.Code, reason string) {
	switch f {
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR:
	default:
		return nil, coap.UnsupportedContentFormat, "a Send is SenML JSON, SenML CBOR or LwM2M CBOR"
	}
	if e.shard.Env.Full() {
		return nil, coap.ServiceUnavailable, "no space for data"
	}
	nodes, err := e.decode(f, lwm2m.Path{}, body)
	switch {
	case err != nil:
		return nil, coap.BadRequest, err.Error()
	case len(nodes) == 0 || len(nodes) == 1 && nodes[0].Path.IsRoot():
		return nil, coap.BadRequest, "nothing in it"
	}
	for _, n := range nodes {
		if n.Path.IsRoot() || !e.lists(n.Path.Object()) {
			return nil, coap.NotFound, "object of " + n.Path.String() + " is not registered"
		}
	}
	return nodes, 0, ""
}
