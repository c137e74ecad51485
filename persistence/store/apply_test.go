package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// content is all records of a class in a shard, as text.
func content(t testing.TB, s *Store, shard ids.Shard, class wire.Class) string {
	t.Helper()
	var b strings.Builder
	if err := s.Scan(shard, class, nil, nil, false, func(k, v []byte) bool {
		fmt.Fprintf(&b, "%s=%s ", k, v)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestWritesApplyInOrder(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(b *wire.Batch)
		want string
	}{
		{"put", func(b *wire.Batch) { b.Put('c', []byte("e"), []byte("5")) }, "a=1 b=2 c=3 d=4 e=5"},
		{"put over", func(b *wire.Batch) { b.Put('c', []byte("a"), nil) }, "a= b=2 c=3 d=4"},
		{"put, delete", func(b *wire.Batch) { b.Put('c', []byte("e"), nil); b.Delete('c', []byte("e")) }, "a=1 b=2 c=3 d=4"},
		{"delete, put", func(b *wire.Batch) { b.Delete('c', []byte("a")); b.Put('c', []byte("a"), []byte("9")) }, "a=9 b=2 c=3 d=4"},
		{"delete of nothing", func(b *wire.Batch) { b.Delete('c', []byte("x")) }, "a=1 b=2 c=3 d=4"},
		{"range", func(b *wire.Batch) { b.DeleteRange('c', []byte("b"), []byte("d")) }, "a=1 d=4"},
		{"range to the end", func(b *wire.Batch) { b.DeleteRange('c', []byte("b"), nil) }, "a=1"},
		{"range of all", func(b *wire.Batch) { b.DeleteRange('c', nil, nil) }, ""},
		{"range of nothing", func(b *wire.Batch) { b.DeleteRange('c', []byte("b"), []byte("b")) }, "a=1 b=2 c=3 d=4"},
		{"range backwards", func(b *wire.Batch) { b.DeleteRange('c', []byte("d"), []byte("a")) }, "a=1 b=2 c=3 d=4"},
		{"range, put into it", func(b *wire.Batch) { b.DeleteRange('c', nil, nil); b.Put('c', []byte("c"), []byte("7")) }, "c=7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := opened(t, small(vfs.NewMem()))
			for _, shard := range []ids.Shard{0, 3, shards - 1} {
				for i, k := range []string{"a", "b", "c", "d"} {
					apply(t, s, put(shard, 'c', k, fmt.Sprint(i+1)), put(shard, 'h', k, "h"))
				}
			}
			apply(t, s, in(3, tc.do))
			if got := content(t, s, 3, 'c'); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			// Neighbours in shard and class see nothing of it.
			for _, shard := range []ids.Shard{0, shards - 1} {
				if got := content(t, s, shard, 'c'); got != "a=1 b=2 c=3 d=4" {
					t.Errorf("shard %d has %q", shard, got)
				}
			}
			if got := content(t, s, 3, 'h'); got != "a=h b=h c=h d=h" {
				t.Errorf("class h has %q", got)
			}
		})
	}
}

func TestApplyIsAllOrNone(t *testing.T) {
	cut, err := wire.ParseBatch(put(0, 'c', "k", "v").Batch.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	// A batch is checked by its parser, not by the store: bytes that change
	// under it are the nearest to a malformed one.
	cut.Bytes()[0] = 9
	for _, tc := range []struct {
		name string
		bad  wire.ShardBatch
		want error
	}{
		{"shard", put(shards, 'c', "k", "v"), ErrShard},
		{"class 0", put(1, 0, "k", "v"), ErrClass},
		{"class 255", put(1, 255, "k", "v"), ErrClass},
		{"malformed", wire.ShardBatch{Shard: 1, Batch: cut}, wire.ErrBatch},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := opened(t, small(vfs.NewMem()))
			if err := s.Apply([]wire.ShardBatch{put(1, 'c', "before", "v"), tc.bad, put(1, 'c', "behind", "v")}); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if got := content(t, s, 1, 'c'); got != "" {
				t.Errorf("applied %q", got)
			}
			apply(t, s, put(1, 'c', "after", "v"))
		})
	}
}

func TestBatchesWithoutWritesCostNothing(t *testing.T) {
	s := opened(t, small(vfs.NewMem()))
	apply(t, s)
	apply(t, s, wire.ShardBatch{Shard: 2}, wire.ShardBatch{Shard: 3, Batch: new(wire.Batch)})
	if m := s.Metrics(); m.Commits != 0 {
		t.Errorf("%d commits", m.Commits)
	}
	apply(t, s, put(1, 'c', "a", "1"), put(2, 'c', "b", "2"))
	if m := s.Metrics(); m.Commits != 1 || m.Writes != 2 || m.DiskBytes <= 0 || m.MemTableBytes <= 0 {
		t.Errorf("%+v", m)
	}
}

func TestLargeBatch(t *testing.T) {
	s := opened(t, small(vfs.NewMem()))
	value := strings.Repeat("x", 1000)
	apply(t, s, in(5, func(b *wire.Batch) {
		for i := range 4000 { // sixteen memtables
			b.Put('v', fmt.Appendf(nil, "%06d", i), []byte(value))
		}
	}))
	if got := get(t, s, 5, 'v', "003999"); got != value {
		t.Errorf("%d bytes", len(got))
	}
}

func TestAfterCloseEverythingSaysSo(t *testing.T) {
	s := start(t, small(vfs.NewMem()))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply([]wire.ShardBatch{put(1, 'c', "a", "b")}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, _, err := s.Get(1, 'c', nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.Scan(1, 'c', nil, nil, false, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	_ = s.Metrics()
}
