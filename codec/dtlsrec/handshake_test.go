package dtlsrec

import (
	"bytes"
	"testing"
)

var handshakes = []struct {
	name string
	hex  string
	want Handshake
}{
	{"whole ClientHello", "01" + "000003" + "0001" + "000000" + "000003" + "aabbcc",
		Handshake{Type: ClientHello, Length: 3, Sequence: 1, Fragment: 3}},
	{"last fragment", "10" + "01ffff" + "0102" + "01fffe" + "000001" + "aa",
		Handshake{Type: ClientKeyExchange, Length: 0x1ffff, Sequence: 0x102, Offset: 0x1fffe, Fragment: 1}},
	{"empty fragment", "14" + "00000c" + "0003" + "00000c" + "000000",
		Handshake{Type: Finished, Length: 12, Sequence: 3, Offset: 12}},
	{"empty message", "0e" + "000000" + "0003" + "000000" + "000000",
		Handshake{Type: ServerHelloDone, Sequence: 3}},
}

func TestHandshakesBothWays(t *testing.T) {
	for _, tc := range handshakes {
		message := unhex(tc.hex)
		h, body, rest, err := ParseHandshake(append(message, 9))
		if err != nil || h != tc.want || !bytes.Equal(rest, []byte{9}) {
			t.Errorf("%s: %+v, %x left, %v", tc.name, h, rest, err)
			continue
		}
		if got := append(h.Append(nil), body...); !bytes.Equal(got, message) {
			t.Errorf("%s: %x", tc.name, got)
		}
		if h.Whole() != (h.Length == len(body)) {
			t.Errorf("%s: whole: %v", tc.name, h.Whole())
		}
		for n := range message {
			if h, _, _, err := ParseHandshake(message[:n]); err != ErrMalformed || h != (Handshake{}) {
				t.Errorf("%s cut at %d: %+v, %v", tc.name, n, h, err)
			}
		}
	}
}

func TestMalformedHandshakes(t *testing.T) {
	for name, text := range map[string]string{
		"fragment beyond the message": "01" + "000002" + "0001" + "000000" + "000003" + "aabbcc",
		"offset beyond the message":   "01" + "000002" + "0001" + "000003" + "000000",
		"together beyond it":          "01" + "000003" + "0001" + "000002" + "000002" + "aabb",
		"lengths of 24 bits":          "01" + "ffffff" + "0001" + "ffffff" + "ffffff",
	} {
		if h, _, _, err := ParseHandshake(unhex(text)); err != ErrMalformed {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func FuzzParseHandshake(f *testing.F) {
	for _, tc := range handshakes {
		f.Add(unhex(tc.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, body, rest, err := ParseHandshake(b)
		if err != nil {
			return
		}
		if len(body) != h.Fragment || h.Offset+h.Fragment > h.Length {
			t.Fatalf("%x: %+v, %d bytes", b, h, len(body))
		}
		if again := append(append(h.Append(nil), body...), rest...); !bytes.Equal(again, b) {
			t.Fatalf("%x is %+v, which is %x", b, h, again)
		}
	})
}
