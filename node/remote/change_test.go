package remote

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func changeOf(t *testing.T, body string) platform.ObjectChange {
	t.Helper()
	c, err := platform.ParseObjectChange([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func key(name, body string) admin.IdempotencyKey {
	return admin.NewIdempotencyKey("c", name, []byte(body))
}

func read(e ids.Endpoint) platform.NewOperation {
	return platform.NewOperation{Device: e.Object(), Text: "read /3"}
}

// TestEveryChangeFromEveryNode: whoever is asked, and whoever leads.
func TestEveryChangeFromEveryNode(t *testing.T) {
	for asked := range nodes {
		for leader := range ids.Node(nodes) {
			inTime(t, func(w *world) {
				b := w.nodes[asked].backend
				name := w.nameIn("d", leader+1)
				e := w.device(name)

				extra, _ := platform.ParseFragments([]byte(`{"note":"<&> 1e400"}`))
				n := read(e)
				n.Fragments = extra
				op, err := b.CreateOperation(background, n, admin.IdempotencyKey{})
				if err != nil || op.DeviceName != name || string(op.Fragments.Append(nil)) != string(extra.Append(nil)) || op.ID.Shard() != w.shard(e) {
					t.Fatalf("%+v, %v", op, err)
				}
				if shown, err := b.Operation(background, op.ID); err != nil || shown.Text != "read /3" || shown.Status != platform.Pending {
					t.Errorf("%+v, %v", shown, err)
				}
				op, err = b.UpdateOperation(background, op.ID, platform.OperationChange{Status: platform.Failed, Reason: "no"})
				if err != nil || op.Status != platform.Failed || op.Failure != "no" {
					t.Errorf("%+v, %v", op, err)
				}
				if err := b.DeleteOperation(background, op.ID); err != nil {
					t.Error(err)
				}
				if _, err := b.Operation(background, op.ID); !errors.Is(err, admin.ErrNotFound) {
					t.Error(err)
				}
				m, err := b.UpdateObject(background, e.Object(), changeOf(t, `{"name":"Ann","x":[1.50,"<"]}`))
				if err != nil || m.Name != "Ann" || string(m.Fragments.Get("x")) != `[1.50,"<"]` {
					t.Errorf("%+v, %v", m, err)
				}
				if _, err := b.CreateOperation(background, read(e), admin.IdempotencyKey{}); err != nil {
					t.Error(err)
				}
				if err := b.DeleteOperations(background, admin.OperationFilter{HasDevice: true, Device: e.Object()}); err != nil || w.count(wire.ClassOperation) != 0 {
					t.Errorf("%v, %d operations are left", err, w.count(wire.ClassOperation))
				}
				if err := b.DeleteObject(background, e.Object(), admin.Cascade{}); err != nil || w.count(wire.ClassContact) != 0 {
					t.Errorf("%v, %d devices are left", err, w.count(wire.ClassContact))
				}
			})
		}
	}
}

// TestObjectsFromEveryNode: an object lies where its key says or with who was
// asked, and can be changed from everywhere.
func TestObjectsFromEveryNode(t *testing.T) {
	inTime(t, func(w *world) {
		for i, n := range w.nodes {
			w.called()
			m, err := n.backend.CreateObject(background, changeOf(t, `{"type":"group"}`), admin.IdempotencyKey{})
			if err != nil || len(w.called()) > 0 {
				t.Fatalf("%v: %v", err, w.called())
			}
			for _, other := range w.nodes {
				changed, err := other.backend.UpdateObject(background, m.ID, changeOf(t, fmt.Sprintf(`{"owner":"%d"}`, other.id)))
				if err != nil || changed.Type != "group" || changed.Owner != fmt.Sprint(uint64(other.id)) || !changed.Created.Equal(m.Created) {
					t.Errorf("%+v, %v", changed, err)
				}
			}
			if err := w.nodes[(i+1)%nodes].backend.DeleteObject(background, m.ID, admin.Cascade{}); err != nil {
				t.Error(err)
			}
		}
		if w.count(wire.ClassObject) != 0 {
			t.Errorf("%d objects are left", w.count(wire.ClassObject))
		}
	})
}

// TestOneKeyOnTwoNodes at the same time makes one.
func TestOneKeyOnTwoNodes(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device("d")
		ops, objects := sync.Map{}, sync.Map{}
		var group sync.WaitGroup
		for i := range 12 {
			b := w.nodes[i%nodes].backend
			group.Go(func() {
				op, err := b.CreateOperation(background, read(e), key("k", "body"))
				if ops.Store(op.ID, true); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				m, err := b.CreateObject(background, platform.ObjectChange{}, key("l", "body"))
				if objects.Store(m.ID, true); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if w.count(wire.ClassOperation) != 1 || w.count(wire.ClassObject) != 1 {
			t.Errorf("%d operations, %d objects", w.count(wire.ClassOperation), w.count(wire.ClassObject))
		}
		for _, made := range []*sync.Map{&ops, &objects} {
			n := 0
			made.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				t.Errorf("%d IDs were answered", n)
			}
		}
	})
}

// TestKeyOfAnotherBody: seen wherever its effect is, unless nobody leads that.
func TestKeyOfAnotherBody(t *testing.T) {
	inTime(t, func(w *world) {
		first, second := w.device(w.nameIn("a", 1)), w.device(w.nameIn("b", 2))
		if _, err := w.nodes[2].backend.CreateOperation(background, read(first), key("k", "one")); err != nil {
			t.Fatal(err)
		}
		for _, n := range w.nodes {
			if _, err := n.backend.CreateOperation(background, read(second), key("k", "two")); !errors.Is(err, admin.ErrKeyReused) {
				t.Error(err)
			}
			if _, err := n.backend.CreateOperation(background, read(first), key("k", "two")); !errors.Is(err, admin.ErrKeyReused) {
				t.Error(err)
			}
		}
		w.move(w.shard(first), 0)
		if _, err := w.nodes[0].backend.CreateOperation(background, read(second), key("k", "two")); err != nil {
			t.Error(err)
		}
	})
}

// TestOwnerMoves between what a node believes and what is.
func TestOwnerMoves(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device("d")
		shard := w.shard(e)
		for range 2 * nodes {
			for _, n := range w.nodes { // all believe in who leads now
				n.believes[shard].Store(uint64(w.leader[shard]))
			}
			next := w.leader[shard]%nodes + 1
			w.nodes[next-1].believes[shard].Store(0)
			w.move(shard, next)
			w.nodes[(next+nodes-2)%nodes].believes[shard].Store(uint64(next)) // he who left knows
			for _, n := range w.nodes {
				op, err := n.backend.CreateOperation(background, read(e), admin.IdempotencyKey{})
				if err != nil {
					t.Fatalf("node %d: %v", n.id, err)
				}
				if err := n.backend.DeleteOperation(background, op.ID); err != nil {
					t.Errorf("node %d: %v", n.id, err)
				}
			}
		}
	})
}

// TestNobodyLeads: the request waits, and is carried out as soon as somebody does.
// Who waits too long is told to come again.
func TestNobodyLeads(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device("d")
		shard, leader := w.shard(e), w.leader[w.shard(e)]
		for _, wait := range []time.Duration{2 * time.Second, 2 * patience} {
			w.move(shard, 0)
			begin, answered := time.Now(), make(chan error)
			for _, n := range w.nodes {
				go func() {
					_, err := n.backend.CreateOperation(background, read(e), admin.IdempotencyKey{})
					answered <- err
				}()
				go func() {
					_, err := n.backend.Object(background, e.Object())
					answered <- err
				}()
			}
			time.AfterFunc(wait, func() { go w.lead(shard, leader) })
			for range 2 * nodes {
				switch err := <-answered; {
				case wait < patience && err != nil:
					t.Error(err)
				case wait > patience && !errors.Is(err, admin.ErrBusy):
					t.Error(err)
				}
			}
			if took := time.Since(begin); took > patience+lastPause {
				t.Errorf("answered after %s", took)
			}
			pass(patience)
			if err := w.nodes[0].backend.DeleteOperations(background, admin.OperationFilter{Status: platform.Pending}); wait < patience && err != nil {
				t.Error(err)
			}
			pass(2 * patience)
		}
	})
}

