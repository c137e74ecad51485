package fleet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// others are the golden bytes of docs/formats/endpoint.md, record m.
var others = []struct {
	object platform.ManagedObject
	hex    string
}{
	{platform.ManagedObject{ID: 5}, "0100000000007b7d"},
	{platform.ManagedObject{ID: 5, Type: "group", Name: "a", Owner: "ann", Created: time.UnixMilli(1_793_534_400_250), Updated: time.UnixMilli(1_793_534_400_251),
		Fragments: platform.Fragments{{Name: "x", Raw: []byte("1")}}}, "01f4dbd8efb268f6dbd8efb2680567726f7570016103616e6e7b2278223a317d"},
}

func TestObjectBothWaysAndCut(t *testing.T) {
	for _, tc := range others {
		raw := appendObject([]byte{0xee}, &tc.object)[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("\n got %s\nwant %s", got, tc.hex)
		}
		got, err := parseObject(5, raw)
		if err != nil || len(got.Fragments) != len(tc.object.Fragments) {
			t.Errorf("%+v, %v", got, err)
		}
		got.Fragments = tc.object.Fragments
		if !reflect.DeepEqual(got, tc.object) {
			t.Errorf("%+v, want %+v", got, tc.object)
		}
		for n := range raw {
			if _, err := parseObject(5, raw[:n]); err == nil {
				t.Errorf("cut at %d", n)
			}
		}
		raw[0]++
		if _, err := parseObject(5, raw); !errors.Is(err, wire.ErrFields) {
			t.Errorf("version 2: %v", err)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, tc := range others {
		f.Add(appendObject(nil, &tc.object))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseObject(5, data)
		if err != nil {
			return
		}
		once := appendObject(nil, &m)
		again, err := parseObject(5, once)
		if err != nil || !bytes.Equal(appendObject(nil, &again), once) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}
