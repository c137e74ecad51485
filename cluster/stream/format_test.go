package stream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"dormouse/codec/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// greetings are golden bytes, those of docs/formats/stream.md.
var greetings = []struct {
	bytes string
	g     greeting
}{
	{"646f726d6f757365 01 01 01 002a 01 000000000000000a 0000000000000001 000000000000000b 0000019a8c9be400 00800000 04 6d696365",
		greeting{word: wordHello, purpose: forFrames, self: wire.Node{ID: 0xa, Incarnation: 1}, wanted: 0xb, clock: time.UnixMilli(0x19a8c9be400), longest: 8 << 20, cluster: "mice"}},
	{"646f726d6f757365 01 01 02 002a 02 000000000000000b 0000000000000002 000000000000000a 0000019a8c9be401 00010000 04 6d696365",
		greeting{word: wordWelcome, purpose: forCalls, self: wire.Node{ID: 0xb, Incarnation: 2}, wanted: 0xa, clock: time.UnixMilli(0x19a8c9be401), longest: MinFrame, cluster: "mice"}},
	{"646f726d6f757365 01 01 03 0002 6e6f", greeting{word: wordRefusal, sentence: "no"}},
}

func parseGreeting(b []byte) (greeting, error) {
	o, err := parseOpening(b)
	if err != nil {
		return greeting{}, err
	}
	return o.parseBody(b[greetingHeader:])
}

