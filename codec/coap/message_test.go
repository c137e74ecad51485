package coap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opt(id OptionID, value string) Option { return Option{ID: id, Value: []byte(value)} }

// vectors are read in both directions.
var vectors = []struct {
	name, hex string
	message   Message
}{
	{
		"OMA SMS trigger", "44 02 b60b 2161fb63 b131 0130 0138",
		Message{Type: Confirmable, Code: POST, MessageID: 46603, Token: []byte{0x21, 0x61, 0xfb, 0x63},
			Options: []Option{opt(OptUriPath, "1"), opt(OptUriPath, "0"), opt(OptUriPath, "8")}},
	},
	{
		"RFC 7252 figure 16, request", "40 01 7d34 bb 74656d7065726174757265",
		Message{Type: Confirmable, Code: GET, MessageID: 0x7d34, Options: []Option{opt(OptUriPath, "temperature")}},
	},
	{
		"RFC 7252 figure 16, response", "60 45 7d34 ff 32322e332043",
		Message{Type: Acknowledgement, Code: Content, MessageID: 0x7d34, Payload: []byte("22.3 C")},
	},
	{
		"RFC 7252 figure 17, request", "41 01 7d35 20 bb 74656d7065726174757265",
		Message{Type: Confirmable, Code: GET, MessageID: 0x7d35, Token: []byte{0x20},
			Options: []Option{opt(OptUriPath, "temperature")}},
	},
	{"empty acknowledgement", "60 00 0001", Message{Type: Acknowledgement, MessageID: 1}},
	{"reset", "70 00 ffff", Message{Type: Reset, MessageID: 65535}},
	{"ping", "40 00 0102", Message{Type: Confirmable, MessageID: 0x0102}},
	{
		"register", "48 02 0007 0102030405060708 b2 7264 11 28 3a 65703d6578616d706c65 07 6c743d33303030 ff 3c2f332f303e",
		Message{Type: Confirmable, Code: POST, MessageID: 7, Token: []byte{1, 2, 3, 4, 5, 6, 7, 8},
			Options: []Option{opt(OptUriPath, "rd"), opt(OptContentFormat, "\x28"),
				opt(OptUriQuery, "ep=example"), opt(OptUriQuery, "lt=3000")}, Payload: []byte("</3/0>")},
	},
	{
		"delta in one extended byte", "40 01 0001 d0 02 d1 e6 02",
		Message{Code: GET, MessageID: 1, Options: []Option{opt(OptUriQuery, ""), opt(OptNoResponse, "\x02")}},
	},
	{
		"delta in two extended bytes", "50 05 0001 e2 0017 abcd",
		Message{Type: NonConfirmable, Code: FETCH, MessageID: 1, Options: []Option{opt(OptRequestTag, "\xab\xcd")}},
	},
	{
		"length in one extended byte", "40 01 0001 bd 00 " + strings.Repeat("61", 13),
		Message{Code: GET, MessageID: 1, Options: []Option{opt(OptUriPath, strings.Repeat("a", 13))}},
	},
	{
		"length in two extended bytes", "40 01 0001 de 16 0000 " + strings.Repeat("61", 269),
		Message{Code: GET, MessageID: 1, Options: []Option{opt(OptProxyUri, strings.Repeat("a", 269))}},
	},
	{
		"observe of zero length is 0", "41 45 0009 aa 60 61 2d",
		Message{Type: Confirmable, Code: Content, MessageID: 9, Token: []byte{0xaa},
			Options: []Option{opt(OptObserve, ""), opt(OptContentFormat, "\x2d")}},
	},
}

// same compares messages; no options and no bytes are the same as empty ones.
func same(a, b *Message) bool {
	if len(a.Options) != len(b.Options) {
		return false
	}
	for i := range a.Options {
		if a.Options[i].ID != b.Options[i].ID || !bytes.Equal(a.Options[i].Value, b.Options[i].Value) {
			return false
		}
	}
	return a.Type == b.Type && a.Code == b.Code && a.MessageID == b.MessageID && a.BadOption == b.BadOption &&
		bytes.Equal(a.Token, b.Token) && bytes.Equal(a.Payload, b.Payload)
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			data := unhex(t, v.hex)
			var m Message
			if err := Parse(data, &m); err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if !same(&m, &v.message) {
				t.Errorf("Parse = %+v, want %+v", m, v.message)
			}
			got, err := v.message.Append([]byte("in front"))
			if err != nil || string(got) != "in front"+string(data) {
				t.Errorf("Append = %x, %v, want %x", got, err, data)
			}
		})
	}
}

// TestAppendIntoAnyCapacity has the buffer end at every byte of the message.
func TestAppendIntoAnyCapacity(t *testing.T) {
	for _, v := range vectors {
		want := unhex(t, v.hex)
		for room := 0; room <= len(want)+1; room++ {
			got, err := v.message.Append(make([]byte, 0, room))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s into %d bytes: %x, %v", v.name, room, got, err)
			}
		}
	}
}

