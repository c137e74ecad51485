package route

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

var (
	peer     = netip.MustParseAddrPort("[2001:db8::1]:5683")
	path     = wire.ReturnPath{Peer: peer, Local: netip.MustParseAddr("2001:db8::2"), Listener: 1}
	key      = ids.Key{1, 2, 3}
	owner    = key.Endpoint("urn:dev:1")
	location = ids.Location{Endpoint: owner, Count: 7}.String()
	token    = ids.NewToken(owner, 0x01020304)
)

// node is what stands around a router.
type node struct {
	taken     int
	full      bool
	delivered []string
	answers   []string
	faults    []intake.Fault
}

func (n *node) Take() *endpoint.Datagram { n.taken++; return new(endpoint.Datagram) }

func (n *node) Deliver(to shell.Destination, d *endpoint.Datagram) bool {
	name := "?"
	switch to {
	case shell.ToEndpoint(owner):
		name = "endpoint"
	case shell.ToHandle(token):
		name = "handle"
	case shell.ToSign(wire.AddressSign(peer)):
		name = "address"
	}
	if d.Path != path {
		name = "wrong path"
	}
	n.delivered = append(n.delivered, name)
	return !n.full
}

func newRouter() (*Router, *node) {
	n := &node{}
	return &Router{Shell: n, Key: key, Count: func(f intake.Fault) { n.faults = append(n.faults, f) },
		Answer: func(to wire.ReturnPath, payload []byte) {
			if to != path {
				payload = nil
			}
			n.answers = append(n.answers, describe(payload))
		}}, n
}

// describe is a datagram in words.
func describe(payload []byte) string {
	var m coap.Message
	if err := coap.Parse(payload, &m); err != nil {
		return err.Error()
	}
	s := fmt.Sprintf("%s %s mid=%d", m.Type, m.Code, m.MessageID)
	if len(m.Token) > 0 {
		s += fmt.Sprintf(" token=%x", m.Token)
	}
	if f := m.ContentFormat(); len(m.Payload) > 0 {
		s += fmt.Sprintf(" ct=%d %s", f, m.Payload)
	}
	return s
}

// build is a message with ID 7 and token ab, unless edit changes that.
func build(t coap.Type, c coap.Code, p string, edit ...func(*coap.Message)) []byte {
	m := &coap.Message{Type: t, Code: c, MessageID: 7, Token: []byte{0xab}}
	if c == coap.Empty {
		m.Token = nil
	}
	m.AddPath(p)
	for _, f := range edit {
		f(m)
	}
	raw, err := m.Append(nil)
	if err != nil {
		panic(err)
	}
	return raw
}

func query(q string) func(*coap.Message) {
	return func(m *coap.Message) { m.AddString(coap.OptUriQuery, q) }
}

func option(id coap.OptionID, v ...byte) func(*coap.Message) {
	return func(m *coap.Message) { m.Add(id, v) }
}

func ours(m *coap.Message) { m.Token = token[:] }

func raw(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	con, non, ack, rst = coap.Confirmable, coap.NonConfirmable, coap.Acknowledgement, coap.Reset
	rejected           = "RST 0.00 mid=7"
)

