package load

import (
	"testing"
	"time"
)

var zero = time.Unix(1_000_000, 0)

// What is due, and when it was, does not depend on when one looks.
func TestPaceIsSteady(t *testing.T) {
	for _, rate := range []int{1, 3, 7, 1000, 2000, 12_000, 999_983, maxRate} {
		p := pace{began: zero, rate: rate}
		last := zero
		for k := range int64(5000) {
			due := p.at(k)
			exact := float64(k) / float64(rate)
			if late := due.Sub(zero).Seconds() - exact; late <= 0 || late > burst.Seconds()+1e-9 {
				t.Fatalf("rate %d: exchange %d is due %v, %v s off", rate, k, due.Sub(zero), late)
			}
			if due.Before(last) || due.Sub(zero)%burst != 0 {
				t.Fatalf("rate %d: exchange %d is due %v after %v", rate, k, due.Sub(zero), last.Sub(zero))
			}
			last = due
		}
	}
}

// In any second as many exchanges are due as the rate says, without drift.
func TestPaceKeepsTheRateForDays(t *testing.T) {
	const rate = 12_000
	p := pace{began: zero, rate: rate}
	for _, second := range []int64{0, 1, 59, 3600, 100 * 86400} {
		p.taken = second * rate
		if early, ok := p.take(zero.Add(time.Duration(second) * time.Second)); ok {
			t.Errorf("second %d begins with an exchange that was due %v", second, early.Sub(zero))
		}
		n := 0
		for end := zero.Add(time.Duration(second+1) * time.Second); ; n++ {
			if _, ok := p.take(end); !ok {
				break
			}
		}
		if n != rate {
			t.Errorf("second %d has %d exchanges", second, n)
		}
	}
}

func TestPaceOwesWhatWasMissed(t *testing.T) {
	p := pace{began: zero, rate: 1000}
	if _, ok := p.take(zero); ok {
		t.Error("something was due before the end of the first burst")
	}
	if next := p.next(); !next.Equal(zero.Add(burst)) {
		t.Errorf("the first is due %v", next.Sub(zero))
	}
	// Nobody looks for half a second: all of it is still due, each at its time.
	late := zero.Add(500 * time.Millisecond)
	for k := range 500 {
		due, ok := p.take(late)
		if want := zero.Add(time.Duration(k+1) * time.Millisecond); !ok || !due.Equal(want) {
			t.Fatalf("exchange %d: due %v, %t; want %v", k, due.Sub(zero), ok, want.Sub(zero))
		}
	}
	if due, ok := p.take(late); ok {
		t.Errorf("one too many, due %v", due.Sub(zero))
	}
}
