package command

import (
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// Fallback is the request to try instead, after the client answered 4.06 or
// 4.15 to one of this line. refused is the format that it does not know: the
// caller remembers it for this registration (Device.Refused), whatever ok
// says. ok is false where the code has another cause or nothing else is left.
// The new request has the token of the sent one only where that names an
// observation, in a cancellation.
func (l *Line) Fallback(d *Device, sent exchange.Request, code coap.Code) (req exchange.Request, refused lwm2m.Format, ok bool) {
	refused = l.negotiated(sent)
	if code != coap.NotAcceptable && code != coap.UnsupportedContentFormat || refused == lwm2m.FormatNone {
		return exchange.Request{}, lwm2m.FormatNone, false
	}
	next := *d
	next.Refused = func(f lwm2m.Format) bool {
		return f == refused || d.Refused != nil && d.Refused(f)
	}
	req, err := l.Request(&next)
	if f := l.negotiated(req); err != nil || next.Refused(f) {
		return exchange.Request{}, refused, false
	}
	if l.Verb == CancelObservation {
		req.Token = sent.Token
	}
	return req, refused, true
}

// negotiated is the format of a request that was ours to choose, FormatNone
// where another one would be another request.
func (l *Line) negotiated(r exchange.Request) lwm2m.Format {
	switch l.Verb {
	case Read, ReadComposite, Observe, ObserveComposite, CancelObservation:
		return r.Accept
	case Write, WriteComposite, WriteBinary, Create:
		return r.Format
	}
	return lwm2m.FormatNone
}
