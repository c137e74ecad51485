package members

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"dormouse/codec/format"
)

// full has a different value in every field.
var full = Meta{
	ID: 0x0123456789abcdef, Incarnation: 7, Zone: "eu-1a", Topology: 0x0a0b,
	Ports: Ports{Cluster: 7947, Link: 7948, HTTP: 8080, Actors: 7949}, Leaving: true, Full: true,
	Reads: format.Range{Oldest: 1, Newest: 2}, Writes: 1,
}

// metas are read in both directions. They are the golden bytes of the format.
var metas = []struct {
	name string
	meta Meta
	hex  string
}{
	{"least", Meta{ID: 1}, "030100" + "0000000000000001" + strings.Repeat("00", 16+6+1+2+3)},
	{"full", full, "030103" + "0123456789abcdef" + "0000000000000007" + "0000000000000a0b" + "1f0b" + "1f0c" + "1f90" + "05" + "65752d3161" + "1f0d" + "010201"},
	{"longest", Meta{ID: 1, Zone: strings.Repeat("z", MaxName)}, "030100" + "0000000000000001" + strings.Repeat("00", 16+6) + "40" + strings.Repeat("7a", MaxName) + "0000" + "000000"},
}

func TestMeta(t *testing.T) {
	for _, c := range metas {
		t.Run(c.name, func(t *testing.T) {
			b, err := AppendMeta([]byte{9}, c.meta)
			if err != nil || hex.EncodeToString(b[1:]) != c.hex {
				t.Errorf("appended %x, %v, want %s", b, err, c.hex)
			}
			if len(b) > 1+MaxMeta {
				t.Errorf("%d bytes", len(b)-1)
			}
			b, _ = hex.DecodeString(c.hex)
			if m, err := ParseMeta(b); err != nil || m != c.meta {
				t.Errorf("parsed %+v, %v, want %+v", m, err, c.meta)
			}
			for cut := range b {
				if m, err := ParseMeta(b[:cut]); !errors.Is(err, ErrMeta) {
					t.Errorf("%d bytes of %d gave %+v, %v", cut, len(b), m, err)
				}
			}
		})
	}
}

func TestMetaRefused(t *testing.T) {
	edit := func(f func(b []byte) []byte) []byte {
		b, err := AppendMeta(nil, full)
		if err != nil {
			t.Fatal(err)
		}
		return f(b)
	}
	set := func(at int, v byte) []byte {
		return edit(func(b []byte) []byte { b[at] = v; return b })
	}
	for name, b := range map[string][]byte{
		"nothing":                       {},
		"version 0":                     set(0, 0),
		"for readers since 0":           set(1, 0),
		"for newer readers":             edit(func(b []byte) []byte { b[0], b[1] = 4, 4; return b }),
		"since after version":           set(1, 4),
		"reserved flag":                 set(2, 4),
		"a full disk in version 2":      edit(func(b []byte) []byte { b[0], b[2] = 2, 2; return b[:len(b)-metaLevels] }),
		"a byte behind":                 edit(func(b []byte) []byte { return append(b, 0) }),
		"zone past the end":             set(metaFixed-1, 8),
		"zone over the port":            set(metaFixed-1, 6),
		"no format levels":              edit(func(b []byte) []byte { return b[:len(b)-1] }),
		"version 1 with a port":         set(0, 1),
		"version 2 with levels":         set(0, 2),
		"a level that it does not read": edit(func(b []byte) []byte { b[len(b)-1] = 3; return b }),
		"levels from 0":                 edit(func(b []byte) []byte { b[len(b)-3] = 0; return b }),
		"zone with a space":             set(metaFixed+1, ' '),
		"node ID 0":                     edit(func(b []byte) []byte { clear(b[3:11]); return b }),
		"longer than the bound":         edit(func(b []byte) []byte { b[0] = 4; return append(b, make([]byte, MaxMeta)...) }),
	} {
		if m, err := ParseMeta(b); !errors.Is(err, ErrMeta) {
			t.Errorf("%s: parsed %+v, %v", name, m, err)
		}
	}
	for name, m := range map[string]Meta{
		"no ID":     {},
		"long zone": {ID: 1, Zone: strings.Repeat("z", MaxName+1)},
	} {
		if b, err := AppendMeta(nil, m); !errors.Is(err, ErrMeta) || len(b) > 0 {
			t.Errorf("%s: appended %x, %v", name, b, err)
		}
	}
}

// A rolling upgrade: the newer node's additions are passed over.
func TestMetaOfNewerNode(t *testing.T) {
	b, err := AppendMeta(nil, full)
	if err != nil {
		t.Fatal(err)
	}
	b[0], b[2] = 4, b[2]|0x80
	if m, err := ParseMeta(append(b, "of a later version"...)); err != nil || m != full {
		t.Errorf("parsed %+v, %v", m, err)
	}
}

// One in the other direction: an older node has no format levels, or no port for
// actors either.
func TestMetaOfOlderNode(t *testing.T) {
	b, err := AppendMeta(nil, full)
	if err != nil {
		t.Fatal(err)
	}
	older := full
	older.Reads, older.Writes, older.Full = format.Range{}, 0, false
	b[0], b[2], b = 2, b[2]&^flagFull, b[:len(b)-metaLevels]
	if m, err := ParseMeta(b); err != nil || m != older {
		t.Errorf("parsed %+v, %v", m, err)
	}
	if reads, writes := older.Formats(); reads != (format.Range{Oldest: 1, Newest: 1}) || writes != 1 {
		t.Errorf("it reads %v and writes %d", reads, writes)
	}
	b[0] = 1
	older.Ports.Actors = 0
	if m, err := ParseMeta(b[:len(b)-metaTail]); err != nil || m != older {
		t.Errorf("parsed %+v, %v", m, err)
	}
}

// Whatever parses is appended to what parses as the same; of this version, to
// the same bytes.
func FuzzParseMeta(f *testing.F) {
	for _, c := range metas {
		b, _ := hex.DecodeString(c.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMeta(b)
		if err != nil {
			if !errors.Is(err, ErrMeta) {
				t.Fatal(err)
			}
			return
		}
		again, err := AppendMeta(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if b[0] == metaVersion && !bytes.Equal(again, b) {
			t.Fatalf("%x came back as %x", b, again)
		}
		if back, err := ParseMeta(again); err != nil || back != m {
			t.Fatalf("%x: %+v came back as %+v, %v", b, m, back, err)
		}
	})
}
