package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// fields are read in both directions: what is appended, the bytes, and how they
// are taken again.
var fields = []struct {
	name   string
	append func(dst []byte) []byte
	hex    string
	take   func(f *Fields) any
	want   any
}{
	{"time", func(b []byte) []byte { return AppendTime(b, time.UnixMilli(1_800_000_000_123)) },
		"f6c1e285e368", func(f *Fields) any { return f.Time().UnixMilli() }, int64(1_800_000_000_123)},
	{"no time", func(b []byte) []byte { return AppendTime(b, time.Time{}) },
		"00", func(f *Fields) any { return f.Time().IsZero() }, true},
	{"time before 1970", func(b []byte) []byte { return AppendTime(b, time.UnixMilli(-1)) },
		"01", func(f *Fields) any { return f.Time().UnixMilli() }, int64(-1)},
	{"text", func(b []byte) []byte { return AppendText(b, "abc") },
		"03616263", func(f *Fields) any { return f.Text() }, "abc"},
	{"no text", func(b []byte) []byte { return AppendText(b, "") },
		"00", func(f *Fields) any { return f.Text() }, ""},
	{"long text", func(b []byte) []byte { return AppendText(b, strings.Repeat("x", 200)) },
		"c801" + strings.Repeat("78", 200), func(f *Fields) any { return f.Text() }, strings.Repeat("x", 200)},
	{"section", func(b []byte) []byte { return CloseSection(append(b, 1, 2, 3), len(b), 9) },
		"0903010203", takeSection, "9:010203"},
	{"byte", func(b []byte) []byte { return append(b, 0xfe) },
		"fe", func(f *Fields) any { return f.Byte() }, byte(0xfe)},
	{"two bytes", func(b []byte) []byte { return append(b, 0x12, 0x34) },
		"1234", func(f *Fields) any { return f.Uint16() }, uint16(0x1234)},
	{"eight bytes", func(b []byte) []byte { return append(b, 1, 2, 3, 4, 5, 6, 7, 8) },
		"0102030405060708", func(f *Fields) any { return f.Uint64() }, uint64(0x0102030405060708)},
	{"least varint", func(b []byte) []byte { return binary.AppendVarint(b, math.MinInt64) },
		strings.Repeat("ff", 9) + "01", func(f *Fields) any { return f.Varint() }, int64(math.MinInt64)},
	{"greatest varint", func(b []byte) []byte { return binary.AppendUvarint(b, math.MaxUint64) },
		strings.Repeat("ff", 9) + "01", func(f *Fields) any { return f.Uvarint() }, uint64(math.MaxUint64)},
	{"bytes", func(b []byte) []byte { return append(b, 2, 0xaa, 0xbb) },
		"02aabb", func(f *Fields) any { return hex.EncodeToString(f.Bytes()) }, "aabb"},
	{"rest", func(b []byte) []byte { return append(b, 0xaa, 0xbb) },
		"aabb", func(f *Fields) any { return hex.EncodeToString(f.Rest()) }, "aabb"},
}

func takeSection(f *Fields) any {
	tag, body, ok := f.Section()
	if !ok {
		return "none"
	}
	return string('0'+rune(tag)) + ":" + hex.EncodeToString(body.Rest())
}

func TestFieldsBothWays(t *testing.T) {
	for _, tc := range fields {
		b := tc.append([]byte{0xee})
		if got := hex.EncodeToString(b[1:]); got != tc.hex {
			t.Errorf("%s: appended %s, want %s", tc.name, got, tc.hex)
		}
		f := NewFields(b[1:])
		if got := tc.take(&f); got != tc.want || f.Err() != nil {
			t.Errorf("%s: took %v, %v; want %v", tc.name, got, f.Err(), tc.want)
		}
		more := NewFields(append(b[1:], 0))
		if tc.take(&more); tc.name != "rest" && !errors.Is(more.Err(), ErrFields) {
			t.Errorf("%s: a byte too many is no error", tc.name)
		}
	}
}

