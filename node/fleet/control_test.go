package fleet

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// sleeper is a device that does not listen: what it is told stays PENDING.
func sleeper(_ *endpoint.Registration, c *endpoint.Contact) { c.Asleep = true }

func TestOperationIsCreatedShownCancelledDeleted(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		e := n.device("d", sleeper)
		extra, _ := platform.ParseFragments([]byte(`{"note":"x"}`))
		op, err := n.CreateOperation(ctx, platform.NewOperation{Device: e.Object(), Text: "read /3/0/0", Retry: true, Fragments: extra}, admin.IdempotencyKey{})
		if err != nil || op.Status != "PENDING" || !op.Created.Equal(begin) || op.DeviceName != "d" || !op.Retry || string(op.Fragments.Get("note")) != `"x"` {
			t.Fatalf("%+v, %v", op, err)
		}
		if shown, err := n.Operation(ctx, op.ID); err != nil || shown.Text != "read /3/0/0" || shown.Device != e.Object() {
			t.Errorf("%+v, %v", shown, err)
		}
		if _, err := n.UpdateOperation(ctx, op.ID, platform.OperationChange{Status: "SUCCESSFUL"}); !isRefusal(err, admin.ErrConflict) {
			t.Errorf("made SUCCESSFUL: %v", err)
		}
		op, err = n.UpdateOperation(ctx, op.ID, platform.OperationChange{Status: "FAILED", Reason: "too late"})
		if err != nil || op.Status != "FAILED" || op.Failure != "too late" {
			t.Errorf("%+v, %v", op, err)
		}
		if err := n.DeleteOperation(ctx, op.ID); err != nil || n.count(wire.ClassOperation)+n.count(wire.ClassByDevice)+n.count(wire.ClassActive) != 0 {
			t.Errorf("deleted: %v", err)
		}
		_, err1 := n.Operation(ctx, op.ID)
		_, err2 := n.UpdateOperation(ctx, op.ID, platform.OperationChange{Status: "FAILED"})
		if err3 := n.DeleteOperation(ctx, op.ID); !isRefusal(err1, admin.ErrNotFound) || !isRefusal(err2, admin.ErrNotFound) || !isRefusal(err3, admin.ErrNotFound) {
			t.Errorf("after that: %v, %v, %v", err1, err2, err3)
		}
	})
}

func TestOperationIsRefused(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		e := n.device("d", sleeper)
		create := func(device ids.Object, text string) error {
			_, err := n.CreateOperation(ctx, platform.NewOperation{Device: device, Text: text}, admin.IdempotencyKey{})
			return err
		}
		if err := create(99, "read /3"); !isRefusal(err, admin.ErrUnprocessable) {
			t.Errorf("of nobody: %v", err)
		}
		if err := create(e.Object(), "reed /3"); !isRefusal(err, admin.ErrUnprocessable) {
			t.Errorf("no command: %v", err)
		}
		for range n.env.Config.MaxQueued {
			if err := create(e.Object(), "read /3"); err != nil {
				t.Fatal(err)
			}
		}
		if err := create(e.Object(), "read /3"); !isRefusal(err, admin.ErrLimit) {
			t.Errorf("the queue is full: %v", err)
		}
		if _, err := n.Operation(ctx, 1<<62); !isRefusal(err, admin.ErrNotFound) {
			t.Errorf("of a shard that there is not: %v", err)
		}
	})
}

// TestTranslate: what an endpoint refuses, in the words of the API.
func TestTranslate(t *testing.T) {
	for from, to := range map[error]error{
		endpoint.ErrNotFound: admin.ErrNotFound, endpoint.ErrQueue: admin.ErrLimit, endpoint.ErrFull: admin.ErrFull,
		endpoint.ErrBusy: admin.ErrBusy, endpoint.ErrClosed: admin.ErrBusy, endpoint.ErrElsewhere: admin.ErrBusy, endpoint.ErrCommand: admin.ErrUnprocessable,
		endpoint.ErrFragment: admin.ErrUnprocessable, endpoint.ErrStatus: admin.ErrConflict,
	} {
		for _, err := range []error{from, fmt.Errorf("%w: because", from)} {
			n := newNode()
			e := n.device("d", nil)
			n.refused = err
			_, got := n.CreateOperation(context.Background(), platform.NewOperation{Device: e.Object(), Text: "read /3"}, admin.IdempotencyKey{})
			if !errors.Is(got, to) {
				t.Errorf("%v is answered %v, want %v", err, got, to)
			}
			if got := n.DeleteObject(context.Background(), e.Object(), admin.Cascade{}); !errors.Is(got, to) {
				t.Errorf("%v is answered %v, want %v", err, got, to)
			}
		}
	}
	if err := translate(errBroken); err != errBroken {
		t.Errorf("any other: %v", err)
	}
}

func TestOperationsAreDeletedByFilter(t *testing.T) {
	n := newNode()
	a, b := n.device("a", nil), n.device("b", nil)
	last := map[ids.Shard]ids.Operation{}
	for i := range 2 * deleteChunk {
		e := a
		if i%4 == 0 {
			e = b
		}
		shard := n.env.Shards.Of(e)
		last[shard] = ids.NextOperation(shard, begin, last[shard])
		n.operation(last[shard], e, operations.Successful)
	}
	if err := n.DeleteOperations(context.Background(), admin.OperationFilter{HasDevice: true, Device: a.Object()}); err != nil {
		t.Fatal(err)
	}
	if left := n.count(wire.ClassOperation); left != deleteChunk/2 {
		t.Errorf("%d left, want %d", left, deleteChunk/2)
	}
	if err := n.DeleteOperations(context.Background(), admin.OperationFilter{Status: "FAILED"}); err != nil || n.count(wire.ClassOperation) != deleteChunk/2 {
		t.Errorf("%v, %d left", err, n.count(wire.ClassOperation))
	}
}

func TestOperationsByFragment(t *testing.T) {
	n := newNode()
	e := n.device("d", nil)
	shard := n.env.Shards.Of(e)
	last := ids.Operation(0)
	for _, extra := range []string{"", `{"note":"x"}`, `{"x":"note"}`, `{"x":{"note":1}}`} {
		last = ids.NextOperation(shard, begin, last)
		op := operations.Operation{ID: last, Endpoint: e, Device: e.Object(), Status: operations.Failed, Text: "read /3", Extra: extra, Updated: begin}
		n.put(shard, wire.ClassOperation, wire.OperationKey(last), op.Append(nil))
	}
	for fragment, want := range map[string]int{"": 4, "c8y_Command": 4, "note": 1, "x": 2, "y": 0} {
		list, err := n.Operations(context.Background(), admin.OperationFilter{FragmentType: fragment}, admin.Page{Size: 10})
		if err != nil || len(list.Items) != want {
			t.Errorf("%q: %d, %v; want %d", fragment, len(list.Items), err, want)
		}
	}
}

// TestGivingUp: a caller who waits no longer is answered at once.
func TestGivingUp(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		e := n.device("d", nil)
		silent := New(n.env, n, silence{}, nil, n.logger)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := silent.DeleteObject(ctx, e.Object(), admin.Cascade{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("after %s", waited)
		}
	})
}

// silence is a gate that takes everything and answers nothing.
type silence struct{}

func (silence) Leads(ids.Shard) bool { return true }

func (silence) Post(ids.Endpoint, endpoint.Event) error { return nil }

func (silence) Do(ids.Shard, func(time.Time, *endpoint.Shard, *endpoint.Effects), func(error)) error {
	return nil
}