// TestCut cuts every vector at every byte. What is left is a shorter message or
// an error, and is a message only where it says the same again.
func TestCut(t *testing.T) {
	for _, v := range vectors {
		data := unhex(t, v.hex)
		for n := range data {
			var m Message
			err := Parse(data[:n:n], &m)
			switch {
			case n < 4 && !errors.Is(err, ErrVersion):
				t.Errorf("%s cut at %d: %v, want ErrVersion", v.name, n, err)
			case n >= 4 && err != nil && !errors.Is(err, ErrFormat):
				t.Errorf("%s cut at %d: %v, want ErrFormat", v.name, n, err)
			case n >= 4 && (m.Type != v.message.Type || m.MessageID != v.message.MessageID):
				t.Errorf("%s cut at %d: header is %s %d", v.name, n, m.Type, m.MessageID)
			case err == nil:
				again, err := m.Append(nil)
				if err != nil || !bytes.Equal(again, data[:n]) {
					t.Errorf("%s cut at %d: appended again as %x, %v", v.name, n, again, err)
				}
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"nothing", "", ErrVersion},
		{"three bytes", "400100", ErrVersion},
		{"version 0", "00010001", ErrVersion},
		{"version 2", "80010001", ErrVersion},
		{"version 3", "c0010001", ErrVersion},
		{"token of 9 bytes", "49010001 010203040506070809", ErrFormat},
		{"token length 15", "4f010001 0102030405060708090a0b0c0d0e0f", ErrFormat},
		{"token cut", "44010001 010203", ErrFormat},
		{"empty with a token", "41000001 01", ErrFormat},
		{"empty with an option", "40000001 b161", ErrFormat},
		{"empty with a payload", "60000001 ff61", ErrFormat},
		{"marker without payload", "40010001 b161 ff", ErrFormat},
		{"marker at once", "40010001 ff", ErrFormat},
		{"delta nibble 15", "40010001 f161", ErrFormat},
		{"length nibble 15", "40010001 bf61", ErrFormat},
		{"extended delta cut", "40010001 d1", ErrFormat},
		{"long delta cut", "40010001 e101", ErrFormat},
		{"extended length cut", "40010001 bd", ErrFormat},
		{"long length cut", "40010001 be00", ErrFormat},
		{"value cut", "40010001 b36162", ErrFormat},
		{"number wraps", "40010001 e0fef2 e0fef2", ErrFormat},
		{"65 options", "40010001 b161" + strings.Repeat("0161", 64), ErrFormat},
	} {
		m := Message{Payload: []byte("of the message before"), BadOption: 9}
		err := Parse(unhex(t, c.hex), &m)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if len(m.Payload) > 0 || m.BadOption == 9 {
			t.Errorf("%s: fields of the message before are left: %+v", c.name, m)
		}
	}
}

func TestSixtyFourOptions(t *testing.T) {
	var m Message
	if err := Parse(unhex(t, "40010001 b161"+strings.Repeat("0161", 63)), &m); err != nil || len(m.Options) != 64 {
		t.Errorf("%d options, %v", len(m.Options), err)
	}
}

func TestAppendRefuses(t *testing.T) {
	for name, m := range map[string]Message{
		"token of 9 bytes":   {Code: GET, Token: make([]byte, 9)},
		"type 4":             {Code: GET, Type: 4},
		"descending options": {Code: GET, Options: []Option{opt(OptUriQuery, "a"), opt(OptUriPath, "b")}},
	} {
		if got, err := m.Append([]byte("kept")); err == nil || string(got) != "kept" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestParseUsesOptionMemoryAgain(t *testing.T) {
	data := unhex(t, vectors[7].hex)
	var m Message
	if err := Parse(data, &m); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = Parse(data, &m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClone(t *testing.T) {
	data := unhex(t, vectors[7].hex)
	var m Message
	if err := Parse(data, &m); err != nil {
		t.Fatal(err)
	}
	c := m.Clone()
	clear(data)
	if !same(c, &vectors[7].message) {
		t.Errorf("the clone changed with the datagram: %+v", c)
	}
	if same(&m, c) {
		t.Error("the message does not alias the datagram")
	}
}

// FuzzParse has the property parse, append, parse: what was understood of a
// datagram survives, and is the same bytes from then on.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex))
	}
	f.Add(unhex(f, "40010001 9161 0161 c0 00 7101"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m, again Message
		if err := Parse(data, &m); err != nil {
			return
		}
		once, err := m.Append(nil)
		if err != nil {
			t.Fatalf("append of %x: %v", data, err)
		}
		if len(once) > len(data) {
			t.Fatalf("%x grew to %x", data, once)
		}
		if err := Parse(once, &again); err != nil {
			t.Fatalf("%x appended as %x: %v", data, once, err)
		}
		m.BadOption = 0 // unrecognised options are not kept
		if !same(&m, &again) {
			t.Fatalf("%+v became %+v", m, again)
		}
		known(func(id OptionID, _, _ int) { _, _, _ = m.Block(id) })
		if _, ok := m.Observe(); ok != (m.Code != Empty && contains(m.Options, OptObserve)) {
			t.Fatal("Observe and the options disagree")
		}
	})
}

func contains(options []Option, id OptionID) bool {
	for _, o := range options {
		if o.ID == id {
			return true
		}
	}
	return false
}
