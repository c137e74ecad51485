package shards_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/cluster/shards"
	"dormouse/cluster/sim/disk"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// net is some nodes that speak to one another without loss, in the time of a
// bubble.
type net struct {
	t     *testing.T
	mu    sync.Mutex
	nodes map[ids.Node]*member
	cut   map[[2]ids.Node]bool
	n     ids.Shards
}

type member struct {
	id     ids.Node
	disk   *disk.Disk
	engine *shards.Engine

	mu  sync.Mutex
	led map[ids.Shard]bool
}

const waitFor = 20 * time.Second

func in(t *testing.T, n ids.Shards, f func(w *net)) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{t: t, nodes: map[ids.Node]*member{}, cut: map[[2]ids.Node]bool{}, n: n}
		defer func() {
			for _, m := range w.nodes {
				m.engine.Close()
			}
		}()
		f(w)
	})
}

func (w *net) reach(from, to ids.Node) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes[from] == nil || w.cut[[2]ids.Node{from, to}] {
		return nil // a node that has crashed says nothing more, though its engine still runs
	}
	return w.nodes[to]
}

func (w *net) start(id ids.Node, d *disk.Disk, found bool, more ...func(*shards.Options)) *member {
	w.t.Helper()
	m := &member{id: id, disk: d, led: map[ids.Shard]bool{}}
	o := shards.Options{
		Self: id, Shards: w.n, Found: found, Storage: d,
		Events: shards.Events{
			Led: func(s ids.Shard, _ uint64) {
				m.mu.Lock()
				defer m.mu.Unlock()
				if m.led[s] {
					w.t.Errorf("node %v: shard %d led twice", id, s)
				}
				m.led[s] = true
			},
			Yielded: func(s ids.Shard) {
				m.mu.Lock()
				defer m.mu.Unlock()
				if !m.led[s] {
					w.t.Errorf("node %v: shard %d yielded and not led", id, s)
				}
				m.led[s] = false
			},
			Fatal: func(err error) { w.t.Errorf("node %v: %v", id, err) },
		},
		Send: func(to ids.Node, frame []byte) {
			if peer := w.reach(id, to); peer != nil {
				if err := peer.engine.Receive(id, frame); err != nil {
					w.t.Error(err)
				}
			}
		},
		Fetch: func(ctx context.Context, from ids.Node, request []byte) ([]byte, error) {
			peer := w.reach(id, from)
			if peer == nil {
				return nil, errors.New("cut")
			}
			return peer.engine.Serve(ctx, id, request)
		},
	}
	for _, f := range more {
		f(&o)
	}
	e, err := shards.Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	m.engine = e
	w.mu.Lock()
	w.nodes[id] = m
	w.mu.Unlock()
	e.Start()
	return m
}

func (w *net) crash(m *member, keep int) *disk.Disk {
	w.mu.Lock()
	delete(w.nodes, m.id)
	w.mu.Unlock()
	d := m.disk.Crash(keep)
	m.engine.Close()
	return d
}