func TestGreeting(t *testing.T) {
	for _, tc := range greetings {
		b := unhex(t, tc.bytes)
		if got := tc.g.append([]byte("x")); string(got[1:]) != string(b) {
			t.Errorf("%+v is %x, want %x", tc.g, got[1:], b)
		}
		got, err := parseGreeting(b)
		if err != nil || got != tc.g {
			t.Errorf("%x is %+v, %v", b, got, err)
		}
		for n := range b {
			if _, err := parseGreeting(b[:n]); !errors.Is(err, ErrFormat) {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
		if _, err := parseGreeting(append(b, 0)); !errors.Is(err, ErrFormat) {
			t.Errorf("a byte more: %v", err)
		}
	}
}

func TestMalformedGreetings(t *testing.T) {
	const body = "01 000000000000000a 0000000000000001 000000000000000b 0000019a8c9be400 00800000 04 6d696365"
	for name, text := range map[string]string{
		"other magic":      "646f726d6f757366 01 01 01 002a" + body,
		"since 0":          "646f726d6f757365 01 00 01 002a" + body,
		"since after":      "646f726d6f757365 01 02 01 002a" + body,
		"since a later":    "646f726d6f757365 02 02 01 002a" + body,
		"word 0":           "646f726d6f757365 01 01 00 002a" + body,
		"word 4":           "646f726d6f757365 01 01 04 002a" + body,
		"longer than any":  "646f726d6f757365 01 01 03 0401" + strings.Repeat("61", 0x401),
		"purpose 0":        "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "01", "00", 1),
		"purpose 3":        "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "01", "03", 1),
		"node 0":           "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "000000000000000a", "0000000000000000", 1),
		"frames too short": "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "00800000", "0000ffff", 1),
		"frames too long":  "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "00800000", "04000001", 1),
		"bytes behind":     "646f726d6f757365 01 01 01 002b" + body + "00",
		"name is cut":      "646f726d6f757365 01 01 01 002a" + strings.Replace(body, "04 6d", "05 6d", 1),
	} {
		if g, err := parseGreeting(unhex(t, text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	// A newer program that says we understand it may say more.
	g, err := parseGreeting(unhex(t, "646f726d6f757365 02 01 01 002b"+body+"00"))
	if err != nil || g != greetings[0].g {
		t.Errorf("%+v, %v", g, err)
	}
	// A refusal is read in every version, and shown without what moves a cursor.
	g, err = parseGreeting(unhex(t, "646f726d6f757365 09 09 03 0004 6e1b0aff"))
	if err != nil || g.sentence != "n???" {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestLongSentence(t *testing.T) {
	g := greeting{word: wordRefusal, sentence: strings.Repeat("n", 2*maxSentence)}
	got, err := parseGreeting(g.append(nil))
	if err != nil || got.sentence != g.sentence[:maxSentence] {
		t.Errorf("%+v, %v", got, err)
	}
}

// messages are golden headers, those of docs/formats/stream.md.
var messages = []struct {
	bytes string
	m     message
}{
	{"00 00 0000000000000000 00000000", message{}},
	{"01 07 0000000000000001 00000003", message{aboutRequest, 7, 1, 3}},
	{"02 00 0000000000000001 00010000", message{aboutAnswer, 0, 1, MinFrame}},
	{"03 00 0000000000000002 00000004", message{aboutFailure, 0, 2, 4}},
	{"04 00 0000000000000003 00000000", message{aboutBusy, 0, 3, 0}},
	{"05 00 ffffffffffffffff 00000000", message{aboutCancel, 0, 1<<64 - 1, 0}},
}

func TestMessage(t *testing.T) {
	for _, tc := range messages {
		b := [messageHeader]byte(unhex(t, tc.bytes))
		if got := tc.m.append(nil); !bytes.Equal(got, b[:]) {
			t.Errorf("%+v is %x", tc.m, got)
		}
		if got, err := parseMessage(b, MinFrame); err != nil || got != tc.m {
			t.Errorf("%x is %+v, %v", b, got, err)
		}
	}
	for _, bad := range []string{
		"00 00 0000000000000001 00000000", "00 01 0000000000000000 00000000", "00 00 0000000000000000 00000001",
		"01 00 0000000000000000 00000000", "01 00 0000000000000001 00010001", "02 00 0000000000000001 ffffffff",
		"02 01 0000000000000001 00000000", "03 00 0000000000000001 00000001", "03 00 0000000000000001 00001003",
		"04 00 0000000000000001 00000001", "05 00 0000000000000001 00000001", "06 00 0000000000000001 00000000",
	} {
		if m, err := parseMessage([messageHeader]byte(unhex(t, bad)), MinFrame); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", bad, m, err)
		}
	}
	e := RemoteError{409, "no"}
	if got := e.appendFailure(nil); !bytes.Equal(got, unhex(t, "0199 6e6f")) || *parseFailure(got) != e {
		t.Errorf("%x", got)
	}
}

func TestFrameHeader(t *testing.T) {
	for length, want := range map[int]string{0: "00000000", 1: "00000001", MinFrame: "00010000"} {
		b := appendFrameHeader(nil, length)
		if got, err := parseFrameHeader([frameHeader]byte(b), MinFrame); hex.EncodeToString(b) != want || err != nil || got != length {
			t.Errorf("%d: %x, %d, %v", length, b, got, err)
		}
	}
	for _, bad := range []string{"00010001", "ffffffff"} {
		if n, err := parseFrameHeader([frameHeader]byte(unhex(t, bad)), MinFrame); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %d, %v", bad, n, err)
		}
	}
}

func FuzzGreeting(f *testing.F) {
	for _, tc := range greetings {
		f.Add(unhex(f, tc.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := parseGreeting(b)
		if err != nil {
			return
		}
		again, err := parseGreeting(g.append(nil))
		if err != nil || again != g && g.word != wordRefusal {
			t.Errorf("%x is %+v, then %+v, %v", b, g, again, err)
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, tc := range messages {
		f.Add(unhex(f, tc.bytes), uint32(MinFrame))
	}
	f.Fuzz(func(t *testing.T, b []byte, longest uint32) {
		if len(b) != messageHeader {
			return
		}
		m, err := parseMessage([messageHeader]byte(b), int(longest))
		if err == nil && !bytes.Equal(m.append(nil), b) {
			t.Errorf("%x is %+v", b, m)
		}
		if err == nil && m.length > max(int(longest), 2+maxText) {
			t.Errorf("%x has %d bytes of %d", b, m.length, longest)
		}
	})
}

func FuzzFrameHeader(f *testing.F) {
	f.Add(uint32(1), uint32(MinFrame))
	f.Fuzz(func(t *testing.T, length, longest uint32) {
		b := [frameHeader]byte(appendFrameHeader(nil, int(length)))
		if n, err := parseFrameHeader(b, int(longest)); (err == nil) != (length <= longest) || err == nil && n != int(length) {
			t.Errorf("%d of %d: %d, %v", length, longest, n, err)
		}
	})
}