// lead is move from another goroutine than the test's.
func (w *world) lead(shard ids.Shard, to ids.Node) {
	w.mu.Lock()
	w.leader[shard] = to
	w.mu.Unlock()
	w.nodes[to-1].shell.Lead(shard, func(error) {})
}

// TestTwoThatPointAtEachOther are not asked without end.
func TestTwoThatPointAtEachOther(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device("d")
		shard := w.shard(e)
		w.move(shard, 0)
		w.nodes[0].believes[shard].Store(2)
		w.nodes[1].believes[shard].Store(3)
		w.nodes[2].believes[shard].Store(2)
		if _, err := w.nodes[0].backend.Object(background, e.Object()); !errors.Is(err, admin.ErrBusy) {
			t.Error(err)
		}
		calls := w.called()
		for _, c := range calls {
			if !strings.HasPrefix(c, "1>") {
				t.Errorf("a call was sent on: %s", c)
			}
		}
		if len(calls) > 2*int(patience/lastPause)+20 {
			t.Errorf("%d calls", len(calls))
		}
	})
}

// TestLostBefore: what was not sent is sent again.
func TestLostBefore(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device(w.nameIn("d", 2))
		lost := 0
		w.set(func(ids.Node, byte, []byte) (bool, bool) { lost++; return lost%3 != 0, false })
		if _, err := w.nodes[0].backend.CreateOperation(background, read(e), admin.IdempotencyKey{}); err != nil {
			t.Error(err)
		}
		if _, err := w.nodes[0].backend.Object(background, e.Object()); err != nil {
			t.Error(err)
		}
		if n := w.count(wire.ClassOperation); n != 1 {
			t.Errorf("%d operations", n)
		}
	})
}

