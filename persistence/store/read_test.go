package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

func TestGetAppends(t *testing.T) {
	s := opened(t, small(vfs.NewMem()))
	apply(t, s, put(1, 'c', "key", "value"), put(1, 'c', "empty", ""))
	for _, tc := range []struct {
		shard ids.Shard
		class wire.Class
		key   string
		want  string
		found bool
	}{
		{1, 'c', "key", "dst:value", true},
		{1, 'c', "empty", "dst:", true},
		{1, 'c', "ke", "dst:", false},
		{1, 'c', "keys", "dst:", false},
		{1, 'h', "key", "dst:", false},
		{2, 'c', "key", "dst:", false},
		{shards, 'c', "key", "dst:", false},
	} {
		got, found, err := s.Get(tc.shard, tc.class, []byte(tc.key), []byte("dst:"))
		if err != nil || found != tc.found || string(got) != tc.want {
			t.Errorf("Get(%d, %c, %q) = %q, %v, %v", tc.shard, tc.class, tc.key, got, found, err)
		}
	}
}

func TestScanBounds(t *testing.T) {
	s := opened(t, small(vfs.NewMem()))
	// Every neighbour that a wrong bound would let in, and the last shard.
	for _, shard := range []ids.Shard{2, 3, 4, shards - 1} {
		for _, class := range []wire.Class{'b', 'c', 'd'} {
			for _, k := range []string{"", "a", "b", "b\x00", "c", "\xff\xff"} {
				apply(t, s, put(shard, class, k, fmt.Sprintf("%d%c", shard, class)))
			}
		}
	}
	all := []string{"", "a", "b", "b\x00", "c", "\xff\xff"}
	for _, shard := range []ids.Shard{3, shards - 1} {
		for _, tc := range []struct {
			from, to string
			want     []string
		}{
			{"", "", all},
			{"a", "", all[1:]},
			{"b", "c", all[2:4]},
			{"b\x00", "c", all[3:4]},
			{"aa", "bb", all[2:4]},
			{"", "b", all[:2]},
			{"c", "b", nil},
			{"b", "b", nil},
			{"\xff\xff", "", all[5:]},
			{"\xff\xff\xff", "", nil},
		} {
			for _, reverse := range []bool{false, true} {
				want := slices.Clone(tc.want)
				if reverse {
					slices.Reverse(want)
				}
				if got := keys(t, s, shard, tc.from, tc.to, reverse, 100); !slices.Equal(got, want) {
					t.Errorf("shard %d [%q, %q) reverse %v: %q, want %q", shard, tc.from, tc.to, reverse, got, want)
				}
				if n := min(2, len(want)); n > 0 {
					if got := keys(t, s, shard, tc.from, tc.to, reverse, n); !slices.Equal(got, want[:n]) {
						t.Errorf("stopped after %d: %q", n, got)
					}
				}
			}
		}
	}
}

// keys scans class c and stops after limit records.
func keys(t *testing.T, s *Store, shard ids.Shard, from, to string, reverse bool, limit int) (got []string) {
	t.Helper()
	if err := s.Scan(shard, 'c', []byte(from), []byte(to), reverse, func(k, v []byte) bool {
		if want := fmt.Sprintf("%dc", shard); string(v) != want {
			t.Errorf("value %q in a scan of %q", v, want)
		}
		got = append(got, string(k))
		return len(got) < limit
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestScanSeesOneMomentAndMayCallTheStore(t *testing.T) {
	s := opened(t, small(vfs.NewMem()))
	apply(t, s, put(1, 'c', "a", "1"), put(1, 'c', "b", "2"))
	n := 0
	if err := s.Scan(1, 'c', nil, nil, false, func(k, v []byte) bool {
		n++
		apply(t, s, put(1, 'c', string(k)+"'", "new"))
		if got := get(t, s, 1, 'c', string(k)+"'"); got != "new" {
			t.Errorf("%q within a scan", got)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("%d records seen", n)
	}
}

func TestKeysDoNotOverlap(t *testing.T) {
	shard := []ids.Shard{0, 1, 255, 256, ids.MaxShards - 1}
	for _, class := range []wire.Class{1, 'a', 'b', 0xfe} {
		for i, s := range shard {
			from, to := appendKey(nil, s, class, nil), appendEnd(nil, s, class, nil)
			last := appendKey(nil, s, class, bytes.Repeat([]byte{0xff}, 40))
			if bytes.Compare(from, to) >= 0 || bytes.Compare(last, to) >= 0 {
				t.Errorf("class %d shard %d ends at %x", class, s, to)
			}
			if i+1 < len(shard) && bytes.Compare(to, appendKey(nil, shard[i+1], class, nil)) > 0 {
				t.Errorf("class %d shard %d reaches into shard %d", class, s, shard[i+1])
			}
			if bytes.Compare(to, appendKey(nil, 0, class+1, nil)) > 0 {
				t.Errorf("class %d shard %d reaches into the next class", class, s)
			}
		}
	}
	if bytes.Compare(recordKey, appendKey(nil, 0, 1, nil)) >= 0 {
		t.Error("the store's record lies among the classes")
	}
}
