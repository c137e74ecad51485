package peers

import (
	"encoding/hex"
	"net/netip"
	"reflect"
	"testing"

	"dormouse/codec/format"
	"dormouse/codec/ids"
)

// TestFormats holds the bytes of docs/formats/peers.md.
func TestFormats(t *testing.T) {
	r := Record{ID: 7, Name: "n1", Zone: "w", Addr: netip.MustParseAddrPort("10.0.0.1:7946"), Weight: 2, Draining: true, Reads: firstLevel}
	const want = "01" + "01" + "02" + "026e31" + "0177" + "0d31302e302e302e313a37393436"
	raw := r.append(nil)
	if hex.EncodeToString(raw) != want {
		t.Errorf("%x", raw)
	}
	if got, err := parseRecord(7, raw); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	r.Reads = format.Range{Oldest: 1, Newest: 2}
	raw = r.append(nil)
	if hex.EncodeToString(raw) != "02"+want[2:]+"0102" {
		t.Errorf("%x", raw)
	}
	if got, err := parseRecord(7, raw); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	if hex.EncodeToString(r.key()) != "6e0000000000000007" {
		t.Errorf("%x", r.key())
	}
	w := Welcome{Shards: 32, Key: ids.Key{1}, Check: []byte("c"), Level: 1}
	raw = w.append(nil)
	if hex.EncodeToString(raw) != "010020"+"01000000000000000000000000000000"+"0163" {
		t.Errorf("%x", raw)
	}
	if got, err := parseWelcome(raw); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("%+v, %v", got, err)
	}
	w.Level = 2
	raw = w.append(nil)
	if hex.EncodeToString(raw) != "020020"+"01000000000000000000000000000000"+"0163"+"02" {
		t.Errorf("%x", raw)
	}
	if got, err := parseWelcome(raw); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestLeads holds the frames of both levels. A program reads the second one where it
// reads that level alone.
func TestLeads(t *testing.T) {
	list := []claimed{{1, 7}, {300, 1000}}
	first, second := appendLeads(nil, format.First, list), appendLeads(nil, format.Synthetic, list)
	if hex.EncodeToString(first) != "01"+"0001"+"0000000000000007"+"012c"+"00000000000003e8" || hex.EncodeToString(second) != "02"+"01"+"07"+"ac02"+"e807" {
		t.Errorf("%x, %x", first, second)
	}
	next := format.Range{Oldest: format.First, Newest: format.Synthetic}
	for _, raw := range [][]byte{first, second} {
		if got, err := parseLeads(raw, next); err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("%x: %v, %v", raw, got, err)
		}
		if _, err := parseLeads(raw[:len(raw)-1], next); err == nil {
			t.Errorf("%x was read without its last byte", raw)
		}
	}
	if got, err := parseLeads(first, firstLevel); err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := parseLeads(second, firstLevel); err == nil {
		t.Errorf("a program of the first level read %v", got)
	}
}

func TestCutAndStrange(t *testing.T) {
	r := Record{ID: 7, Name: "n1", Addr: netip.MustParseAddrPort("10.0.0.1:7946"), Weight: 1, Reads: firstLevel}
	raw := r.append(nil)
	for n := range raw {
		if _, err := parseRecord(7, raw[:n]); err == nil {
			t.Errorf("cut at %d", n)
		}
	}
	w := Welcome{Shards: 32}.append(nil)
	for n := range w {
		if _, err := parseWelcome(w[:n]); err == nil {
			t.Errorf("welcome cut at %d", n)
		}
	}
	for _, other := range [][]byte{append([]byte{2}, w[1:]...), append([]byte{3}, w[1:]...), append(w[:len(w):len(w)], 0), Welcome{}.append(nil)} {
		if _, err := parseWelcome(other); err == nil {
			t.Errorf("%x", other)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add((&Record{Name: "n", Addr: netip.MustParseAddrPort("[::1]:1")}).append(nil))
	f.Add(Welcome{Shards: 1}.append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := parseRecord(1, data); err == nil {
			if again, err := parseRecord(1, r.append(nil)); err != nil || again != r {
				t.Errorf("%+v became %+v, %v", r, again, err)
			}
		}
		_, _ = parseWelcome(data)
	})
}
