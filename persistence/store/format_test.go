package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"dormouse/codec/ids"
)

func TestRecordGolden(t *testing.T) {
	r := record{shards: 32, key: ids.Key{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}
	const want = "010020000102030405060708090a0b0c0d0e0f"
	b := r.append(nil)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, err := parseRecord(b); err != nil || got != r {
		t.Errorf("%v, %v", got, err)
	}
	if got := hex.EncodeToString(recordKey); got != "0073746f7265" {
		t.Errorf("key %s", got)
	}
	if got := hex.EncodeToString(appendKey(nil, 0x0102, 'c', []byte{0xee, 0xff})); got != "630102eeff" {
		t.Errorf("physical key %s", got)
	}
}

func TestMalformedRecordsAreErrors(t *testing.T) {
	good := record{shards: 32}.append(nil)
	for n := range good {
		if _, err := parseRecord(good[:n]); !errors.Is(err, ErrVersion) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for name, b := range map[string][]byte{
		"longer":          append(bytes.Clone(good), 0),
		"version":         append([]byte{2}, good[1:]...),
		"no shards":       append([]byte{1, 0, 0}, good[3:]...),
		"too many shards": append([]byte{1, 0xff, 0xff}, good[3:]...),
	} {
		if _, err := parseRecord(b); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShardsAndKeyAreKept(t *testing.T) {
	fs := vfs.NewMem()
	o := small(fs)
	s := start(t, o)
	key := s.Key()
	if s.Shards() != shards || key == (ids.Key{}) {
		t.Errorf("%d shards, key %x", s.Shards(), key)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[ids.Shards]string{
		shards:            "",
		0:                 "",
		shards * 2:        "created with 8, 16 are asked for",
		ids.MaxShards + 1: "more than 2048",
	} {
		o.Shards = asked
		s, err := Open(o)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%d asked: %v", asked, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.Shards() != shards || s.Key() != key {
			t.Errorf("%d asked: %d shards, key %x", asked, s.Shards(), s.Key())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	o.Shards = shards * 2
	if _, err := Open(o); !errors.Is(err, ErrShards) {
		t.Errorf("%v", err)
	}
}

func TestTwoStoresHaveDifferentKeys(t *testing.T) {
	a, b := opened(t, small(vfs.NewMem())), opened(t, small(vfs.NewMem()))
	if a.Key() == b.Key() {
		t.Error("the same key twice")
	}
	o := small(vfs.NewMem())
	o.Shards = 0
	if s := opened(t, o); s.Shards() != defaultShards {
		t.Errorf("%d shards by default", s.Shards())
	}
}

func TestForeignDataIsRefused(t *testing.T) {
	for name, key := range map[string]string{"no record": "foreign", "another version": "\x00store"} {
		fs := vfs.NewMem()
		db, err := pebble.Open("data", &pebble.Options{FS: fs, Logger: pebbleLogger{log: small(fs).withDefaults().Logger}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Set([]byte(key), []byte{99}, pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(small(fs)); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
		// The refusal has let go of the directory.
		if _, err := Open(small(fs)); errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecondOpenerIsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"memory": small(vfs.NewMem()),
		"disk":   {Dir: t.TempDir() + "/a/b", Shards: shards, BallastBytes: -1},
	} {
		s := start(t, o)
		if _, err := Open(o); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: %v", name, err)
		}
		apply(t, s, put(1, 'c', "a", "b"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = start(t, o)
		if got := get(t, s, 1, 'c', "a"); got != "b" {
			t.Errorf("%s: %q after opening again", name, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"no directory":         func(o *Options) { o.Dir = "" },
		"cache of 5 bytes":     func(o *Options) { o.CacheBytes = 5 },
		"memtable of -1 bytes": func(o *Options) { o.MemTableBytes = -1 },
		"low watermark":        func(o *Options) { o.LowSpace, o.FullSpace = 5, 6 },
	} {
		o := small(vfs.NewMem())
		change(&o)
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
