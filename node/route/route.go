package route

import (
	"errors"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Shell is what takes datagrams to endpoints (actors/shell).
type Shell interface {
	Take() *endpoint.Datagram
	Deliver(to shell.Destination, d *endpoint.Datagram) bool
}

// Router sorts datagrams of plain CoAP. It is used by one goroutine; make one
// for each receiver.
type Router struct {
	Shell Shell
	Key   ids.Key
	// Answer sends a stateless answer; it is called on the receiver's
	// goroutine and owns payload until it returns.
	Answer func(path wire.ReturnPath, payload []byte)
	// Count is told of every fault.
	Count func(intake.Fault)

	spare   *endpoint.Datagram // refused datagrams are read into the same memory
	scratch []byte
	reply   coap.Message
}

// Receive takes one datagram, which it does not keep.
func (r *Router) Receive(path wire.ReturnPath, payload []byte) { r.take(path, payload, nil) }

// Forwarded is Receive for one that has crossed links between nodes. A signpost
// that was followed there is not looked for again.
func (r *Router) Forwarded(f *wire.Forward) { r.take(f.Path, f.Datagram, f) }

// take is told of the forwarded datagram, nil for one that came in here.
func (r *Router) take(path wire.ReturnPath, payload []byte, f *wire.Forward) {
	if r.spare == nil {
		r.spare = r.Shell.Take()
	}
	d := r.spare
	if err := d.Parse(path, payload); err != nil {
		r.malformed(d, err)
		return
	}
	to, fault := r.destination(&d.Message, path)
	if fault == intake.None && f != nil {
		to = forwarded(d, to, f)
	}
	if fault != intake.None {
		r.refuse(path, &d.Message, fault)
		return
	}
	r.spare = nil
	if !r.Shell.Deliver(to, d) {
		r.Count(intake.Overload)
	}
}

// forwarded keeps with d what the nodes before found out, and says where it goes.
func forwarded(d *endpoint.Datagram, to shell.Destination, f *wire.Forward) shell.Destination {
	d.Hops, d.Endpoint, d.Hinted = f.Hops, f.Endpoint, f.Hinted
	if f.Endpoint == 0 {
		return to
	}
	return to.Found(f.Endpoint, f.Hinted)
}

// TooLong answers a datagram of which only the beginning is here: 4.13 to a
// request, by its header and token alone.
func (r *Router) TooLong(path wire.ReturnPath, payload []byte) {
	r.Count(intake.Truncated)
	if len(payload) < 4 || payload[0]>>6 != 1 || int(payload[0]&15) > min(8, len(payload)-4) {
		return
	}
	m := coap.Message{Type: coap.Type(payload[0] >> 4 & 3), Code: coap.Code(payload[1]), MessageID: uint16(payload[2])<<8 | uint16(payload[3])}
	m.Token = payload[4 : 4+int(payload[0]&15)]
	if m.Type == coap.Confirmable && m.Code.IsRequest() {
		r.send(path, &m, intake.Truncated)
	}
}

// malformed rejects what is no message (RFC 7252 section 3, 4.2, 4.3).
func (r *Router) malformed(d *endpoint.Datagram, err error) {
	fault := intake.Malformed
	if errors.Is(err, coap.ErrVersion) {
		fault = intake.NotCoAP
	}
	r.Count(fault)
	if fault == intake.Malformed && d.Message.Type == coap.Confirmable {
		r.send(d.Path, &d.Message, fault)
	}
}

// destination is the owner of a message, or why it has none.
func (r *Router) destination(m *coap.Message, path wire.ReturnPath) (shell.Destination, intake.Fault) {
	target, fault := intake.Sort(m)
	switch target {
	case intake.Register:
		return r.registerOwner(m)
	case intake.Update, intake.Deregister:
		return shell.ToEndpoint(intake.Location(m).Endpoint), intake.None
	case intake.Send, intake.Empty:
		return shell.ToSign(wire.AddressSign(path.Peer)), intake.None
	case intake.Response:
		return responseOwner(m)
	}
	return shell.Destination{}, fault
}

func responseOwner(m *coap.Message) (shell.Destination, intake.Fault) {
	token, err := ids.ParseToken(m.Token)
	if err != nil {
		return shell.Destination{}, intake.StrangeToken
	}
	return shell.ToHandle(token), intake.None
}

func (r *Router) registerOwner(m *coap.Message) (shell.Destination, intake.Fault) {
	for i := range m.Options {
		if o := &m.Options[i]; o.ID == coap.OptUriQuery && len(o.Value) > 3 && string(o.Value[:3]) == "ep=" {
			return shell.ToEndpoint(r.Key.Endpoint(string(o.Value[3:]))), intake.None
		}
	}
	return shell.Destination{}, intake.NoEndpointName
}

// refuse answers a message without owner.
func (r *Router) refuse(path wire.ReturnPath, m *coap.Message, fault intake.Fault) {
	if !intake.Discovers(m, fault) {
		r.Count(fault)
	}
	r.send(path, m, fault)
}

func (r *Router) send(path wire.ReturnPath, m *coap.Message, fault intake.Fault) {
	if !intake.Refuse(m, fault, &r.reply) {
		return
	}
	if out, err := r.reply.Append(r.scratch[:0]); err == nil {
		r.scratch = out
		r.Answer(path, out)
	}
}

// Stray answers a datagram whose owner does not exist, statelessly: 4.04 to a
// request, a Reset to a response (RFC 7641 section 3.6: that ends an
// observation), silence to anything else and to a sealed one.
func Stray(d *endpoint.Datagram) []byte {
	m := &d.Message
	if d.Sealed {
		return nil
	}
	var reply coap.Message
	switch {
	case m.Code.IsRequest():
		intake.Answer(m, coap.NotFound, &reply)
	case m.Code.IsResponse() && (m.Type == coap.Confirmable || m.Type == coap.NonConfirmable):
		reply = coap.Message{Type: coap.Reset, MessageID: m.MessageID}
	default:
		return nil
	}
	out, err := reply.Append(nil)
	if err != nil {
		return nil
	}
	return out
}
