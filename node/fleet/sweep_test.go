package fleet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// executing stores an operation that a crash left EXECUTING.
func (n *node) executing(name string, updated time.Time) ids.Operation {
	e := n.device(name, func(_ *endpoint.Registration, c *endpoint.Contact) { c.Asleep, c.Active = true, 1 })
	id := ids.NextOperation(n.env.Shards.Of(e), updated, 0)
	op := operations.Operation{ID: id, Endpoint: e, Device: e.Object(), Status: operations.Executing, Text: "read /3", Updated: updated,
		Attempt: operations.Attempt{Sent: updated, Token: "12345678"}}
	n.put(id.Shard(), wire.ClassOperation, wire.OperationKey(id), op.Append(nil))
	for _, c := range []wire.Class{wire.ClassByDevice, wire.ClassActive} {
		n.put(id.Shard(), c, wire.DeviceOperationKey(e, id), nil)
	}
	return id
}

// TestSweep: at once, and every 24 h, until it is told to end.
func TestSweep(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		fresh, old := n.executing("fresh", begin.Add(-47*time.Hour)), n.executing("old", begin.Add(-49*time.Hour))
		status := func(id ids.Operation) operations.Status {
			op, err := n.stored(id)
			if err != nil {
				t.Fatal(err)
			}
			return op.Status
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		synctest.Wait()
		if a, b := status(fresh), status(old); a != operations.Pending || b != operations.Failed {
			t.Errorf("after the first round %s and %s", a, b)
		}
		later := n.executing("later", time.Now())
		pass(sweepEvery)
		synctest.Wait()
		if s := status(later); s != operations.Pending {
			t.Errorf("after the second round %s", s)
		}
		cancel()
		<-ended
	})
}

// TestSweepWaitsWhereTheNodeIsBusy: a full inbox delays a sweep, and nobody is
// left out.
func TestSweepWaitsWhereTheNodeIsBusy(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		id := n.executing("d", begin)
		n.refused = endpoint.ErrBusy
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		pass(10*time.Second + time.Millisecond)
		n.mu.Lock()
		n.refused = nil
		n.mu.Unlock()
		pass(time.Second)
		synctest.Wait()
		if op, err := n.stored(id); err != nil || op.Status != operations.Pending {
			t.Errorf("%+v, %v", op, err)
		}
		if asked := len(n.posted); asked != 12 {
			t.Errorf("asked %d times in 11 s", asked)
		}
		cancel()
		<-ended
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// TestSweepOfAShardThatCameLater: its leader sweeps it, and whoever leads it next
// does so again.
func TestSweepOfAShardThatCameLater(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		id := n.executing("d", begin)
		is := func(want operations.Status) {
			t.Helper()
			synctest.Wait()
			if op, err := n.stored(id); err != nil || op.Status != want {
				t.Errorf("%+v, %v; want %s", op, err, want)
			}
		}
		lead := func(led bool) {
			n.mu.Lock()
			n.foreign = map[ids.Shard]bool{id.Shard(): !led}
			n.mu.Unlock()
			pass(lookEvery)
			synctest.Wait()
		}
		lead(false)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		is(operations.Executing)
		lead(true)
		is(operations.Pending)
		n.executing("d", begin)
		pass(lookEvery)
		is(operations.Executing)
		lead(false)
		lead(true)
		is(operations.Pending)
		cancel()
		<-ended
	})
}

// TestSweepSettlesClaims that a crash left on PSK identities.
func TestSweepSettlesClaims(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		left := claim.Claim{Identity: "i", Endpoint: "d", Until: begin}
		i := n.env.Key.Identity([]byte(left.Identity))
		n.put(n.env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i), left.Append(nil))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		synctest.Wait()
		if claims := n.count(wire.ClassClaim); claims != 0 {
			t.Errorf("%d claims are left", claims)
		}
		cancel()
		<-ended
	})
}

// TestSweepAsSoonAsTheShardIsLed: nobody waits for the next look; also where it was
// another's in between and that was not seen.
func TestSweepAsSoonAsTheShardIsLed(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		for range 2 {
			synctest.Wait()
			id := n.executing("d", begin)
			n.Led(id.Shard())
			synctest.Wait()
			if op, err := n.stored(id); err != nil || op.Status != operations.Pending {
				t.Errorf("%+v, %v", op, err)
			}
		}
		cancel()
		<-ended
		if d := time.Since(begin); d != 0 {
			t.Errorf("it took %v", d)
		}
	})
}

// TestSweepIsSpread: those that wait for their devices are not woken, and of very many
// operations some are looked at at a time.
func TestSweepIsSpread(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		id := n.executing("d", begin)
		shard, last := id.Shard(), id
		for e := ids.Endpoint(1); e <= 2*sweepChunk; e++ { // their keys lie before that of d
			last = ids.NextOperation(shard, begin, last)
			op := operations.Operation{ID: last, Endpoint: e, Status: operations.Pending, Text: "read /3", Updated: begin}
			n.put(shard, wire.ClassOperation, wire.OperationKey(last), op.Append(nil))
			n.put(shard, wire.ClassActive, wire.DeviceOperationKey(e, last), nil)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { n.Sweep(ctx); close(ended) }()
		pass(2*sweepPause - time.Millisecond)
		synctest.Wait()
		asked := func() int {
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.posted)
		}
		if asked() != 0 {
			t.Error("all are looked at at once")
		}
		pass(2 * time.Millisecond)
		synctest.Wait()
		if op, err := n.stored(id); err != nil || op.Status != operations.Pending || asked() != 1 {
			t.Errorf("%+v, %v after %d", op, err, asked())
		}
		cancel()
		<-ended
	})
}
