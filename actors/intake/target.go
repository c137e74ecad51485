package intake

import (
	"dormouse/codec/coap"
	"dormouse/codec/ids"
)

// Target is what a message is for.
type Target uint8

const (
	Nothing    Target = iota // see the Fault
	Register                 // POST /rd
	Update                   // POST /rd/LOC
	Deregister               // DELETE /rd/LOC
	Send                     // POST /dp
	Response                 // an answer to a request of ours, or a notification
	Empty                    // an ACK or RST without a token: its message ID tells
)

// Sort tells what a message is for, or why it is refused.
func Sort(m *coap.Message) (Target, Fault) {
	switch {
	case m.Code == coap.Empty && m.Type == coap.Confirmable:
		return Nothing, Ping
	case m.Code == coap.Empty && m.Type == coap.NonConfirmable:
		return Nothing, Malformed
	case m.Code == coap.Empty:
		return Empty, None
	case m.Type == coap.Reset:
		return Nothing, Malformed
	case m.Code.IsResponse():
		return Response, None
	case !m.Code.IsRequest() || m.Type == coap.Acknowledgement:
		return Nothing, Malformed
	}
	if fault := refusedOption(m); fault != None {
		return Nothing, fault
	}
	return sortRequest(m)
}

// refusedOption finds what a server must not pass over (RFC 7252 sections 5.4.1
// and 5.7.2).
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

// sortRequest goes by path and method.
func sortRequest(m *coap.Message) (Target, Fault) {
	first, second, more := m.Segments()
	switch {
	case more:
		return Nothing, UnknownPath
	case string(first) == "rd" && len(second) == 0:
		return only(m, coap.POST, Register)
	case string(first) == "rd":
		return located(m, second)
	case string(first) == "dp" && len(second) == 0:
		return only(m, coap.POST, Send)
	}
	return Nothing, UnknownPath
}

func only(m *coap.Message, method coap.Code, t Target) (Target, Fault) {
	if m.Code != method {
		return Nothing, UnknownMethod
	}
	return t, None
}

func located(m *coap.Message, segment []byte) (Target, Fault) {
	t := Update
	if m.Code == coap.DELETE {
		t = Deregister
	} else if m.Code != coap.POST {
		return Nothing, UnknownMethod
	}
	if _, err := ids.ParseLocation(segment); err != nil {
		return Nothing, BadLocation
	}
	return t, None
}

// Location is the one that an Update or Deregister names.
func Location(m *coap.Message) ids.Location {
	_, segment, _ := m.Segments()
	l, _ := ids.ParseLocation(segment) // Sort has read it
	return l
}
