package provider

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

var envelopes = []struct {
	hex      string
	envelope Envelope
}{
	{
		"01 01 0102030405060708 000000000000002a 07 0000 00000bb8 6869",
		Envelope{Kind: 7, ID: ID{0x0102030405060708, 42}, Left: 3 * time.Second, Payload: []byte("hi")},
	},
	{
		"01 01 0102030405060708 000000000000002b 00 0000 00000000",
		Envelope{ID: ID{0x0102030405060708, 43}},
	},
	{
		"01 02 0102030405060708 000000000000002a 07 0193 00000000 6e6f",
		Envelope{Answer: true, Kind: 7, ID: ID{0x0102030405060708, 42}, Code: 403, Payload: []byte("no")},
	},
}

func golden(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(a, b Envelope) bool {
	payload := bytes.Equal(a.Payload, b.Payload)
	a.Payload, b.Payload = nil, nil
	return payload && a.Answer == b.Answer && a.Kind == b.Kind && a.ID == b.ID && a.Code == b.Code && a.Left == b.Left
}

func TestEnvelopeGolden(t *testing.T) {
	for _, c := range envelopes {
		want := golden(t, c.hex)
		if got := c.envelope.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%+v is %x, want %x", c.envelope, got, want)
		}
		if got, err := ParseEnvelope(want); err != nil || !same(got, c.envelope) {
			t.Errorf("%x is %+v, %v", want, got, err)
		}
	}
}

// The bytes in remote's message are those that protobuf makes.
func TestEnvelopeAsMessage(t *testing.T) {
	for _, c := range envelopes {
		want, err := proto.Marshal(c.envelope.Message())
		if err != nil {
			t.Fatal(err)
		}
		if got := appendBytes(&c.envelope); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
		if got := serialized(c.envelope.Append(nil)); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
		if got, ok := bytesOf(want); !ok || !bytes.Equal(got, c.envelope.Append(nil)) {
			t.Errorf("%x, %v", got, ok)
		}
		for n := 1; n < len(want); n++ {
			if _, ok := bytesOf(want[:n]); ok {
				t.Errorf("cut at %d it is whole", n)
			}
		}
	}
}

func TestEnvelopeMalformed(t *testing.T) {
	whole := golden(t, envelopes[0].hex)
	for n := range envelopeHeader {
		if _, err := ParseEnvelope(whole[:n]); !errors.Is(err, ErrEnvelope) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for name, text := range map[string]string{
		"version 0":         "00 01 0102030405060708 000000000000002a 07 0000 00000000",
		"type 0":            "01 00 0102030405060708 000000000000002a 07 0000 00000000",
		"type 3":            "01 03 0102030405060708 000000000000002a 07 0000 00000000",
		"code of a request": "01 01 0102030405060708 000000000000002a 07 0001 00000000",
		"time of an answer": "01 02 0102030405060708 000000000000002a 07 0000 00000001",
	} {
		if e, err := ParseEnvelope(golden(t, text)); !errors.Is(err, ErrEnvelope) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	long := append(whole[:envelopeHeader:envelopeHeader], make([]byte, MaxPayload+1)...)
	if _, err := ParseEnvelope(long); !errors.Is(err, ErrEnvelope) {
		t.Errorf("too long: %v", err)
	}
	if _, err := ParseEnvelope(long[:len(long)-1]); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// What an unknown version has in common with ours is enough to refuse it.
func TestEnvelopeOfAnotherVersion(t *testing.T) {
	e, err := ParseEnvelope(golden(t, "02 01 0102030405060708 000000000000002a ff"))
	if !errors.Is(err, ErrVersion) || e.Answer || e.ID != (ID{0x0102030405060708, 42}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestTimeLeftIsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		-1: 0, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, 100 * 24 * time.Hour: 1<<32 - 1,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v: %d ms, want %d", d, got, want)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, c := range envelopes {
		f.Add(golden(f, c.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEnvelope(b)
		if err != nil {
			return
		}
		if again := e.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v, which is %x", b, e, again)
		}
	})
}
