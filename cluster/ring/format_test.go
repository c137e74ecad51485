package ring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// forms are read in both directions.
var forms = []struct {
	name string
	top  Topology
	hex  string
}{
	{"one node", Topology{Version: 1, Replicas: 3, Nodes: []Node{{ID: 1, Weight: 1}}, Shards: []Holders{{1}, {1}}},
		"01 01 03" + "01 0000000000000001 00 01 00" + "02 0100 0100"},
	{"three nodes", Topology{Version: 300, Replicas: 3, Nodes: []Node{
		{ID: 0x0102030405060708, Zone: "a", Weight: 1},
		{ID: 0x1112131415161718, Zone: "bc", Weight: 1000, Standby: true},
		{ID: 0xfedcba9876543210, Weight: 2, Draining: true},
	}, Shards: []Holders{{0x1112131415161718, 0x0102030405060708}, {0x0102030405060708, 0x1112131415161718}}},
		"01 ac02 03" + "03 0102030405060708 00 01 0161 1112131415161718 02 e807 026263 fedcba9876543210 01 02 00" + "02 020100 020001"},
}

func unspaced(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestTopologiesBothWays(t *testing.T) {
	for _, tc := range forms {
		want := unspaced(tc.hex)
		if got := tc.top.Append([]byte{0xee})[1:]; !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", tc.name, got, want)
		}
		if got, err := ParseTopology(want); err != nil || !reflect.DeepEqual(got, tc.top) {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
}

func TestTopologiesCutAtEveryByte(t *testing.T) {
	for _, tc := range forms {
		whole := unspaced(tc.hex)
		for n := range whole {
			if got, err := ParseTopology(whole[:n]); !errors.Is(err, ErrTopology) || got.Version != 0 {
				t.Errorf("%s cut at %d: %v, %v", tc.name, n, got, err)
			}
		}
	}
}

func TestMalformedTopologies(t *testing.T) {
	for name, tc := range map[string]struct{ hex, says string }{
		"another format":    {"02 01 03 01 0000000000000001 00 01 00 01 0100", "version 2 of the format"},
		"version 0":         {"01 00 03 01 0000000000000001 00 01 00 01 0100", "version 0"},
		"no replicas":       {"01 01 00 01 0000000000000001 00 01 00 01 0100", "0 replicas"},
		"many replicas":     {"01 01 08 01 0000000000000001 00 01 00 01 0100", "8 replicas"},
		"no nodes":          {"01 01 03 00 01 0100", "0 nodes"},
		"many nodes":        {"01 01 03 8108", "1025 nodes"},
		"node 0":            {"01 01 03 01 0000000000000000 00 01 00 01 0100", "without an ID"},
		"flags":             {"01 01 03 01 0000000000000001 04 01 00 01 0100", "flags 0x4"},
		"weight 0":          {"01 01 03 01 0000000000000001 00 00 00 01 0100", "weight 0"},
		"weight":            {"01 01 03 01 0000000000000001 00 ffffffffffffffffff01 00 01 0100", "weight 1001"},
		"zone":              {"01 01 03 01 0000000000000001 00 01 41" + strings.Repeat("61", 65) + "01 0100", "65 bytes"},
		"order of nodes":    {"01 01 03 02 0000000000000002 00 01 00 0000000000000001 00 01 00 01 0100", "out of order"},
		"no shards":         {"01 01 03 01 0000000000000001 00 01 00 00", "0 shards"},
		"many shards":       {"01 01 03 01 0000000000000001 00 01 00 8110", "2049 shards"},
		"no holders":        {"01 01 03 01 0000000000000001 00 01 00 01 00", "0 holders"},
		"many holders":      {"01 01 01 01 0000000000000001 00 01 00 01 020000", "2 holders"},
		"twice":             {"01 01 03 01 0000000000000001 00 01 00 01 020000", "node number 0 of 1"},
		"holder is no node": {"01 01 03 01 0000000000000001 00 01 00 01 0101", "node number 1 of 1"},
		"more bytes":        {"01 01 03 01 0000000000000001 00 01 00 01 0100 00", "malformed record"},
	} {
		if got, err := ParseTopology(unspaced(tc.hex)); !errors.Is(err, ErrTopology) || !strings.Contains(err.Error(), tc.says) || got.Version != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestSizeOfForm keeps what nodes tell one another small.
func TestSizeOfForm(t *testing.T) {
	top := mustPlace(t, hundred(), 1024, 3)
	n := len(top.Append(nil))
	t.Logf("100 nodes and 1024 shards: %d bytes", n)
	if n > 8<<10 {
		t.Errorf("%d bytes", n)
	}
}

func FuzzParseTopology(f *testing.F) {
	for _, tc := range forms {
		f.Add(unspaced(tc.hex))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := ParseTopology(data)
		if err != nil {
			return
		}
		form := top.Append(nil)
		again, err := ParseTopology(form)
		if err != nil || !reflect.DeepEqual(again, top) {
			t.Fatalf("%x is %v, whose form %x is %v, %v", data, top, form, again, err)
		}
		// Whatever was read can be planned on.
		if next, err := Replan(top, top.Nodes); err != nil || len(next.Shards) != len(top.Shards) {
			t.Fatalf("%x: planned as %v, %v", data, next, err)
		}
	})
}
