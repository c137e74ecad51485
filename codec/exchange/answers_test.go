package exchange

import (
	"fmt"
	"testing"
	"time"
)

var t0 = time.Unix(1_800_000_000, 0)

func TestAnswersLifetimes(t *testing.T) {
	for _, c := range []struct {
		con  bool
		age  time.Duration
		want bool
	}{
		{true, 0, true}, {true, ExchangeLifetime - time.Millisecond, true}, {true, ExchangeLifetime, false},
		{false, 0, true}, {false, NonLifetime - time.Millisecond, true}, {false, NonLifetime, false},
		{true, -time.Minute, true}, // the clock was set back a little
		{true, -time.Hour, false},  // or by so much that it says nothing
	} {
		var a Answers
		a.Remember(t0, 1, 7, c.con, []byte("answer"))
		answer, dup := a.Lookup(t0.Add(c.age), 1, 7)
		if dup != c.want || dup && string(answer) != "answer" {
			t.Errorf("con %v at %v: %q, %v", c.con, c.age, answer, dup)
		}
	}
}

func TestAnswersKeys(t *testing.T) {
	var a Answers
	if _, dup := a.Lookup(t0, 0, 0); dup || a.Len() != 0 {
		t.Error("the zero value knows something")
	}
	a.Remember(t0, 1, 7, true, nil)
	if answer, dup := a.Lookup(t0, 1, 7); !dup || len(answer) != 0 {
		t.Errorf("not yet answered: %q, %v", answer, dup)
	}
	a.Remember(t0, 1, 7, true, []byte("late"))
	if answer, _ := a.Lookup(t0, 1, 7); string(answer) != "late" || a.Len() != 1 {
		t.Errorf("answered: %q of %d", answer, a.Len())
	}
	if _, dup := a.Lookup(t0, 2, 7); dup {
		t.Error("the message ID of another peer")
	}
	if _, dup := a.Lookup(t0, 1, 8); dup {
		t.Error("another message ID")
	}
}

func TestAnswersKeepTheNewest(t *testing.T) {
	var a Answers
	for mid := range uint16(20) {
		a.Remember(t0.Add(time.Duration(mid)*time.Second), 1, mid, true, []byte{byte(mid)})
		for old := range mid + 1 {
			answer, dup := a.Lookup(t0.Add(20*time.Second), 1, old)
			if want := mid-old < MaxAnswers; dup != want || dup && answer[0] != byte(old) {
				t.Fatalf("after %d, %d: %v, %v", mid, old, answer, dup)
			}
		}
	}
	if a.Len() != MaxAnswers {
		t.Errorf("%d entries", a.Len())
	}
	// The dead make room before the oldest of the living goes.
	a.Remember(t0.Add(time.Hour), 1, 99, true, nil)
	if a.Len() != 1 {
		t.Errorf("%d entries an hour later", a.Len())
	}
}

func TestAnswersAllocateNothingWhenFull(t *testing.T) {
	var a Answers
	mid := uint16(0)
	next := func() {
		mid++
		a.Remember(t0, 1, mid, true, nil)
	}
	for range MaxAnswers {
		next()
	}
	if n := testing.AllocsPerRun(100, next); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFresher(t *testing.T) {
	const half, last = 1 << 23, 1<<24 - 1
	for _, c := range []struct {
		from, to uint32
		after    time.Duration
		want     bool
	}{
		{1, 2, 0, true}, {2, 1, 0, false}, {5, 5, 0, false},
		{0, half - 1, 0, true}, {0, half, 0, false}, {0, half + 1, 0, false},
		{last, 0, 0, true}, {last, half - 2, 0, true}, {half, 0, 0, false}, {half + 1, 0, 0, true},
		{0, last, 0, false},
		{9, 3, 128 * time.Second, false}, {9, 3, 128*time.Second + 1, true}, {9, 9, time.Hour, true},
	} {
		t.Run(fmt.Sprintf("%d then %d after %v", c.from, c.to, c.after), func(t *testing.T) {
			if got := Fresher(c.from, t0, c.to, t0.Add(c.after)); got != c.want {
				t.Errorf("fresher %v", got)
			}
		})
	}
}