// TestLostBehind: what may have been done is done again only where that does no
// harm.
func TestLostBehind(t *testing.T) {
	inTime(t, func(w *world) {
		name := w.nameIn("d", 2)
		e := w.device(name)
		b := w.nodes[0].backend
		once := func() {
			lost := false
			w.set(func(_ ids.Node, kind byte, _ []byte) (bool, bool) {
				first := kind == KindMethod && !lost
				lost = lost || first
				return false, first
			})
		}
		once()
		_, err := b.CreateOperation(background, read(e), admin.IdempotencyKey{})
		if kind, sentence := admin.Describe(err); !errors.Is(err, admin.ErrUnknown) || kind != "unknown outcome" || !strings.Contains(sentence, "Idempotency-Key") {
			t.Errorf("%v is answered %q", err, sentence)
		}
		if n := w.count(wire.ClassOperation); n != 1 {
			t.Errorf("%d operations", n)
		}
		once()
		op, err := b.CreateOperation(background, read(e), key("k", "body"))
		if err != nil || w.count(wire.ClassOperation) != 2 {
			t.Errorf("%v, %d operations", err, w.count(wire.ClassOperation))
		}
		once()
		if _, err := b.UpdateOperation(background, op.ID, platform.OperationChange{Status: platform.Failed}); err != nil {
			t.Error(err)
		}
		once()
		if err := b.DeleteOperation(background, op.ID); err != nil || w.count(wire.ClassOperation) != 1 {
			t.Errorf("%v, %d operations", err, w.count(wire.ClassOperation))
		}
		once()
		if _, err := b.UpdateObject(background, e.Object(), changeOf(t, `{"x":1}`)); err != nil {
			t.Error(err)
		}
		once()
		if err := b.DeleteObject(background, e.Object(), admin.Cascade{}); err != nil || w.count(wire.ClassContact) != 0 {
			t.Error(err)
		}
		if err := b.DeleteObject(background, e.Object(), admin.Cascade{}); !errors.Is(err, admin.ErrNotFound) {
			t.Errorf("of what there is not: %v", err)
		}
		identity := w.identityIn("i", 3)
		once()
		if _, _, err := b.Credentials().Add(background, platform.NewCredentials{Endpoint: name, Identity: identity, Key: []byte("k")}, false); err != nil {
			t.Error(err)
		}
		once()
		if err := b.Credentials().Remove(background, name); err != nil || w.count(wire.ClassCredentials) != 0 {
			t.Error(err)
		}
	})
}

