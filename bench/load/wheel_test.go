package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Every alarm goes off once, after its time and at most one step late.
func TestWheel(t *testing.T) {
	const seed = 20
	random := rand.New(rand.NewPCG(seed, 0))
	w := wheel{epoch: zero}
	due := map[alarm]time.Time{}
	now := zero
	for n := uint32(0); n < 20_000 || len(due) > 0; {
		if n < 20_000 {
			for range random.IntN(20) {
				wait := time.Duration(random.Int64N(int64(50 * time.Second)))
				a := alarm{int32(random.IntN(100)), n}
				w.add(now, wait, a)
				due[a] = now.Add(wait)
				n++
			}
		}
		before := now
		now = now.Add(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		w.advance(now, func(a alarm) {
			at, set := due[a]
			if !set {
				t.Fatalf("seed %d: %v goes off, but was not set or went off before", seed, a)
			}
			if at.After(now) || at.Before(before.Add(-wheelStep)) {
				t.Fatalf("seed %d: %v was due %v, between %v and %v", seed, a, at.Sub(zero), before.Sub(zero), now.Sub(zero))
			}
			delete(due, a)
		})
		if w.set != len(due) {
			t.Fatalf("seed %d: %d alarms, want %d", seed, w.set, len(due))
		}
	}
	if next := w.next(); !next.IsZero() {
		t.Errorf("an empty wheel is next at %v", next.Sub(zero))
	}
}

// A wait beyond the span is cut to it: an alarm that comes early is worse than
// none only where it is believed, and no caller waits so long.
func TestWheelSpan(t *testing.T) {
	w := wheel{epoch: zero}
	w.add(zero, time.Hour, alarm{1, 1})
	span := wheelStep * (wheelSteps - 1)
	went := 0
	w.advance(zero.Add(span-wheelStep), func(alarm) { went++ })
	if went != 0 {
		t.Error("it went off early")
	}
	w.advance(zero.Add(span), func(alarm) { went++ })
	if went != 1 {
		t.Error("it did not go off at the end of the span")
	}
}

// An alarm that is set while others go off, for the step that has just passed,
// belongs to the next one.
func TestWheelIsSetWhileItTurns(t *testing.T) {
	w := wheel{epoch: zero}
	w.add(zero, 0, alarm{1, 0})
	var order []uint32
	for step := range 5 {
		now := zero.Add(time.Duration(step+1) * wheelStep)
		w.advance(now, func(a alarm) {
			order = append(order, a.number)
			w.add(now.Add(-time.Second), 0, alarm{1, a.number + 1})
		})
	}
	if want := []uint32{0, 1, 2, 3, 4}; !slices.Equal(order, want) {
		t.Errorf("alarms %v, want %v", order, want)
	}
	w.advance(zero.Add(time.Hour), func(alarm) {})
	if w.set != 0 || !w.next().IsZero() {
		t.Errorf("%d alarms are left, next %v", w.set, w.next())
	}
	w.advance(zero.Add(2*time.Hour), func(a alarm) { t.Errorf("%v out of nothing", a) })
}
