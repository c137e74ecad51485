package members

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// A stranger asks, is refused, and learns something of it; those asked count it.
func TestStrangers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		says   string
	}{
		{"another key", func(o *Options) { o.Keys = [][]byte{key(2)} }, "no installed keys"},
		{"no key", func(o *Options) { o.Keys = nil }, "is encrypted"},
		{"another label", func(o *Options) { o.Cluster = "other" }, "another name"},
		{"another label and key", func(o *Options) { o.Cluster, o.Keys = "other", [][]byte{key(2)} }, "another name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := begin(t, options("a"))
			o := options("s", a)
			c.change(&o)
			s := begin(t, o)
			s.joiner.round(t.Context())
			if err := s.JoinError(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the stranger learns %v", err)
			}
			if got := namesOf(s.List()); len(got) != 1 || hasMet(s.Met()) {
				t.Errorf("it sees %v", got)
			}
			if got := namesOf(a.List()); len(got) != 1 || hasMet(a.Met()) {
				t.Errorf("it is seen among %v", got)
			}
			if a.Stats().Strangers == 0 {
				t.Error("nobody counted it")
			}
		})
	}
}

func TestKeysRotate(t *testing.T) {
	a, b, c := three(t, nil)
	version := uint64(0)
	for _, keys := range [][][]byte{{key(1), key(2)}, {key(2), key(1)}, {key(2)}} {
		for _, n := range []*node{a, b, c} {
			if err := n.SetKeys(keys); err != nil {
				t.Fatal(err)
			}
		}
		version++
		c.SetTopology(version)
		for _, n := range []*node{a, b, c} {
			n.await(t, "the topology", func() bool { return len(n.all) == 3 && n.all[2].Topology == version })
		}
	}
	for _, n := range []*node{a, b, c} {
		n.note(func() {
			if slices.ContainsFunc(n.events, func(e Event) bool { return e.Kind == Failed }) {
				t.Errorf("%s was told of %s", n.name, n.lines())
			}
		})
	}
	late := begin(t, options("late", a))
	late.joiner.round(t.Context())
	if err := late.JoinError(); err == nil || hasMet(late.Met()) {
		t.Error("the old key lets in")
	}
	o := options("d", a)
	o.Keys = [][]byte{key(2)}
	begin(t, o).awaitList(t, "a", "b", "c", "d")
}

// Readers of the ring never see a torn one: the race detector watches, and
// every key that is read is one of ours.
func TestKeyringUnderReaders(t *testing.T) {
	k, err := newKeyring([][]byte{key(1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			for _, got := range k.ring.GetKeys() {
				if !bytes.Equal(got, key(got[0])) {
					t.Errorf("read %x", got)
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range byte(200) {
		keys := [][]byte{key(i), key(i + 1), key(i), key(7)}[:1+i%4]
		if err := k.set(keys); err != nil {
			t.Fatal(err)
		}
		got := k.ring.GetKeys()
		if len(got) != len(unique(keys)) || !bytes.Equal(got[0], keys[0]) {
			t.Fatalf("step %d: %d keys, the first %d", i, len(got), got[0][0])
		}
		for _, want := range keys {
			if !contains(got, want) {
				t.Fatalf("step %d: key %d is missing", i, want[0])
			}
		}
	}
	close(done)
	readers.Wait()
}

func TestKeysRefused(t *testing.T) {
	k, err := newKeyring([][]byte{key(1)})
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][][]byte{
		"none":     {},
		"short":    {key(1)[:16]},
		"too many": make([][]byte, MaxKeys+1),
	} {
		if err := k.set(keys); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	none, err := newKeyring(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := none.set([][]byte{key(1)}); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
}