// datagrams with their destination, or the fault and the answer.
var datagrams = []struct {
	name   string
	data   []byte
	to     string
	fault  intake.Fault
	answer string
}{
	{"Register", build(con, coap.POST, "rd", query("lt=60"), query("ep=urn:dev:1")), "endpoint", intake.None, ""},
	{"Register, NON", build(non, coap.POST, "rd", query("ep=urn:dev:1")), "endpoint", intake.None, ""},
	{"Register, empty segment behind", build(con, coap.POST, "rd", option(coap.OptUriPath), query("ep=urn:dev:1")), "endpoint", intake.None, ""},
	{"Register without ep", build(con, coap.POST, "rd", query("lt=60")), "", intake.NoEndpointName, "ACK 4.00 mid=7 token=ab"},
	{"Register with empty ep", build(non, coap.POST, "rd", query("ep=")), "", intake.NoEndpointName, "NON 4.00 mid=7 token=ab"},
	{"GET /rd", build(con, coap.GET, "rd"), "", intake.UnknownMethod, "ACK 4.05 mid=7 token=ab"},
	{"Update", build(con, coap.POST, "rd/"+location), "endpoint", intake.None, ""},
	{"De-register", build(con, coap.DELETE, "rd/"+location), "endpoint", intake.None, ""},
	{"PUT on a location", build(con, coap.PUT, "rd/"+location), "", intake.UnknownMethod, "ACK 4.05 mid=7 token=ab"},
	{"method 0.31 on a location", build(con, 31, "rd/"+location), "", intake.UnknownMethod, "ACK 4.05 mid=7 token=ab"},
	{"Update of no location", build(con, coap.POST, "rd/5a3f"), "", intake.BadLocation, "ACK 4.04 mid=7 token=ab"},
	{"NON Update of no location", build(non, coap.POST, "rd/"+location[1:]), "", intake.BadLocation, "NON 4.04 mid=7 token=ab"},
	{"three segments", build(con, coap.POST, "rd/"+location+"/x"), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},
	{"Send", build(con, coap.POST, "dp"), "address", intake.None, ""},
	{"GET /dp", build(con, coap.GET, "dp"), "", intake.UnknownMethod, "ACK 4.05 mid=7 token=ab"},
	{"/dp with a segment more", build(con, coap.POST, "dp/x"), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},
	{"no path", build(con, coap.GET, ""), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},
	{"/bs", build(con, coap.POST, "bs", query("ep=x")), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},
	{"/.well-known/core", build(con, coap.GET, ".well-known/core"), "", intake.None, `ACK 2.05 mid=7 token=ab ct=40 </rd>;rt="core.rd",</dp>`},
	{"/.well-known/core, NON", build(non, coap.GET, ".well-known/core"), "", intake.None, `NON 2.05 mid=7 token=ab ct=40 </rd>;rt="core.rd",</dp>`},
	{"/.Well-Known/core", build(con, coap.GET, ".Well-Known/core"), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},
	{"PUT /.well-known/core", build(con, coap.PUT, ".well-known/core"), "", intake.UnknownPath, "ACK 4.04 mid=7 token=ab"},

	// Options (RFC 7252 section 5.4.1, 5.10.2).
	{"unknown critical option", build(con, coap.POST, "rd", query("ep=urn:dev:1"), option(65001, 1)), "", intake.BadOption, "ACK 4.02 mid=7 token=ab"},
	{"unknown critical option, NON", build(non, coap.POST, "rd", query("ep=urn:dev:1"), option(65001, 1)), "", intake.BadOption, ""},
	{"unknown elective option", build(con, coap.POST, "rd", query("ep=urn:dev:1"), option(65000, 1)), "endpoint", intake.None, ""},
	{"Proxy-Uri", build(con, coap.GET, "", option(coap.OptProxyUri, 'x')), "", intake.Proxy, "ACK 5.05 mid=7 token=ab"},
	{"Proxy-Scheme, NON", build(non, coap.GET, "rd", option(coap.OptProxyScheme, 'x')), "", intake.Proxy, "NON 5.05 mid=7 token=ab"},

	// Responses go by their token (RFC 7641 section 3.6).
	{"answer on the ACK", build(ack, coap.Content, "", ours), "handle", intake.None, ""},
	{"answer by itself", build(con, coap.Content, "", ours), "handle", intake.None, ""},
	{"notification", build(non, coap.Content, "", ours, option(coap.OptObserve, 5)), "handle", intake.None, ""},
	{"error", build(con, coap.NotFound, "", ours), "handle", intake.None, ""},
	{"unknown critical option in a response", build(con, coap.Content, "", ours, option(65001, 1)), "handle", intake.None, ""},
	{"strange token, CON", build(con, coap.Content, ""), "", intake.StrangeToken, rejected},
	{"strange token, NON", build(non, coap.Content, ""), "", intake.StrangeToken, rejected},
	{"strange token, ACK", build(ack, coap.Content, ""), "", intake.StrangeToken, ""},
	{"no token", build(con, coap.Content, "", func(m *coap.Message) { m.Token = nil }), "", intake.StrangeToken, rejected},

	// Empty messages (RFC 7252 section 4.1 to 4.3).
	{"empty ACK", raw("60 00 0007"), "address", intake.None, ""},
	{"RST", raw("70 00 0007"), "address", intake.None, ""},
	{"ping", raw("40 00 0007"), "", intake.Ping, rejected},
	{"empty NON", raw("50 00 0007"), "", intake.Malformed, ""},
	{"RST with a code", build(rst, coap.Content, "", ours), "", intake.Malformed, ""},
	{"ACK with a request", build(ack, coap.POST, "rd", query("ep=urn:dev:1")), "", intake.Malformed, ""},
	{"RST with a request", build(rst, coap.POST, "rd", query("ep=urn:dev:1")), "", intake.Malformed, ""},

	// Codes of reserved classes.
	{"code 1.01, CON", raw("40 21 0007"), "", intake.Malformed, rejected},
	{"code 6.00, NON", raw("50 c0 0007"), "", intake.Malformed, ""},
	{"code 7.31, CON", raw("40 ff 0007"), "", intake.Malformed, rejected},

	// Format errors (RFC 7252 section 3).
	{"nothing", nil, "", intake.NotCoAP, ""},
	{"three bytes", raw("40 01 00"), "", intake.NotCoAP, ""},
	{"version 0", raw("00 01 0007"), "", intake.NotCoAP, ""},
	{"version 2", raw("80 01 0007"), "", intake.NotCoAP, ""},
	{"version 3", raw("c0 01 0007"), "", intake.NotCoAP, ""},
	{"token cut", raw("44 01 0007 aabb"), "", intake.Malformed, rejected},
	{"empty message with a token", raw("41 00 0007 aa"), "", intake.Malformed, rejected},
	{"empty message with a payload, ACK", raw("60 00 0007 ff01"), "", intake.Malformed, ""},
	{"payload marker and nothing", raw("40 01 0007 ff"), "", intake.Malformed, rejected},
	{"payload marker and nothing, NON", raw("50 01 0007 ff"), "", intake.Malformed, ""},
	{"option delta 15", raw("40 01 0007 f1 00"), "", intake.Malformed, rejected},
	{"option length 15", raw("40 01 0007 1f 00"), "", intake.Malformed, rejected},
	{"option cut", raw("40 01 0007 b5 7264"), "", intake.Malformed, rejected},
	{"DTLS ClientHello", raw("16 fefd 0000 000000000000 0001"), "", intake.NotCoAP, ""},
}