// TestFieldsCutAtEveryByte: a field that is not whole is zero and an error, and
// nothing is taken after it.
func TestFieldsCutAtEveryByte(t *testing.T) {
	for _, tc := range fields {
		if tc.name == "rest" {
			continue // whatever there is
		}
		whole := tc.append(nil)
		for n := range whole {
			f := NewFields(whole[:n])
			tc.take(&f)
			if n == 0 && tc.name == "section" {
				continue // the end of the sections
			}
			if !errors.Is(f.Err(), ErrFields) || f.Len() != 0 || f.Byte() != 0 || f.Rest() != nil {
				t.Errorf("%s cut at %d: %v, %d bytes left", tc.name, n, f.Err(), f.Len())
			}
		}
	}
}

func TestMalformedFields(t *testing.T) {
	for name, take := range map[string]func(f *Fields){
		"ffffffffffffffffffff01": func(f *Fields) { f.Varint() },  // eleven bytes
		"ffffffffffffffffff02":   func(f *Fields) { f.Uvarint() }, // above 64 bits
		"ffffffffffffffffff01":   func(f *Fields) { f.Bytes() },   // a length of 2^64-1
		"80808080808080808001aa": func(f *Fields) { f.Text() },    // a length of 2^63
		"0905aabb":               func(f *Fields) { f.Section() }, // a body longer than the record
		"09":                     func(f *Fields) { f.Section() }, // a tag alone
		"aa":                     func(f *Fields) { f.Cut(-1) },
	} {
		raw, err := hex.DecodeString(name)
		if err != nil {
			t.Fatal(err)
		}
		f := NewFields(raw)
		if take(&f); !errors.Is(f.Err(), ErrFields) || f.Len() != 0 {
			t.Errorf("%s: %v, %d bytes left", name, f.Err(), f.Len())
		}
	}
}

// TestPeekThenCut is how a field with a parser of its own is taken.
func TestPeekThenCut(t *testing.T) {
	f := NewFields([]byte{1, 2, 3})
	if got := hex.EncodeToString(f.Peek()); got != "010203" || f.Len() != 3 {
		t.Errorf("peeked at %s, %d left", got, f.Len())
	}
	b := f.Cut(2)
	if _ = append(b, 0xff); f.Byte() != 3 || f.Err() != nil {
		t.Error("an append to what was cut ran into the next field")
	}
	f.Fail()
	if f.Err() == nil || f.Peek() != nil {
		t.Error("a failed record has fields")
	}
}

// TestSections walks sections as a reader does that knows one of three tags.
func TestSections(t *testing.T) {
	record := CloseSection(append([]byte{1}, "old"...), 1, 3)
	record = CloseSection(record, len(record), 5) // empty: no section
	record = CloseSection(append(record, "known"...), len(record), 7)
	record = CloseSection(append(record, strings.Repeat("n", 300)...), len(record), 9)
	f := NewFields(record)
	f.Byte()
	var seen []byte
	known := ""
	for {
		tag, body, ok := f.Section()
		if !ok {
			break
		}
		if seen = append(seen, tag); tag == 7 {
			known = string(body.Rest())
		}
	}
	if f.Err() != nil || string(seen) != "\x03\x07\x09" || known != "known" {
		t.Errorf("tags %x, body %q, %v", seen, known, f.Err())
	}
}

func FuzzFields(f *testing.F) {
	for _, tc := range fields {
		f.Add(tc.append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewFields(data)
		var again []byte
		for {
			tag, body, ok := r.Section()
			if !ok {
				break
			}
			start := len(again)
			if again = append(again, body.Rest()...); len(again) > start {
				again = CloseSection(again, start, tag)
			}
		}
		if r.Err() != nil {
			return
		}
		second := NewFields(again)
		for second.Len() > 0 {
			if _, _, ok := second.Section(); !ok {
				t.Fatalf("%x became %x, which has no sections", data, again)
			}
		}
	})
}
