package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// batches are read in both directions: the writes, and the bytes of them.
var batches = []struct {
	name  string
	build func(b *Batch)
	hex   string
	text  string // as describe prints it
}{
	{"empty", func(*Batch) {}, "", ""},
	{"put", func(b *Batch) { b.Put(ClassContact, []byte{0xab}, []byte("xy")) }, "016801ab027879", "1h(ab)=7879 "},
	{"put of nothing", func(b *Batch) { b.Put(ClassMeta, nil, nil) }, "01730000", "1s()= "},
	{"delete", func(b *Batch) { b.Delete(ClassValue, []byte{1, 2}) }, "0276020102", "2v(0102)= "},
	{"range", func(b *Batch) { b.DeleteRange(ClassTimer, []byte{1}, []byte{2, 3}) }, "03740101020203", "3t(01)=0203 "},
	{"range to the end", func(b *Batch) { b.DeleteRange(ClassTimer, nil, nil) }, "03740000", "3t()= "},
	{"three in order", func(b *Batch) {
		b.Put(ClassRegistration, []byte{7}, []byte{8})
		b.Delete(ClassContact, []byte{7})
		b.DeleteRange(ClassOperation, []byte{1}, []byte{9})
	}, "016301070108" + "02680107" + "036f01010109", "1c(07)=08 2h(07)= 3o(01)=09 "},
	{"two bytes of length", func(b *Batch) { b.Put(ClassValue, make([]byte, 128), nil) },
		"01768001" + strings.Repeat("00", 128) + "00", "1v(" + strings.Repeat("00", 128) + ")= "},
}

func describe(t *testing.T, b *Batch) string {
	t.Helper()
	var s strings.Builder
	if err := b.Each(func(w Write) error {
		fmt.Fprintf(&s, "%d%c(%x)=%x ", w.Kind, w.Class, w.Key, w.Value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

func TestBatchBothWays(t *testing.T) {
	for _, tc := range batches {
		b := new(Batch)
		tc.build(b)
		if got := hex.EncodeToString(b.Bytes()); got != tc.hex {
			t.Errorf("%s: built %s, want %s", tc.name, got, tc.hex)
		}
		raw, _ := hex.DecodeString(tc.hex)
		parsed, err := ParseBatch(raw)
		if err != nil || parsed.Len() != b.Len() || !bytes.Equal(parsed.Bytes(), b.Bytes()) {
			t.Errorf("%s: parsed %v, %v", tc.name, parsed, err)
			continue
		}
		if got := describe(t, parsed); got != tc.text {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.text)
		}
	}
}

// TestBatchCutAtEveryByte: what is left of a batch is an error, or the whole
// writes before the cut.
func TestBatchCutAtEveryByte(t *testing.T) {
	for _, tc := range batches {
		raw, _ := hex.DecodeString(tc.hex)
		whole := map[int]bool{0: true}
		if tc.name == "three in order" {
			whole[6], whole[10] = true, true
		}
		for n := range raw {
			b, err := ParseBatch(raw[:n])
			if whole[n] != (err == nil) || err != nil && (b != nil || !errors.Is(err, ErrBatch)) {
				t.Errorf("%s cut at %d: %v, %v", tc.name, n, b, err)
			}
		}
	}
}

func TestMalformedBatches(t *testing.T) {
	for name, raw := range map[string]string{
		"kind 0":             "006300",
		"kind 4":             "04630000",
		"kind alone":         "01",
		"key longer":         "026305aabb",
		"value longer":       "016301aa05bb",
		"length of 11 bytes": "0263ffffffffffffffffffff01",
		"length of 2^64-1":   "0263ffffffffffffffffff01",
		"length of 2^63":     "026380808080808080808001",
		"good, then bad":     "02680107ff",
	} {
		b, err := hex.DecodeString(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := ParseBatch(b); !errors.Is(err, ErrBatch) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestBatchOwnsWhatItIsGiven(t *testing.T) {
	key, value := []byte("key"), []byte("value")
	var b Batch
	b.Put(ClassMeta, key, value)
	key[0], value[0] = 'X', 'X'
	if got, want := describe(t, &b), fmt.Sprintf("1s(%x)=%x ", "key", "value"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// A field that is appended to does not run into the next one.
	_ = b.Each(func(w Write) error {
		_ = append(w.Key, "!!!"...)
		return nil
	})
	if got, want := describe(t, &b), fmt.Sprintf("1s(%x)=%x ", "key", "value"); got != want {
		t.Errorf("%q after an append to a key", got)
	}
}

func TestBatchAppendAndReset(t *testing.T) {
	var a, b Batch
	a.Put(ClassMeta, []byte{1}, nil)
	b.Delete(ClassMeta, []byte{2})
	a.Append(&b)
	if got := describe(t, &a); got != "1s(01)= 2s(02)= " || a.Len() != 2 {
		t.Errorf("%q, %d writes", got, a.Len())
	}
	a.Reset()
	if a.Len() != 0 || len(a.Bytes()) != 0 || describe(t, &a) != "" {
		t.Errorf("%d writes after a reset", a.Len())
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	var b Batch
	b.Put(ClassMeta, []byte{1}, nil)
	b.Put(ClassMeta, []byte{2}, nil)
	stop, n := errors.New("stop"), 0
	if err := b.Each(func(Write) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

func FuzzParseBatch(f *testing.F) {
	for _, tc := range batches {
		raw, _ := hex.DecodeString(tc.hex)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBatch(data)
		if err != nil {
			return
		}
		var again Batch
		if err := b.Each(func(w Write) error {
			switch w.Kind {
			case Put:
				again.Put(w.Class, w.Key, w.Value)
			case Delete:
				again.Delete(w.Class, w.Key)
			default:
				again.DeleteRange(w.Class, w.Key, w.Value)
			}
			return nil
		}); err != nil {
			t.Fatalf("%x was parsed and cannot be walked: %v", data, err)
		}
		parsed, err := ParseBatch(again.Bytes())
		if err != nil || again.Len() != b.Len() || describe(t, parsed) != describe(t, b) {
			t.Fatalf("%x became %x: %v", data, again.Bytes(), err)
		}
	})
}
