package shell

import (
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/endpoint"
)

func TestIdleCellsArePassivated(t *testing.T) {
	in(t, Options{Idle: 10 * time.Second}, func(r *rig) {
		a, b := device(1), device(2)
		r.tell(ToEndpoint(a), "w")
		r.commit(nil)
		pass(9 * time.Second)
		r.tell(ToEndpoint(b), "r")
		r.awake(2)
		pass(2 * time.Second)
		r.awake(1)
		pass(9 * time.Second)
		r.awake(0)
		for _, l := range r.shell.loops {
			for _, s := range l.led {
				if n := len(s.cells); n != 0 {
					t.Errorf("%d cells are left", n)
				}
			}
		}
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("wrote", 1, a), said("read", 0, b), said("read", 1, a))
		if s := r.shell.Stats(); s.Loaded != 3 || s.Passivated != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBusyCellsAndThoseInFlightStay(t *testing.T) {
	in(t, Options{Idle: time.Second}, func(r *rig) {
		a, b := device(1), device(2)
		r.tell(ToEndpoint(a), "b")
		r.tell(ToEndpoint(b), "w")
		pass(10 * time.Second)
		r.awake(2)
		r.commit(nil)
		r.tell(ToEndpoint(a), "f")
		pass(2 * time.Second)
		r.awake(0)
	})
}

// TestRoomChangesWhileItRuns: what is more than a smaller bound goes when there is
// another event.
func TestRoomChangesWhileItRuns(t *testing.T) {
	in(t, Options{Loops: 1, MaxAwake: 3}, func(r *rig) {
		for i := range 3 {
			r.tell(ToEndpoint(device(i+1)), "r")
		}
		r.awake(3)
		r.shell.SetMaxAwake(2)
		r.tell(ToEndpoint(device(4)), "r")
		r.awake(2)
		r.shell.SetMaxAwake(4)
		for i := range 2 {
			r.tell(ToEndpoint(device(i+1)), "r")
		}
		r.awake(4)
		r.wantEvents()
	})
}

func TestTheOldestMakesRoom(t *testing.T) {
	in(t, Options{Loops: 1, MaxAwake: 2}, func(r *rig) {
		a, b, c := device(1), device(2), device(3)
		r.tell(ToEndpoint(a), "r")
		r.tell(ToEndpoint(b), "r")
		r.tell(ToEndpoint(a), "r")
		r.tell(ToEndpoint(c), "r")
		r.awake(2)
		if r.shell.loops[0].shards[r.shell.options.Env.Shards.Of(b)].cells.find(b) != nil {
			t.Error("b was the oldest")
		}
		// All busy: what would need memory is refused, the others go on.
		r.tell(ToEndpoint(a), "b")
		r.tell(ToEndpoint(c), "b")
		refused := r.submit(b, "r")
		synctest.Wait()
		refused.want(t, endpoint.ErrBusy)
		r.tell(ToEndpoint(b), "r")
		r.mu.Lock()
		r.sent = nil
		r.mu.Unlock()
		r.tell(ToEndpoint(a), "r f")
		r.wantSent(said("read", 0, a))
		r.tell(ToEndpoint(b), "r")
		r.wantSent(said("read", 0, b))
		if s := r.shell.Stats(); s.Refused != 2 || s.Dropped != 1 || s.Awake != 2 {
			t.Errorf("%+v", s)
		}
		r.wantEvents()
	})
}

func TestTicksComeInTime(t *testing.T) {
	in(t, Options{Idle: time.Hour}, func(r *rig) {
		a, b := device(1), device(2)
		r.tell(ToEndpoint(a), "t30")
		r.tell(ToEndpoint(b), "t20")
		pass(19 * time.Second)
		r.tell(ToEndpoint(b), "t20") // later: 39
		r.tell(ToEndpoint(a), "t2")  // earlier: 21
		pass(1500 * time.Millisecond)
		r.wantSent()
		pass(time.Second)
		r.wantSent(said("tick", 0, a))
		pass(16 * time.Second)
		r.wantSent()
		pass(2 * time.Second)
		r.wantSent(said("tick", 0, b))
		pass(10 * time.Minute)
		r.wantSent()
	})
}

func TestATickDoesNotKeepACellAwake(t *testing.T) {
	in(t, Options{Idle: 10 * time.Second}, func(r *rig) {
		a := device(1)
		r.tell(ToEndpoint(a), "t8")
		pass(11 * time.Second)
		r.wantSent(said("tick", 0, a))
		r.awake(0)
		// A cell that sleeps gets none.
		r.tell(ToEndpoint(a), "t30")
		pass(time.Minute)
		r.wantSent()
	})
}

func TestManyTicksAtOnce(t *testing.T) {
	in(t, Options{Idle: time.Hour}, func(r *rig) {
		for i := range 3 * maxFired {
			r.deliver(ToEndpoint(device(i)), "t5")
		}
		pass(5 * time.Second)
		if len(r.sent) != 3*maxFired {
			t.Errorf("%d ticks", len(r.sent))
		}
	})
}

func (r *rig) awake(want int) {
	r.t.Helper()
	if got := r.shell.Stats().Awake; got != want {
		r.t.Errorf("%d cells awake, want %d", got, want)
	}
}

// TestHalfABodyStaysUntilRoomIsNeeded: strangers that begin bodies must not keep
// others out.
func TestHalfABodyStaysUntilRoomIsNeeded(t *testing.T) {
	in(t, Options{Loops: 1, MaxAwake: 2, Idle: time.Second}, func(r *rig) {
		a, b, c := device(1), device(2), device(3)
		r.tell(ToEndpoint(a), "h")
		r.tell(ToEndpoint(b), "h")
		pass(10 * time.Second)
		r.awake(2)
		r.tell(ToEndpoint(c), "r")
		r.awake(2)
		r.wantSent(said("read", 0, c))
	})
}
