package shell

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// world drives a shell at random and knows what must hold.
type world struct {
	*rig
	rand    *rand.Rand
	devices []ids.Endpoint
	harm    bool // commits fail, cells panic

	told    map[ids.Endpoint]int // writes admitted
	last    map[ids.Endpoint]int // highest count that was sent
	replies []*answers
	at      map[ids.Endpoint]int // port of the newest signpost
	posts   map[int]ids.Endpoint // what the signposts should be
}

// TestTheRuleHolds lets devices write, read, move and sleep while commits come
// late, out of order between shards, and not at all.
func TestTheRuleHolds(t *testing.T) {
	for seed := range uint64(60) {
		for _, harm := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed, harm)
				defer w.close()
				for range 300 {
					w.step()
					w.check()
				}
				w.finish()
				if t.Failed() {
					t.Fatalf("seed %d, harm %v", seed, harm)
				}
			})
		}
	}
}

func newWorld(t *testing.T, seed uint64, harm bool) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		rig:  newRig(t, Options{Loops: 1 + r.IntN(3), MaxAwake: 6 + r.IntN(10), Idle: 5 * time.Second, Inbox: 8 + r.IntN(40)}),
		rand: r, harm: harm,
		told: make(map[ids.Endpoint]int), last: make(map[ids.Endpoint]int),
		at: make(map[ids.Endpoint]int), posts: make(map[int]ids.Endpoint),
	}
	for i := range 12 {
		w.devices = append(w.devices, device(i/2)+ids.Endpoint(i%2)) // pairs share a handle
	}
	w.shell.options.Send = w.watch
	w.start()
	return w
}

// watch checks at the moment of sending that what is said is stored, and that
// no device is told of the past.
func (w *world) watch(outs []Out) {
	w.send(outs)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range outs {
		var word string
		var count int
		var id ids.Endpoint
		if _, err := fmt.Sscanf(string(o.Payload), "%s %d %x", &word, &count, (*uint64)(&id)); err != nil {
			w.t.Errorf("%q: %v", o.Payload, err)
		}
		if stored := w.stored(id); stored < count {
			w.t.Errorf("%q was sent, %d is stored", o.Payload, stored)
		}
		if count < w.last[id] || word == "wrote" && count == w.last[id] {
			w.t.Errorf("%q was sent after %d", o.Payload, w.last[id])
		}
		w.last[id] = count
	}
}

func (w *world) stored(id ids.Endpoint) int {
	value, found, _ := w.desk.Get(w.shell.options.Env.Shards.Of(id), wire.ClassContact, wire.EndpointKey(id), nil)
	if !found {
		return 0
	}
	return int(binary.BigEndian.Uint64(value))
}

func (w *world) step() {
	id := w.devices[w.rand.IntN(len(w.devices))]
	switch w.rand.IntN(12) {
	case 0, 1, 2:
		if w.deliver(ToEndpoint(id), "w") {
			w.told[id]++
		}
	case 3:
		w.deliver(ToEndpoint(id), "r")
	case 4:
		w.replies = append(w.replies, w.submit(id, "w"))
		w.told[id]++
	case 5:
		w.replies = append(w.replies, w.submit(id, "r"))
	case 6:
		w.move(id)
	case 7:
		w.deliver(ToEndpoint(id), []string{"b", "f", "t3"}[w.rand.IntN(3)])
	case 8, 9, 10:
		for _, shard := range w.desk.shards() {
			if w.rand.IntN(2) == 0 {
				w.desk.commit(shard, w.mishap())
			}
		}
		synctest.Wait()
	case 11:
		if w.harm && w.rand.IntN(2) == 0 {
			w.deliver(ToEndpoint(id), "p")
		}
		pass(time.Duration(w.rand.IntN(8)) * time.Second)
	}
	if w.rand.IntN(3) == 0 {
		synctest.Wait()
	}
}

func (w *world) mishap() error {
	if w.harm && w.rand.IntN(5) == 0 {
		return errDisk
	}
	return nil
}

