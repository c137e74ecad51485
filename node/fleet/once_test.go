package fleet

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func TestKeyOfAnOperation(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		e := n.device("d", sleeper)
		create := func(k admin.IdempotencyKey) (platform.Operation, error) {
			return n.CreateOperation(context.Background(), platform.NewOperation{Device: e.Object(), Text: "read /3"}, k)
		}
		first, err := create(key("k", "body"))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := create(key("k", "body")); err != nil || again.ID != first.ID || n.count(wire.ClassOperation) != 1 {
			t.Errorf("again: %s instead of %s, %v", again.ID, first.ID, err)
		}
		if _, err := create(key("k", "other")); !isRefusal(err, admin.ErrKeyReused) {
			t.Errorf("another body: %v", err)
		}
		if other, err := create(key("l", "body")); err != nil || other.ID == first.ID {
			t.Errorf("another key: %s, %v", other.ID, err)
		}
		if third, err := create(admin.IdempotencyKey{}); err != nil || third.ID == first.ID {
			t.Errorf("no key: %s, %v", third.ID, err)
		}
	})
}

func TestKeyOfAnObject(t *testing.T) {
	n := newNode()
	create := func() (platform.ManagedObject, error) {
		return n.CreateObject(context.Background(), change(t, `{"type":"group"}`), key("k", "body"))
	}
	first, err := create()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := create(); err != nil || again.ID != first.ID || n.count(wire.ClassObject) != 1 {
		t.Errorf("again: %s instead of %s, %v", again.ID, first.ID, err)
	}
}

// TestKeyIsNotKeptForWhatFailed: the client corrects itself and tries again.
func TestKeyIsNotKeptForWhatFailed(t *testing.T) {
	n := newNode()
	e := n.device("d", sleeper)
	for _, tc := range []struct {
		text string
		want error
	}{{"reed /3", admin.ErrUnprocessable}, {"read /3", nil}} {
		_, err := n.CreateOperation(context.Background(), platform.NewOperation{Device: e.Object(), Text: tc.text}, key("k", tc.text))
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", tc.text, err)
		}
	}
}

// TestKeyAtTheSameTime: of two calls at once one waits for the other.
func TestKeyAtTheSameTime(t *testing.T) {
	n := newNode()
	made := make(chan platform.ManagedObject, 20)
	var group sync.WaitGroup
	for range cap(made) {
		group.Go(func() {
			m, err := n.CreateObject(context.Background(), platform.ObjectChange{}, key("k", ""))
			if err != nil {
				t.Error(err)
			}
			made <- m
		})
	}
	group.Wait()
	close(made)
	for m := range made {
		if n.count(wire.ClassObject) != 1 || m.ID == 0 {
			t.Fatalf("%d objects", n.count(wire.ClassObject))
		}
	}
	if len(n.keys.held) != 0 {
		t.Errorf("%d locks are left", len(n.keys.held))
	}
}

func TestKeysExpire(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		create := func() {
			if _, err := n.CreateObject(context.Background(), platform.ObjectChange{}, key("k", "")); err != nil {
				t.Fatal(err)
			}
		}
		expire := func() {
			for shard := range ids.Shard(n.env.Shards) {
				if err := n.expireKeys(shard, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		create()
		pass(keepKeys)
		expire()
		if n.count(wire.ClassOnce) != 1 {
			t.Error("forgotten after 24 h")
		}
		pass(time.Millisecond)
		expire()
		if n.count(wire.ClassOnce) != 0 {
			t.Error("kept for longer than 24 h")
		}
		create()
		if n.count(wire.ClassObject) != 2 {
			t.Errorf("%d objects", n.count(wire.ClassObject))
		}
	})
}

func TestStrangeKeyRecordsAreForgotten(t *testing.T) {
	n := newNode()
	n.put(3, wire.ClassOnce, make([]byte, 16), []byte("short"))
	if _, found, err := n.used(3, admin.IdempotencyKey{Body: [16]byte{1}}); err != nil || found {
		t.Errorf("%v, %v", found, err)
	}
	if err := n.expireKeys(3, begin); err != nil || n.count(wire.ClassOnce) != 0 {
		t.Errorf("%v, %d left", err, n.count(wire.ClassOnce))
	}
}

// lateGate carries out what is posted when it is let go.
type lateGate struct {
	*node
	late chan func()
}

func (g lateGate) Post(id ids.Endpoint, ev endpoint.Event) error {
	g.late <- func() { _ = g.node.Post(id, ev) }
	return nil
}

// TestKeyOutlivesItsClient: who gave up and asks again gets what the first call
// made after all, and not another one.
func TestKeyOutlivesItsClient(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		e := n.device("d", sleeper)
		gate := lateGate{n, make(chan func(), 2)}
		f := New(n.env, n, gate, n.credentials, n.logger)
		create := func(ctx context.Context) (platform.Operation, error) {
			return f.CreateOperation(ctx, platform.NewOperation{Device: e.Object(), Text: "read /3"}, key("k", "body"))
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := create(gone); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		again := make(chan error, 1)
		go func() {
			_, err := create(context.Background())
			again <- err
		}()
		synctest.Wait()
		(<-gate.late)()
		if err := <-again; err != nil || n.count(wire.ClassOperation) != 1 || len(gate.late) != 0 {
			t.Errorf("%d operations, %v", n.count(wire.ClassOperation), err)
		}
	})
}
