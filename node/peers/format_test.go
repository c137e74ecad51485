package peers

import (
	"encoding/hex"
	"net/netip"
	"reflect"
	"testing"

	"dormouse/codec/ids"
)

// TestFormats holds the bytes of docs/formats/peers.md.
func TestFormats(t *testing.T) {
	r := Record{ID: 7, Name: "n1", Zone: "w", Addr: netip.MustParseAddrPort("10.0.0.1:7946"), Weight: 2, Draining: true}
	const want = "01" + "01" + "02" + "026e31" + "0177" + "0d31302e302e302e313a37393436"
	raw := r.append(nil)
	if hex.EncodeToString(raw) != want {
		t.Errorf("%x", raw)
	}
	if got, err := parseRecord(7, raw); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	if hex.EncodeToString(r.key()) != "6e0000000000000007" {
		t.Errorf("%x", r.key())
	}
	w := Welcome{Shards: 32, Key: ids.Key{1}, Check: []byte("c")}
	raw = w.append(nil)
	if hex.EncodeToString(raw) != "010020"+"01000000000000000000000000000000"+"0163" {
		t.Errorf("%x", raw)
	}
	if got, err := parseWelcome(raw); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCutAndStrange(t *testing.T) {
	r := Record{ID: 7, Name: "n1", Addr: netip.MustParseAddrPort("10.0.0.1:7946"), Weight: 1}
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
	for _, other := range [][]byte{append([]byte{2}, w[1:]...), append(w[:len(w):len(w)], 0), Welcome{}.append(nil)} {
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