func TestReceive(t *testing.T) {
	for _, tc := range datagrams {
		r, n := newRouter()
		r.Receive(path, tc.data)
		n.check(t, tc.name, tc.to, tc.fault, tc.answer)
	}
}

func (n *node) check(t *testing.T, name, to string, fault intake.Fault, answer string) {
	t.Helper()
	if got := strings.Join(n.delivered, " "); got != to {
		t.Errorf("%s: delivered to %q, want %q", name, got, to)
	}
	if got := strings.Join(n.answers, " | "); got != answer {
		t.Errorf("%s: answered %q, want %q", name, got, answer)
	}
	if len(n.faults) > 1 || len(n.faults) == 1 && n.faults[0] != fault || len(n.faults) == 0 && fault != intake.None {
		t.Errorf("%s: counted %v, want %s", name, n.faults, fault)
	}
}

// TestTokenLengths: 9 to 15 are reserved, and a format error (RFC 7252 section 3).
func TestTokenLengths(t *testing.T) {
	for length := range 16 {
		r, n := newRouter()
		r.Receive(path, append([]byte{0x40 | byte(length), 0x45, 0, 7}, bytes.Repeat([]byte{1}, length)...))
		switch {
		case length == 8: // any eight bytes may be a token of ours
			n.check(t, "length 8", "?", intake.None, "")
		case length < 8:
			n.check(t, fmt.Sprint("length ", length), "", intake.StrangeToken, rejected)
		default:
			n.check(t, fmt.Sprint("length ", length), "", intake.Malformed, rejected)
		}
	}
}

// TestEveryCut: no beginning of a datagram is taken for another message, and a
// Confirmable one gets at most one answer.
func TestEveryCut(t *testing.T) {
	for _, tc := range datagrams {
		for cut := range tc.data {
			r, n := newRouter()
			r.Receive(path, tc.data[:cut])
			if len(n.answers)+len(n.delivered) > 1 {
				t.Errorf("%s cut at %d: %v, %v", tc.name, cut, n.delivered, n.answers)
			}
			if cut < 4 && (len(n.answers) > 0 || len(n.faults) != 1 || n.faults[0] != intake.NotCoAP) {
				t.Errorf("%s cut at %d: %v, %v", tc.name, cut, n.answers, n.faults)
			}
		}
	}
}