// move lets a device come from another address, maybe one that another had.
// Which of two that come from one address at once is the later nobody can
// say, so moves wait for what came before.
func (w *world) move(id ids.Endpoint) {
	synctest.Wait()
	port := 1 + w.rand.IntN(6)
	text := fmt.Sprint("s", port)
	before, moved := w.at[id]
	if moved && before != port {
		text = fmt.Sprintf("c%d %s", before, text)
	}
	loop := w.shell.loopOf(w.shell.options.Env.Shards.Of(id))
	if loop.inFlight >= w.shell.options.Inbox || !w.tell(ToEndpoint(id), text) {
		return
	}
	if w.shell.Stats().Refused > 0 {
		w.posts = nil // it may have been dropped: no more is known
	}
	if w.posts == nil {
		return
	}
	if moved && before != port && w.posts[before] == id {
		delete(w.posts, before)
	}
	w.posts[port], w.at[id] = id, port
}

// check looks at what must hold at any time.
func (w *world) check() {
	for _, a := range w.replies {
		a.mu.Lock()
		if len(a.errs) > 1 {
			w.t.Errorf("answered %v", a.errs)
		}
		a.mu.Unlock()
	}
}

// finish commits all, and looks at what must hold when nothing moves.
func (w *world) finish() {
	for w.desk.commitAll(w.mishap()) {
		synctest.Wait()
	}
	w.automatic()
	pass(time.Second)
	for i, a := range w.replies {
		if len(a.errs) != 1 {
			w.t.Fatalf("command %d was answered %v", i, a.errs)
		}
		if err := a.errs[0]; err != nil && !errors.Is(err, endpoint.ErrBusy) && !w.harm {
			w.t.Errorf("command %d: %v", i, err)
		}
	}
	lost := w.shell.Stats().Dropped > 0 || w.shell.Stats().Refused > 0 || w.refused()
	for _, id := range w.devices {
		stored := w.stored(id)
		if stored < w.last[id] || stored > w.told[id] {
			w.t.Errorf("%x: %d stored, %d acknowledged, %d told", uint64(id), stored, w.last[id], w.told[id])
		}
		if !w.harm && !lost && stored != w.told[id] {
			w.t.Errorf("%x: %d stored of %d", uint64(id), stored, w.told[id])
		}
	}
	if !w.harm && !lost && w.posts != nil {
		w.checkSignposts()
	}
	for _, l := range w.shell.loops {
		if l.inFlight != 0 || l.committing != 0 {
			w.t.Errorf("%d groups, %d proposals in flight", l.inFlight, l.committing)
		}
	}
}

func (w *world) refused() bool {
	for _, a := range w.replies {
		if errors.Is(a.errs[0], endpoint.ErrBusy) {
			return true
		}
	}
	return false
}

func (w *world) checkSignposts() {
	for port := range 8 {
		s := w.shell.options.Env.SignShard(signOf(peer(port)))
		value, found, _ := w.desk.Get(s, wire.ClassAddress, keyOf(signOf(peer(port))), nil)
		want, ok := w.posts[port]
		var got ids.Endpoint
		if found {
			got, _ = ids.ParseEndpoint(value)
		}
		if found != ok || got != want {
			w.t.Errorf("port %d leads to %x (%v), want %x", port, uint64(got), found, uint64(want))
		}
	}
}

// The random test must not prove things about nothing.
func TestTheWorldIsLively(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, true)
		defer w.close()
		for range 2000 {
			w.step()
		}
		w.finish()
		s := w.shell.Stats()
		if s.Passivated == 0 || s.Panics == 0 || s.CommitsFailed == 0 || s.Loaded < 50 || len(w.sent) < 100 {
			t.Errorf("%+v, %d sent", s, len(w.sent))
		}
		if !strings.Contains(strings.Join(w.sent, "\n"), "tick") {
			t.Error("no tick")
		}
	})
}
