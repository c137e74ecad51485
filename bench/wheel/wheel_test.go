package wheel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var zero = time.Unix(1_000_000, 0)

// Every alarm goes off once, after its time and at most one step late.
func TestWheel(t *testing.T) {
	const seed = 20
	random := rand.New(rand.NewPCG(seed, 0))
	w := New(zero)
	due := map[Alarm]time.Time{}
	now := zero
	for n := uint32(0); n < 20_000 || len(due) > 0; {
		if n < 20_000 {
			for range random.IntN(20) {
				wait := time.Duration(random.Int64N(int64(50 * time.Second)))
				a := Alarm{int32(random.IntN(100)), n}
				w.Add(now, wait, a)
				due[a] = now.Add(wait)
				n++
			}
		}
		before := now
		now = now.Add(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		w.Advance(now, func(a Alarm) {
			at, set := due[a]
			if !set {
				t.Fatalf("seed %d: %v goes off, but was not set or went off before", seed, a)
			}
			if at.After(now) || at.Before(before.Add(-Step)) {
				t.Fatalf("seed %d: %v was due %v, between %v and %v", seed, a, at.Sub(zero), before.Sub(zero), now.Sub(zero))
			}
			delete(due, a)
		})
		if w.set != len(due) {
			t.Fatalf("seed %d: %d alarms, want %d", seed, w.set, len(due))
		}
	}
	if next := w.Next(); !next.IsZero() {
		t.Errorf("an empty wheel is next at %v", next.Sub(zero))
	}
}

// A wait beyond the span is cut to it: an alarm that comes early is worse than
// none only where it is believed, and no caller waits so long.
func TestWheelSpan(t *testing.T) {
	w := New(zero)
	w.Add(zero, time.Hour, Alarm{1, 1})
	span := Step * (steps - 1)
	went := 0
	w.Advance(zero.Add(span-Step), func(Alarm) { went++ })
	if went != 0 {
		t.Error("it went off early")
	}
	w.Advance(zero.Add(span), func(Alarm) { went++ })
	if went != 1 {
		t.Error("it did not go off at the end of the span")
	}
}

// An alarm that is set while others go off, for the step that has just passed,
// belongs to the next one.
func TestWheelIsSetWhileItTurns(t *testing.T) {
	w := New(zero)
	w.Add(zero, 0, Alarm{1, 0})
	var order []uint32
	for step := range 5 {
		now := zero.Add(time.Duration(step+1) * Step)
		w.Advance(now, func(a Alarm) {
			order = append(order, a.Number)
			w.Add(now.Add(-time.Second), 0, Alarm{1, a.Number + 1})
		})
	}
	if want := []uint32{0, 1, 2, 3, 4}; !slices.Equal(order, want) {
		t.Errorf("alarms %v, want %v", order, want)
	}
	w.Advance(zero.Add(time.Hour), func(Alarm) {})
	if w.set != 0 || !w.Next().IsZero() {
		t.Errorf("%d alarms are left, next %v", w.set, w.Next())
	}
	w.Advance(zero.Add(2*time.Hour), func(a Alarm) { t.Errorf("%v out of nothing", a) })
}