// TestMemory: what is delivered is given away, what is refused is not.
func TestMemory(t *testing.T) {
	r, n := newRouter()
	for range 3 {
		r.Receive(path, raw("40 00 0007"))
		r.Receive(path, raw("80"))
	}
	if n.taken != 1 {
		t.Errorf("%d datagrams were taken for refusals", n.taken)
	}
	data := build(con, coap.POST, "dp")
	r.Receive(path, data)
	r.Receive(path, data)
	if n.taken != 2 || len(n.delivered) != 2 {
		t.Errorf("%d were taken for %d deliveries", n.taken, len(n.delivered))
	}
}

func TestOverloadIsSilent(t *testing.T) {
	r, n := newRouter()
	n.full = true
	r.Receive(path, build(con, coap.POST, "dp"))
	n.check(t, "overload", "address", intake.Overload, "")
}

func TestTooLong(t *testing.T) {
	long := func(t coap.Type, c coap.Code, edit ...func(*coap.Message)) []byte {
		return build(t, c, "rd", append(edit, func(m *coap.Message) { m.Payload = make([]byte, 2000) })...)[:1500]
	}
	for name, tc := range map[string]struct {
		data   []byte
		answer string
	}{
		"CON request":       {long(con, coap.POST), "ACK 4.13 mid=7 token=ab"},
		"with a long token": {long(con, coap.POST, ours), fmt.Sprintf("ACK 4.13 mid=7 token=%x", token)},
		"NON request":       {long(non, coap.POST), ""},
		"response":          {long(con, coap.Content), ""},
		"version 2":         {append(raw("80 02 0007"), make([]byte, 1500)...), ""},
		"token of 9":        {append(raw("49 02 0007"), make([]byte, 1500)...), ""},
		"token cut":         {raw("44 02 0007 aabb"), ""},
		"header alone":      {raw("40 02 0007"), "ACK 4.13 mid=7"},
		"three bytes":       {raw("40 02 00"), ""},
		"nothing":           {nil, ""},
	} {
		r, n := newRouter()
		r.TooLong(path, tc.data)
		n.check(t, name, "", intake.Truncated, tc.answer)
	}
}

// TestStray is what a datagram without owner is answered by the shell.
func TestStray(t *testing.T) {
	for name, tc := range map[string]struct {
		data   []byte
		answer string
	}{
		"Send":             {build(con, coap.POST, "dp"), "ACK 4.04 mid=7 token=ab"},
		"Send, NON":        {build(non, coap.POST, "dp"), "NON 4.04 mid=7 token=ab"},
		"notification":     {build(con, coap.Content, "", ours), rejected},
		"NON notification": {build(non, coap.Content, "", ours), rejected},
		"answer":           {build(ack, coap.Content, "", ours), ""},
		"empty ACK":        {raw("60 00 0007"), ""},
		"RST":              {raw("70 00 0007"), ""},
	} {
		d := new(endpoint.Datagram)
		if err := d.Parse(path, tc.data); err != nil {
			t.Fatal(err)
		}
		got := ""
		if b := Stray(d); b != nil {
			got = describe(b)
		}
		if got != tc.answer {
			t.Errorf("%s: %q, want %q", name, got, tc.answer)
		}
	}
}

// FuzzReceive: every datagram has exactly one fate, an answer is a message of
// ours with the ID of what it answers, and none answers an ACK or a Reset.
func FuzzReceive(f *testing.F) {
	for _, tc := range datagrams {
		f.Add(tc.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, n := newRouter()
		answer := r.Answer
		r.Answer = func(to wire.ReturnPath, payload []byte) {
			answer(to, payload)
			if len(data) < 4 || !bytes.Equal(payload[2:4], data[2:4]) || data[0]>>4&3 > byte(coap.NonConfirmable) {
				t.Fatalf("%x is answered %x", data, payload)
			}
		}
		r.Receive(path, data)
		if len(n.delivered)+len(n.faults) > 1 || len(n.delivered)+len(n.faults)+len(n.answers) == 0 || len(n.answers) > 1 {
			t.Fatalf("%x: delivered %v, counted %v, answered %v", data, n.delivered, n.faults, n.answers)
		}
		r.TooLong(path, data)
	})
}
