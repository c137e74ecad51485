package exchange

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// pattern is a body in which every four bytes say where they are.
func pattern(n int) []byte {
	var b []byte
	for at := 0; at < n; at += 4 {
		b = fmt.Appendf(b, "%04d", at%10000)
	}
	return b[:n]
}

// optionNames are the options of the test scripts by name and kind of value.
var optionNames = []struct {
	name string
	id   coap.OptionID
	kind byte // s text, u uint, x hex, b block as number/more/size
}{
	{"etag", coap.OptETag, 'x'}, {"observe", coap.OptObserve, 'u'}, {"path", coap.OptUriPath, 's'},
	{"opt9", 9, 'x'}, {"cf", coap.OptContentFormat, 'u'}, {"query", coap.OptUriQuery, 's'},
	{"accept", coap.OptAccept, 'u'}, {"block2", coap.OptBlock2, 'b'}, {"block1", coap.OptBlock1, 'b'},
	{"size2", coap.OptSize2, 'u'}, {"size1", coap.OptSize1, 'u'}, {"echo", coap.OptEcho, 'x'},
	{"tag", coap.OptRequestTag, 'x'},
}

// describe prints a message as parseMessage reads it.
func describe(m *coap.Message) string {
	b := fmt.Appendf(nil, "%s %s %d %s", m.Type, m.Code, m.MessageID, tokenText(m.Token))
	return string(b) + describeContent(m)
}

func tokenText(token []byte) string {
	if len(token) == 0 {
		return "-"
	}
	return hex.EncodeToString(token)
}

// describeContent prints options and payload.
func describeContent(m *coap.Message) string {
	var b []byte
	for _, o := range m.Options {
		for _, n := range optionNames {
			if n.id == o.ID {
				b = fmt.Appendf(b, " %s=%s", n.name, valueText(n.kind, o))
			}
		}
	}
	if p := string(m.Payload); p != "" {
		at, err := strconv.Atoi(p[:min(4, len(p))])
		if err == nil && len(p) >= 4 && string(pattern(at + len(p))[at:]) == p {
			return string(fmt.Appendf(b, " body=%d+%d", at, len(p)))
		}
		b = fmt.Appendf(b, " payload=%s", p)
	}
	return string(b)
}

func valueText(kind byte, o coap.Option) string {
	m := coap.Message{Options: []coap.Option{o}}
	switch kind {
	case 'u':
		v, _ := m.Uint(o.ID)
		return strconv.Itoa(int(v))
	case 'x':
		return hex.EncodeToString(o.Value)
	case 'b':
		b, _, _ := m.Block(o.ID)
		more := 0
		if b.More {
			more = 1
		}
		return fmt.Sprintf("%d/%d/%d", b.Num, more, b.Size())
	}
	return string(o.Value)
}

// parseMessage reads "CON 2.05 101 aa etag=01 block2=0/1/64 body=0+64".
func parseMessage(t testing.TB, fields []string) *coap.Message {
	t.Helper()
	if len(fields) < 4 {
		t.Fatalf("message %q", fields)
	}
	m := &coap.Message{Code: parseCode(t, fields[1])}
	for m.Type = 0; m.Type.String() != fields[0]; m.Type++ {
		if m.Type > coap.Reset {
			t.Fatalf("type %q", fields[0])
		}
	}
	m.MessageID = uint16(number(t, fields[2]))
	if fields[3] != "-" {
		m.Token = unhex(t, fields[3])
	}
	for _, field := range fields[4:] {
		parseField(t, m, field)
	}
	return m
}

func parseField(t testing.TB, m *coap.Message, field string) {
	t.Helper()
	name, value, _ := strings.Cut(field, "=")
	switch name {
	case "body":
		m.Payload = parseBody(t, value)
		return
	case "payload":
		m.Payload = []byte(value)
		return
	}
	for _, n := range optionNames {
		if n.name == name {
			addOption(t, m, n.id, n.kind, value)
			return
		}
	}
	t.Fatalf("field %q", field)
}

func addOption(t testing.TB, m *coap.Message, id coap.OptionID, kind byte, value string) {
	t.Helper()
	switch kind {
	case 's':
		m.AddString(id, value)
	case 'u':
		m.AddUint(id, uint32(number(t, value)))
	case 'x':
		m.Add(id, unhex(t, value))
	case 'b':
		m.AddBlock(id, parseBlock(t, value))
	}
}

func parseBlock(t testing.TB, value string) coap.Block {
	t.Helper()
	var num, more, size int
	if _, err := fmt.Sscanf(value, "%d/%d/%d", &num, &more, &size); err != nil {
		t.Fatalf("block %q", value)
	}
	b := coap.Block{Num: uint32(num), More: more == 1, SZX: coap.SZXFor(size)}
	if size == 2048 {
		b.SZX = 7
	}
	return b
}

func parseBody(t testing.TB, value string) []byte {
	t.Helper()
	at, n, _ := strings.Cut(value, "+")
	start := number(t, at)
	return pattern(start + number(t, n))[start:]
}

var methods = map[string]coap.Code{"GET": coap.GET, "POST": coap.POST, "PUT": coap.PUT, "FETCH": coap.FETCH}

func parseCode(t testing.TB, s string) coap.Code {
	t.Helper()
	if c, ok := methods[s]; ok {
		return c
	}
	var class, detail uint8
	if _, err := fmt.Sscanf(s, "%d.%d", &class, &detail); err != nil {
		t.Fatalf("code %q", s)
	}
	return coap.Code(class<<5 | detail)
}

// parseRequest reads "GET token=aa path=3/0/0 accept=11542 observe=0 resttoken=bb mid=7".
func parseRequest(t testing.TB, fields []string) *Request {
	t.Helper()
	r := &Request{Method: parseCode(t, fields[0]), Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone, Observe: NoObserve}
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "token":
			r.Token = unhex(t, value)
		case "resttoken":
			r.RestToken = unhex(t, value)
		case "path":
			r.Path = value
		case "query":
			r.Queries = append(r.Queries, value)
		case "cf":
			r.Format = lwm2m.Format(number(t, value))
		case "accept":
			r.Accept = lwm2m.Format(number(t, value))
		case "observe":
			r.Observe = number(t, value)
		case "mid":
			r.MessageID, r.UseMessageID = uint16(number(t, value)), true
		case "body":
			r.Payload = parseBody(t, value)
		case "tag":
			r.Options = append(r.Options, coap.Option{ID: coap.OptRequestTag, Value: unhex(t, value)})
		default:
			t.Fatalf("request field %q", field)
		}
	}
	return r
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wire encodes a message, as it leaves for the other side.
func wire(t testing.TB, m *coap.Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatalf("%s: %v", describe(m), err)
	}
	return b
}

// received encodes and parses a message, as it comes from the other side.
func received(t testing.TB, m *coap.Message) *coap.Message {
	t.Helper()
	var got coap.Message
	if err := coap.Parse(wire(t, m), &got); err != nil {
		t.Fatalf("%s: %v", describe(m), err)
	}
	return &got
}