// until waits in the bubble's time.
func (w *net) until(what string, f func() bool) {
	w.t.Helper()
	for range int(waitFor / (10 * time.Millisecond)) {
		synctest.Wait()
		if f() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	w.t.Fatalf("%v and not yet: %s", waitFor, what)
}

func (w *net) leader(s ids.Shard) *member {
	for _, m := range w.nodes {
		if st, ok := m.engine.Status(s); ok && st.Leads {
			return m
		}
	}
	return nil
}

func put(key, value string) *wire.Batch {
	b := new(wire.Batch)
	b.Put(wire.ClassMeta, []byte(key), []byte(value))
	return b
}

func (m *member) get(s ids.Shard, key string) string {
	value, _, _ := m.disk.Get(s, wire.ClassMeta, []byte(key), nil)
	return string(value)
}

// propose waits for the answer.
func (m *member) propose(s ids.Shard, b *wire.Batch) error {
	done := make(chan error, 1)
	m.engine.Propose(s, b, func(err error) { done <- err })
	return <-done
}

func (m *member) change(s ids.Shard, c shards.Change, n ids.Node) error {
	done := make(chan error, 1)
	m.engine.Change(s, c, n, func(err error) { done <- err })
	return <-done
}

// grow makes id a voter of all shards.
func (w *net) grow(id ids.Node) {
	w.t.Helper()
	for _, s := range append([]ids.Shard{ids.System}, all(w.n)...) {
		w.until(fmt.Sprintf("node %v learns shard %d", id, s), func() bool {
			l := w.leader(s)
			return l != nil && l.change(s, shards.AddLearner, id) == nil
		})
		w.until(fmt.Sprintf("node %v votes in shard %d", id, s), func() bool {
			l := w.leader(s)
			return l != nil && l.change(s, shards.Promote, id) == nil
		})
	}
}

func all(n ids.Shards) (list []ids.Shard) {
	for s := range ids.Shard(n) {
		list = append(list, s)
	}
	return list
}

func TestOneNodeLeadsAtOnceAndKeepsAll(t *testing.T) {
	in(t, 4, func(w *net) {
		a := w.start(1, disk.New(), true)
		synctest.Wait()
		for i := range 100 {
			if err := a.propose(ids.Shard(i%4), put(fmt.Sprint(i), "v")); err != nil {
				t.Fatal(err)
			}
		}
		a = w.start(1, w.crash(a, 0), true)
		synctest.Wait()
		for i := range 100 {
			if a.get(ids.Shard(i%4), fmt.Sprint(i)) != "v" {
				t.Fatalf("%d is lost", i)
			}
		}
	})
}

func TestGrowFailOverAndReturn(t *testing.T) {
	in(t, 2, func(w *net) {
		old := disk.New() // data that no log led to
		if err := old.Commit([]wire.ShardBatch{{Shard: 0, Batch: put("old", "data")}}, true); err != nil {
			t.Fatal(err)
		}
		a := w.start(1, old, true)
		for i := range 1000 {
			if err := a.propose(0, put(fmt.Sprintf("key %d", i), "v")); err != nil {
				t.Fatal(err)
			}
		}
		b, c := w.start(2, disk.New(), false), w.start(3, disk.New(), false)
		w.grow(2)
		w.grow(3)
		for _, m := range []*member{b, c} {
			w.until("the state is there", func() bool { return m.get(0, "old") == "data" && m.get(0, "key 999") == "v" })
		}
		was := w.leader(0)
		d := w.crash(was, 0)
		w.until("another leads", func() bool { l := w.leader(0); return l != nil && l != was })
		for i := range 100 {
			if err := w.leader(0).propose(0, put(fmt.Sprintf("later %d", i), "v")); err != nil {
				t.Fatal(err)
			}
		}
		again := w.start(was.id, d, false)
		w.until("it has what it missed", func() bool { return again.get(0, "later 99") == "v" })
	})
}

// change alters the net while nodes speak.
func (w *net) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// TestALeaderThatIsCutOffCommitsNothing, reads nothing, and comes to know it.
func TestALeaderThatIsCutOffCommitsNothing(t *testing.T) {
	in(t, 1, func(w *net) {
		w.start(1, disk.New(), true)
		w.start(2, disk.New(), false)
		w.start(3, disk.New(), false)
		w.grow(2)
		w.grow(3)
		was := w.leader(0)
		w.change(func() {
			for id := range w.nodes {
				w.cut[[2]ids.Node{was.id, id}], w.cut[[2]ids.Node{id, was.id}] = true, true
			}
		})
		answers := make(chan error, 2)
		was.engine.Propose(0, put("a", "lost"), func(err error) { answers <- err })
		was.engine.Read(0, func(err error) { answers <- err })
		for range 2 {
			if err := <-answers; !errors.Is(err, shards.ErrLeadershipLost) && !errors.Is(err, shards.ErrTimeout) {
				t.Errorf("answered %v", err)
			}
		}
		w.change(func() { delete(w.nodes, was.id) })
		w.until("another leads", func() bool { return w.leader(0) != nil })
		if err := w.leader(0).propose(0, put("a", "kept")); err != nil {
			t.Fatal(err)
		}
		w.change(func() {
			w.nodes[was.id] = was
			clear(w.cut)
		})
		w.until("the old leader has it", func() bool { return was.get(0, "a") == "kept" })
		done := make(chan error, 1)
		w.until("reads go on", func() bool {
			w.leader(0).engine.Read(0, func(err error) { done <- err })
			return <-done == nil
		})
	})
}

func TestWhoIsRemovedDropsItsData(t *testing.T) {
	in(t, 1, func(w *net) {
		w.start(1, disk.New(), true)
		b := w.start(2, disk.New(), false)
		c := w.start(3, disk.New(), false)
		w.grow(2)
		w.grow(3)
		if err := w.leader(0).propose(0, put("a", "v")); err != nil {
			t.Fatal(err)
		}
		w.until("all have it", func() bool { return b.get(0, "a") == "v" && c.get(0, "a") == "v" })
		if l := w.leader(0); l == c {
			if err := l.change(0, shards.Transfer, 2); err != nil {
				t.Fatal(err)
			}
			w.until("another leads", func() bool { l := w.leader(0); return l != nil && l != c })
		}
		if err := w.leader(0).change(0, shards.Remove, 3); err != nil {
			t.Fatal(err)
		}
		w.until("its state is gone", func() bool {
			_, there := c.engine.Status(0)
			return !there && c.get(0, "a") == ""
		})
		// It comes again, as a new one.
		w.until("it learns", func() bool { return w.leader(0).change(0, shards.AddLearner, 3) == nil })
		w.until("it has the state", func() bool { return c.get(0, "a") == "v" })
	})
}

func TestALaggardTakesTheState(t *testing.T) {
	in(t, 1, func(w *net) {
		small := func(o *shards.Options) { o.LogBytes = 16 << 10 }
		w.start(1, disk.New(), true, small)
		w.start(2, disk.New(), false, small)
		c := w.start(3, disk.New(), false, small)
		w.grow(2)
		w.grow(3)
		d := w.crash(c, 0)
		for i := range 3000 {
			for w.leader(0) == nil || w.leader(0).propose(0, put(fmt.Sprintf("key %d", i), "0123456789")) != nil {
				<-time.After(time.Second)
			}
		}
		c = w.start(3, d, false, small)
		w.until("it has the last", func() bool { return c.get(0, "key 2999") != "" })
		if c.engine.Stats().Installed == 0 {
			t.Error("nothing was installed")
		}
		if c.get(0, "key 0") == "" {
			t.Error("the first is missing")
		}
	})
}

// TestCrashesKeepWhatWasAcknowledged crashes nodes at random moments, with disks
// that keep any part of what was not synced.
func TestCrashesKeepWhatWasAcknowledged(t *testing.T) {
	for range 10 {
		seed := rand.Uint64()
		in(t, 2, func(w *net) {
			r := rand.New(rand.NewPCG(seed, 0))
			w.start(1, disk.New(), true)
			w.start(2, disk.New(), false)
			w.start(3, disk.New(), false)
			w.grow(2)
			w.grow(3)
			var mu sync.Mutex
			acked := map[string]bool{}
			n := 0
			for range 20 {
				for range 50 {
					n++
					s, key := ids.Shard(r.IntN(2)), fmt.Sprint(n)
					if l := w.leader(s); l != nil {
						l.engine.Propose(s, put(key, "v"), func(err error) {
							if err == nil {
								mu.Lock()
								acked[fmt.Sprint(s, "/", key)] = true
								mu.Unlock()
							}
						})
					}
					if r.IntN(10) == 0 {
						<-time.After(time.Duration(r.IntN(100)) * time.Millisecond)
					}
				}
				list := make([]ids.Node, 0, 3)
				for id := range w.nodes {
					list = append(list, id)
				}
				slices.Sort(list)
				m := w.nodes[list[r.IntN(len(list))]]
				d := w.crash(m, r.IntN(m.disk.Unsynced()+1))
				<-time.After(time.Duration(r.IntN(5000)) * time.Millisecond)
				w.start(m.id, d, false)
			}
			for s := range ids.Shard(2) {
				w.until("all is well again", func() bool {
					l := w.leader(s)
					return l != nil && l.propose(s, put("end", "v")) == nil
				})
				l := w.leader(s)
				for key := range acked {
					var shard ids.Shard
					var name string
					if _, err := fmt.Sscanf(key, "%d/%s", &shard, &name); err != nil {
						fmt.Sscanf(key, "%d /%s", &shard, &name)
					}
					if shard == s && l.get(s, name) != "v" {
						t.Errorf("seed %d: %s was acknowledged and is lost", seed, key)
					}
				}
			}
			if len(acked) < 100 {
				t.Errorf("seed %d: only %d were acknowledged", seed, len(acked))
			}
		})
	}
}
