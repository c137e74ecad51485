package route

import (
	"errors"

	"dormouse/actors/endpoint"
	"dormouse/actors/shell"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Fault is why a datagram was not given to an endpoint.
type Fault uint8

const (
	None           Fault = iota
	NotCoAP              // too short, or not version 1: ignored
	Malformed            // message format error
	BadOption            // an unknown critical option
	Proxy                // Proxy-Uri or Proxy-Scheme
	UnknownPath          // 4.04
	UnknownMethod        // 4.05
	NoEndpointName       // a Register without ep over plain CoAP
	BadLocation          // no location of ours: 4.04
	StrangeToken         // a response with a token that we never gave
	Ping                 // an empty Confirmable message
	Overload             // the owner's inbox is full
	Truncated            // larger than the receive buffer
	Nobodys              // a stray: nobody's address or token
	faults
)

var faultNames = [faults]string{
	"none", "not_coap", "malformed", "bad_option", "proxy", "unknown_path", "unknown_method",
	"no_endpoint_name", "bad_location", "strange_token", "ping", "overload", "truncated", "stray",
}

// Faults is the number of kinds, for tables of counters.
const Faults = int(faults)

func (f Fault) String() string { return faultNames[f] }

// Shell is what takes datagrams to endpoints (actors/shell).
type Shell interface {
	Take() *endpoint.Datagram
	Deliver(to shell.Destination, d *endpoint.Datagram) bool
}

// Router sorts datagrams. It is used by one goroutine; make one for each
// receiver.
type Router struct {
	Shell Shell
	Key   ids.Key
	// Answer sends a stateless answer; it is called on the receiver's
	// goroutine and owns payload until it returns.
	Answer func(path wire.ReturnPath, payload []byte)
	// Count is told of every fault.
	Count func(Fault)

	spare   *endpoint.Datagram // refused datagrams are read into the same memory
	scratch []byte
	reply   coap.Message
}

// Receive takes one datagram, which it does not keep.
func (r *Router) Receive(path wire.ReturnPath, payload []byte) {
	if r.spare == nil {
		r.spare = r.Shell.Take()
	}
	d := r.spare
	if err := d.Parse(path, payload); err != nil {
		r.malformed(d, err)
		return
	}
	to, fault := r.destination(&d.Message, path)
	if fault != None {
		r.refuse(d, fault)
		return
	}
	r.spare = nil
	if !r.Shell.Deliver(to, d) {
		r.Count(Overload)
	}
}

// TooLong answers a datagram of which only the beginning is here: 4.13 to a
// request, by its header and token alone.
func (r *Router) TooLong(path wire.ReturnPath, payload []byte) {
	r.Count(Truncated)
	if len(payload) < 4 || payload[0]>>6 != 1 || int(payload[0]&15) > min(8, len(payload)-4) {
		return
	}
	m := coap.Message{Type: coap.Type(payload[0] >> 4 & 3), Code: coap.Code(payload[1]), MessageID: uint16(payload[2])<<8 | uint16(payload[3])}
	m.Token = payload[4 : 4+int(payload[0]&15)]
	if m.Type != coap.Confirmable || !m.Code.IsRequest() {
		return
	}
	if answer := stateless(&m, coap.Acknowledgement, coap.RequestEntityTooLarge, nil, &r.reply, r.scratch[:0]); answer != nil {
		r.scratch = answer
		r.Answer(path, answer)
	}
}

// malformed rejects what is no message (RFC 7252 section 3, 4.2, 4.3).
func (r *Router) malformed(d *endpoint.Datagram, err error) {
	if errors.Is(err, coap.ErrVersion) {
		r.Count(NotCoAP)
		return
	}
	r.Count(Malformed)
	if d.Message.Type == coap.Confirmable {
		r.send(d, coap.Reset, coap.Empty, nil)
	}
}

// destination is the owner of a message, or why it has none.
func (r *Router) destination(m *coap.Message, path wire.ReturnPath) (shell.Destination, Fault) {
	switch {
	case m.Code == coap.Empty && m.Type == coap.Confirmable:
		return shell.Destination{}, Ping
	case m.Code == coap.Empty && m.Type == coap.NonConfirmable:
		return shell.Destination{}, Malformed
	case m.Code == coap.Empty:
		return shell.ToAddress(path.Peer), None
	case m.Type == coap.Reset:
		return shell.Destination{}, Malformed
	case m.Code.IsResponse():
		return responseOwner(m)
	case !m.Code.IsRequest() || m.Type == coap.Acknowledgement:
		return shell.Destination{}, Malformed
	}
	return r.requestOwner(m, path)
}

func responseOwner(m *coap.Message) (shell.Destination, Fault) {
	token, err := ids.ParseToken(m.Token)
	if err != nil {
		return shell.Destination{}, StrangeToken
	}
	return shell.ToHandle(token), None
}

// requestOwner finds the endpoint of a request by path and query.
func (r *Router) requestOwner(m *coap.Message, path wire.ReturnPath) (shell.Destination, Fault) {
	if fault := refusedOption(m); fault != None {
		return shell.Destination{}, fault
	}
	first, second, more := m.Segments()
	switch {
	case more:
		return shell.Destination{}, UnknownPath
	case string(first) == "rd" && len(second) == 0:
		return r.registerOwner(m)
	case string(first) == "rd":
		return locationOwner(m, second)
	case string(first) == "dp" && len(second) == 0:
		if m.Code != coap.POST {
			return shell.Destination{}, UnknownMethod
		}
		return shell.ToAddress(path.Peer), None
	}
	return shell.Destination{}, UnknownPath
}

func refusedOption(m *coap.Message) Fault {
	if _, ok := m.Option(coap.OptProxyUri); ok {
		return Proxy
	}
	if _, ok := m.Option(coap.OptProxyScheme); ok {
		return Proxy
	}
	if m.BadOption != 0 {
		return BadOption
	}
	return None
}

func (r *Router) registerOwner(m *coap.Message) (shell.Destination, Fault) {
	if m.Code != coap.POST {
		return shell.Destination{}, UnknownMethod
	}
	for i := range m.Options {
		if o := &m.Options[i]; o.ID == coap.OptUriQuery && len(o.Value) > 3 && string(o.Value[:3]) == "ep=" {
			return shell.ToEndpoint(r.Key.Endpoint(string(o.Value[3:]))), None
		}
	}
	return shell.Destination{}, NoEndpointName
}

func locationOwner(m *coap.Message, segment []byte) (shell.Destination, Fault) {
	if m.Code != coap.POST && m.Code != coap.DELETE {
		return shell.Destination{}, UnknownMethod
	}
	l, err := ids.ParseLocation(segment)
	if err != nil {
		return shell.Destination{}, BadLocation
	}
	return shell.ToEndpoint(l.Endpoint), None
}

// wellKnown is what a CoAP client discovers of this server (RFC 6690).
const wellKnown = `</rd>;rt="core.rd",</dp>`

// refuse answers a message without owner.
func (r *Router) refuse(d *endpoint.Datagram, fault Fault) {
	m := &d.Message
	if fault == UnknownPath && m.Code == coap.GET && m.Path() == ".well-known/core" {
		r.send(d, replyType(m), coap.Content, []byte(wellKnown))
		return
	}
	r.Count(fault)
	confirmable := m.Type == coap.Confirmable
	code, ok := refusals[fault]
	switch {
	case ok && fault == BadOption && !confirmable:
		// rejected in silence (RFC 7252 section 5.4.1)
	case ok:
		r.send(d, replyType(m), code, nil)
	case confirmable || fault == StrangeToken && m.Type == coap.NonConfirmable:
		r.send(d, coap.Reset, coap.Empty, nil)
	}
}

// refusals are the faults that a request is answered with.
var refusals = map[Fault]coap.Code{
	BadOption: coap.BadOption, Proxy: coap.ProxyingNotSupported, UnknownPath: coap.NotFound,
	UnknownMethod: coap.MethodNotAllowed, NoEndpointName: coap.BadRequest, BadLocation: coap.NotFound,
}

func replyType(m *coap.Message) coap.Type {
	if m.Type == coap.Confirmable {
		return coap.Acknowledgement
	}
	return coap.NonConfirmable
}

// send answers d's message. A Non-confirmable answer repeats the message ID of
// what it answers: a peer of whom nothing is kept has no other messages.
func (r *Router) send(d *endpoint.Datagram, t coap.Type, code coap.Code, payload []byte) {
	if answer := stateless(&d.Message, t, code, payload, &r.reply, r.scratch[:0]); answer != nil {
		r.scratch = answer
		r.Answer(d.Path, answer)
	}
}

func stateless(m *coap.Message, t coap.Type, code coap.Code, payload []byte, reply *coap.Message, dst []byte) []byte {
	*reply = coap.Message{Type: t, Code: code, MessageID: m.MessageID, Payload: payload, Options: reply.Options[:0]}
	if code != coap.Empty {
		reply.Token = m.Token
	}
	if len(payload) > 0 {
		reply.AddUint(coap.OptContentFormat, 40)
	}
	out, err := reply.Append(dst)
	if err != nil {
		return nil
	}
	return out
}

// Stray answers a datagram whose owner does not exist, statelessly: 4.04 to a
// request, a Reset to a response (RFC 7641 section 3.6: that ends an
// observation), silence to anything else.
func Stray(d *endpoint.Datagram) []byte {
	m := &d.Message
	var reply coap.Message
	switch {
	case m.Code.IsRequest():
		return stateless(m, replyType(m), coap.NotFound, nil, &reply, nil)
	case m.Code.IsResponse() && (m.Type == coap.Confirmable || m.Type == coap.NonConfirmable):
		return stateless(m, coap.Reset, coap.Empty, nil, &reply, nil)
	}
	return nil
}
