package lwm2m

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// storedValues is what lies on disks already: these bytes must not change.
var storedValues = []struct {
	v   Value
	hex string
}{
	{Value{}, "00"},
	{String("U"), "010155"},
	{String(""), "0100"},
	{Integer(0), "0200"},
	{Integer(-1), "0201"},
	{Integer(300), "02d804"},
	{Integer(math.MinInt64), "02ffffffffffffffffff01"},
	{Unsigned(300), "03ac02"},
	{Unsigned(math.MaxUint64), "03ffffffffffffffffff01"},
	{Float(1), "0480808080808080f83f"},
	{Boolean(true), "0501"},
	{Opaque([]byte{0xab}), "0601ab"},
	{Time(-1), "0701"},
	{Link(Objlnk{66, 1}), "0881808802"},
	{Corelnk("</3>"), "09043c2f333e"},
}

func TestStoredValues(t *testing.T) {
	for _, c := range storedValues {
		b := AppendValue(nil, c.v)
		if hex.EncodeToString(b) != c.hex {
			t.Errorf("%s %v is stored as %x, want %s", c.v.Kind(), c.v, b, c.hex)
		}
		v, n, err := ParseValue(append(b, 0xff, 0xff))
		if err != nil || v != c.v || n != len(b) {
			t.Errorf("%s reads as %s %v, %d bytes, %v", c.hex, v.Kind(), v, n, err)
		}
		for cut := range b {
			if v, _, err := ParseValue(b[:cut]); !errors.Is(err, ErrBinary) {
				t.Errorf("%s cut to %d bytes reads as %v, %v", c.hex, cut, v, err)
			}
		}
	}
}

func TestParseValueRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"unknown kind":         "0a",
		"kind 255":             "ff01",
		"varint of 11 bytes":   "02" + strings.Repeat("ff", 10) + "01",
		"length beyond 64 bit": "01ffffffffffffffffff7f",
		"length without bytes": "0105616263",
		"huge length":          "06ffffffffffffffffff01",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if v, n, err := ParseValue(b); !errors.Is(err, ErrBinary) || n != 0 || v != (Value{}) {
			t.Errorf("%s: %v, %d, %v", name, v, n, err)
		}
	}
}

func TestStoredPaths(t *testing.T) {
	for text, want := range map[string]string{
		"/": "00", "/3": "010003", "/3/0": "0200030000", "/3/0/11": "0300030000000b", "/65535/1/2/258": "04ffff000100020102",
	} {
		p, err := ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		b := AppendPath(nil, p)
		if hex.EncodeToString(b) != want {
			t.Errorf("%s is stored as %x, want %s", p, b, want)
		}
		if q, n, err := ParseStoredPath(append(b, 1)); err != nil || q != p || n != len(b) {
			t.Errorf("%s reads as %s, %d, %v", want, q, n, err)
		}
		for cut := range b {
			if _, _, err := ParseStoredPath(b[:cut]); !errors.Is(err, ErrBinary) {
				t.Errorf("%s cut to %d bytes: %v", want, cut, err)
			}
		}
	}
	if _, _, err := ParseStoredPath([]byte{5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}); !errors.Is(err, ErrBinary) {
		t.Errorf("a path of five IDs: %v", err)
	}
}

// Within one length the stored forms sort as the paths do.
func TestStoredPathsSort(t *testing.T) {
	paths := []Path{NewPath(1, 0, 0), NewPath(1, 0, 256), NewPath(1, 2, 0), NewPath(2, 0, 0), NewPath(256, 0, 0)}
	for i, p := range paths {
		for j, q := range paths {
			if got := bytes.Compare(AppendPath(nil, p), AppendPath(nil, q)); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("stored %s against %s: %d", p, q, got)
			}
		}
	}
}

func FuzzParseValue(f *testing.F) {
	for _, c := range storedValues {
		f.Add(AppendValue(nil, c.v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := ParseValue(b)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%d of %d bytes used", n, len(b))
		}
		again := AppendValue(nil, v)
		if w, m, err := ParseValue(again); err != nil || w != v || m != len(again) {
			t.Errorf("%x is %s %v, stored again as %x, which reads as %v, %v", b, v.Kind(), v, again, w, err)
		}
	})
}

func FuzzParseStoredPath(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{3, 0, 3, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, n, err := ParseStoredPath(b)
		if err != nil {
			return
		}
		if again := AppendPath(nil, p); !bytes.Equal(again, b[:n]) {
			t.Errorf("%x is %s, stored again as %x", b, p, again)
		}
	})
}