// TestAlwaysLost: who may have done something is not said to have done nothing.
func TestAlwaysLost(t *testing.T) {
	inTime(t, func(w *world) {
		e := w.device(w.nameIn("d", 2))
		w.set(func(ids.Node, byte, []byte) (bool, bool) { return false, true })
		if _, err := w.nodes[0].backend.CreateOperation(background, read(e), key("k", "")); !errors.Is(err, admin.ErrUnknown) {
			t.Error(err)
		}
		if n := w.count(wire.ClassOperation); n != 1 {
			t.Errorf("%d operations", n)
		}
	})
}

// TestOwnerLostAtWork: the shard goes with the operation on its way to the disk.
func TestOwnerLostAtWork(t *testing.T) {
	for _, once := range []admin.IdempotencyKey{{}, key("k", "body")} {
		inTime(t, func(w *world) {
			e := w.device(w.nameIn("d", 2))
			w.mu.Lock()
			w.hold = func(shard ids.Shard, _ *wire.Batch) bool { return shard == w.shard(e) }
			w.mu.Unlock()
			answered := make(chan error)
			go func() {
				_, err := w.nodes[0].backend.CreateOperation(background, read(e), once)
				answered <- err
			}()
			synctest.Wait()
			w.mu.Lock()
			held := w.held
			w.hold, w.held = nil, nil
			w.mu.Unlock()
			if len(held) != 1 {
				t.Fatalf("%d commits are held", len(held))
			}
			w.move(w.shard(e), 3)
			for _, commit := range held {
				commit()
			}
			switch err := <-answered; {
			case once.IsZero() && !errors.Is(err, admin.ErrUnknown):
				t.Error(err)
			case !once.IsZero() && (err != nil || w.count(wire.ClassOperation) != 1):
				t.Errorf("%v, %d operations", err, w.count(wire.ClassOperation))
			}
		})
	}
}

// TestRefusalsOfOthers are those of the node itself, to the letter.
func TestRefusalsOfOthers(t *testing.T) {
	inTime(t, func(w *world) {
		name := w.nameIn("d", 2)
		e := w.device(name)
		for _, do := range []func(b admin.Backend) error{
			func(b admin.Backend) error {
				_, err := b.CreateOperation(background, platform.NewOperation{Device: e.Object(), Text: "reed /3"}, admin.IdempotencyKey{})
				return err
			},
			func(b admin.Backend) error {
				_, err := b.CreateOperation(background, read(e+1), admin.IdempotencyKey{})
				return err
			},
			func(b admin.Backend) error {
				_, err := b.UpdateObject(background, e.Object(), changeOf(t, `{"c8y_RequiredAvailability":{"responseInterval":"x"}}`))
				return err
			},
			func(b admin.Backend) error {
				return b.DeleteOperation(background, ids.NextOperation(w.shard(e), time.Now(), 0))
			},
			func(b admin.Backend) error {
				_, err := b.UpdateOperation(background, 1<<62, platform.OperationChange{Status: platform.Failed})
				return err
			},
			func(b admin.Backend) error { return b.DeleteOperation(background, 1<<62) },
			func(b admin.Backend) error { return b.Credentials().Remove(background, name) },
			func(b admin.Backend) error { _, err := b.Object(background, e.Object()+1); return err },
			func(b admin.Backend) error {
				_, err := b.Objects(background, filter.Selection{}, admin.Page{Size: 5, Cursor: "x"})
				return err
			},
		} {
			kind, sentence := admin.Describe(do(w.nodes[1].backend))
			if kind == "" || kind == "busy" {
				t.Errorf("%q: %q", kind, sentence)
			}
			for _, n := range w.nodes {
				if k, s := admin.Describe(do(n.backend)); k != kind || s != sentence {
					t.Errorf("node %d: %q, %q; its owner %q, %q", n.id, k, s, kind, sentence)
				}
			}
		}
	})
}
