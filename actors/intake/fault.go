package intake

import "dormouse/codec/coap"

// Fault is why a message is refused.
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
	Nobodys              // a stray: nobody's address, token or Connection ID
	NotDTLS              // no record of DTLS 1.2
	ForgedCID            // a Connection ID that we never gave
	faults
)

var faultNames = [faults]string{
	"none", "not_coap", "malformed", "bad_option", "proxy", "unknown_path", "unknown_method",
	"no_endpoint_name", "bad_location", "strange_token", "ping", "overload", "truncated", "stray",
	"not_dtls", "forged_cid",
}

// Faults is the number of kinds, for tables of counters.
const Faults = int(faults)

func (f Fault) String() string { return faultNames[f] }

// wellKnown is what a CoAP client discovers of this server (RFC 6690).
const wellKnown = `</rd>;rt="core.rd",</dp>`

// linkFormat is the Content-Format of wellKnown.
const linkFormat = 40

// codes are those that a request is refused with.
var codes = map[Fault]coap.Code{
	BadOption: coap.BadOption, Proxy: coap.ProxyingNotSupported, UnknownPath: coap.NotFound,
	UnknownMethod: coap.MethodNotAllowed, NoEndpointName: coap.BadRequest, BadLocation: coap.NotFound,
	Truncated: coap.RequestEntityTooLarge,
}

// Discovers reports the one request to an unknown path that is answered well.
func Discovers(m *coap.Message, fault Fault) bool {
	return fault == UnknownPath && m.Code == coap.GET && m.Path() == ".well-known/core"
}

// Refuse makes reply the answer to a message of that fault; false: silence. The
// memory of reply's options is used again, its token and payload are not its own.
func Refuse(m *coap.Message, fault Fault, reply *coap.Message) bool {
	confirmable := m.Type == coap.Confirmable
	code, coded := codes[fault]
	switch {
	case Discovers(m, fault):
		answer(m, coap.Content, []byte(wellKnown), reply)
	case coded && fault == BadOption && !confirmable:
		return false // rejected in silence (RFC 7252 section 5.4.1)
	case coded:
		answer(m, code, nil, reply)
	case confirmable || fault == StrangeToken && m.Type == coap.NonConfirmable:
		*reply = coap.Message{Type: coap.Reset, MessageID: m.MessageID, Options: reply.Options[:0]}
	default:
		return false
	}
	return true
}

// Answer makes reply a response of that code to a request that leaves no trace.
// A Non-confirmable one repeats the message ID of what it answers: a peer of
// whom nothing is kept has no other messages.
func Answer(m *coap.Message, code coap.Code, reply *coap.Message) { answer(m, code, nil, reply) }

func answer(m *coap.Message, code coap.Code, payload []byte, reply *coap.Message) {
	*reply = coap.Message{
		Type: coap.NonConfirmable, Code: code, MessageID: m.MessageID,
		Token: m.Token, Payload: payload, Options: reply.Options[:0],
	}
	if m.Type == coap.Confirmable {
		reply.Type = coap.Acknowledgement
	}
	if len(payload) > 0 {
		reply.AddUint(coap.OptContentFormat, linkFormat)
	}
}
