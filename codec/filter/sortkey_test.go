package filter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"dormouse/codec/platform"
)

// sortKeys are the golden bytes of docs/formats/calls.md.
var sortKeys = []struct {
	key []Value
	hex string
}{
	{[]Value{TextValue("aé"), IntValue(-5), BoolValue(true), TimeValue(time.UnixMilli(-1))}, "02" + "03" + "61c3a9" + "01" + "02" + "2d35" + "05" + "01" + "06" + "01"},
	{[]Value{{}, JSONValue([]byte(`{"a":1}`)), JSONValue([]byte("[1]")), BoolValue(false)}, "00" + "03" + "04" + "0500"},
	{nil, ""},
}

func TestSortKeysBothWaysAndCut(t *testing.T) {
	for _, c := range sortKeys {
		raw := AppendSortKey(nil, c.key)
		if got := hex.EncodeToString(raw); got != c.hex {
			t.Errorf("%s, want %s", got, c.hex)
		}
		again, err := ParseSortKey(raw, len(c.key))
		if err != nil || !bytes.Equal(AppendSortKey(nil, again), raw) {
			t.Errorf("%s became %v, %v", c.hex, again, err)
		}
		for i := range again {
			if again[i].Compare(c.key[i]) != 0 {
				t.Errorf("value %d of %s is another one", i, c.hex)
			}
		}
		for n := range raw {
			if _, err := ParseSortKey(raw[:n], len(c.key)); !errors.Is(err, ErrKey) {
				t.Errorf("%s cut at %d: %v", c.hex, n, err)
			}
		}
		if _, err := ParseSortKey(append(raw, 0), len(c.key)); !errors.Is(err, ErrKey) {
			t.Errorf("%s and more: %v", c.hex, err)
		}
	}
}

// A key is short whatever the object says.
func TestSortKeysAreShort(t *testing.T) {
	q, err := Parse("$orderby=name,type,n,m")
	if err != nil {
		t.Fatal(err)
	}
	m := device(t)
	m.Name, m.Type = strings.Repeat("é", 1000), strings.Repeat("x", 79)+"é"
	long, err := platform.ParseFragments([]byte(`{"n":1` + strings.Repeat("0", 1000) + `,"m":{"a":"` + strings.Repeat("x", 1000) + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	m.Fragments = append(m.Fragments, long...)
	key := q.SortKey(Managed{m})
	raw := AppendSortKey(nil, key)
	if len(raw) > MaxOrders*(maxSortText+2) || key[2].Kind() != Null || key[3].Kind() != Map || key[1].text != strings.Repeat("x", 79) {
		t.Errorf("%d bytes: %q", len(raw), raw)
	}
	if again, err := ParseSortKey(raw, len(key)); err != nil || q.Compare(key, again) != 0 {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := Parse("$orderby=a,b,c,d,e"); !errors.Is(err, ErrBounds) {
		t.Errorf("five orders: %v", err)
	}
}

func FuzzParseSortKey(f *testing.F) {
	for _, c := range sortKeys {
		f.Add(AppendSortKey(nil, c.key), len(c.key))
	}
	f.Fuzz(func(t *testing.T, raw []byte, n int) {
		if n < 0 || n > MaxOrders {
			return
		}
		key, err := ParseSortKey(raw, n)
		if err != nil {
			return
		}
		again, err := ParseSortKey(AppendSortKey(nil, key), n)
		if err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
		for i := range key {
			if key[i].Compare(again[i]) != 0 {
				t.Fatalf("%x: value %d is another one", raw, i)
			}
		}
	})
}
