package coap

import (
	"fmt"
	"testing"
)

// known calls f for every option that we know, and its bounds.
func known(f func(id OptionID, shortest, longest int)) {
	for id, l := range optionLengths {
		if l != nil {
			f(OptionID(id), l.min, l.max)
		}
	}
}

// withOptions encodes a GET that carries these options in order.
func withOptions(t *testing.T, options ...Option) []byte {
	t.Helper()
	m := Message{Code: GET, MessageID: 1, Options: options}
	data, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOptionLengths tries each known option at and beyond its bounds: outside
// it is unrecognised, which a critical one makes known and an elective one not.
func TestOptionLengths(t *testing.T) {
	known(func(id OptionID, shortest, longest int) {
		for _, c := range []struct {
			length int
			legal  bool
		}{{shortest - 1, false}, {shortest, true}, {longest, true}, {longest + 1, false}} {
			if c.length < 0 {
				continue
			}
			t.Run(fmt.Sprintf("%v of %d", id, c.length), func(t *testing.T) {
				var m Message
				if err := Parse(withOptions(t, Option{ID: id, Value: make([]byte, c.length)}), &m); err != nil {
					t.Fatal(err)
				}
				if kept := len(m.Options) == 1; kept != c.legal {
					t.Errorf("kept %v, want %v", kept, c.legal)
				}
				if bad := m.BadOption == id; bad != (!c.legal && id%2 == 1) {
					t.Errorf("bad option %v", m.BadOption)
				}
			})
		}
	})
}

func TestRepetition(t *testing.T) {
	known(func(id OptionID, shortest, _ int) {
		value := make([]byte, shortest)
		var m Message
		if err := Parse(withOptions(t, Option{ID: id, Value: value}, Option{ID: id, Value: value}), &m); err != nil {
			t.Fatal(err)
		}
		want, bad := 1, OptionID(0)
		if repeatable(id) {
			want = 2
		} else if critical(id) {
			bad = id
		}
		if len(m.Options) != want || m.BadOption != bad {
			t.Errorf("option %v twice: %d kept, bad option %v", id, len(m.Options), m.BadOption)
		}
	})
}

func TestUnknownOptions(t *testing.T) {
	for _, c := range []struct {
		options []Option
		kept    int
		bad     OptionID
	}{
		{[]Option{opt(9, "x")}, 0, 9},                        // OSCORE: critical
		{[]Option{opt(2, "x"), opt(2, "y")}, 0, 0},           // elective
		{[]Option{opt(OptUriPath, "3"), opt(13, "")}, 1, 13}, // behind a known one
		{[]Option{opt(9, ""), opt(19, "")}, 0, 9},            // the first is named
		{[]Option{opt(0, "")}, 0, 0},                         // number 0 is reserved, and even
		{[]Option{opt(65535, "")}, 0, 65535},
		{[]Option{opt(OptUriPort, "123"), opt(OptUriPort, "12")}, 1, OptUriPort},
		{[]Option{opt(OptMaxAge, "12345"), opt(OptMaxAge, "1")}, 1, 0},
	} {
		var m Message
		if err := Parse(withOptions(t, c.options...), &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Options) != c.kept || m.BadOption != c.bad {
			t.Errorf("%v: kept %v, bad option %v", c.options, m.Options, m.BadOption)
		}
	}
}

func TestUint(t *testing.T) {
	for _, c := range []struct {
		v      uint32
		length int
	}{{0, 0}, {1, 1}, {255, 1}, {256, 2}, {65535, 2}, {65536, 3}, {1<<24 - 1, 3}, {1 << 24, 4}, {1<<32 - 1, 4}} {
		b := appendUint(nil, c.v)
		if len(b) != c.length || parseUint(b) != c.v {
			t.Errorf("%d: %x, read as %d", c.v, b, parseUint(b))
		}
		if padded := append([]byte{0}, b...); parseUint(padded) != c.v {
			t.Errorf("%x read as %d", padded, parseUint(padded))
		}
	}
}
