package timers

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// shelf is a Reader over sorted keys that counts what a walk touches.
type shelf struct {
	keys    [][]byte
	touched int
	err     error
}

func (s *shelf) put(d Due) {
	k := d.key()
	if at, found := slices.BinarySearchFunc(s.keys, k, bytes.Compare); !found {
		s.keys = slices.Insert(s.keys, at, k)
	}
}

func (s *shelf) deleteRange(from, to []byte) {
	s.keys = slices.DeleteFunc(s.keys, func(k []byte) bool {
		return bytes.Compare(k, from) >= 0 && bytes.Compare(k, to) < 0
	})
}

func (s *shelf) Scan(_ ids.Shard, class wire.Class, from, to []byte, _ bool, f func(key, value []byte) bool) error {
	if class != wire.ClassTimer || to != nil {
		panic("not a walk over timers")
	}
	at, _ := slices.BinarySearchFunc(s.keys, from, bytes.Compare)
	for _, k := range s.keys[at:] {
		s.touched++
		if !f(k, nil) {
			break
		}
	}
	return s.err
}

var start = time.UnixMilli(1_800_000_000_000)

// after is a timer some milliseconds after start.
func after(ms int, e ids.Endpoint) Due {
	return Due{At: start.Add(time.Duration(ms) * time.Millisecond), Endpoint: e}
}

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func mustDue(t *testing.T, q *Queue, now time.Time, limit int) ([]Due, time.Time) {
	t.Helper()
	due, next, err := q.Due(now, limit)
	if err != nil {
		t.Fatal(err)
	}
	return due, next
}

func TestDueGivesInOrderOnceAndSaysWhatIsNext(t *testing.T) {
	s := &shelf{}
	for _, d := range []Due{after(30, 1), after(10, 9), after(10, 2), after(20, 5), after(500, 4)} {
		s.put(d)
	}
	q := New(s, 3)
	if due, next := mustDue(t, q, at(9), 10); len(due) != 0 || !next.Equal(at(10)) {
		t.Errorf("before the first: %v, next %v", due, next)
	}
	due, next := mustDue(t, q, at(30), 3)
	if want := []Due{after(10, 2), after(10, 9), after(20, 5)}; !slices.Equal(due, want) || !next.Equal(at(30)) {
		t.Errorf("limited: %v, next %v", due, next)
	}
	due, next = mustDue(t, q, at(30), 3)
	if want := []Due{after(30, 1)}; !slices.Equal(due, want) || !next.Equal(at(500)) {
		t.Errorf("the rest: %v, next %v", due, next)
	}
	if due, _ := mustDue(t, q, at(499), 3); len(due) != 0 {
		t.Errorf("given twice: %v", due)
	}
	if due, next := mustDue(t, q, at(500), 3); len(due) != 1 || !next.IsZero() {
		t.Errorf("the last: %v, next %v", due, next)
	}
	if q.Waiting() != 5 {
		t.Errorf("%d wait, want 5", q.Waiting())
	}
}

func TestAnEmptyShardHasNoNext(t *testing.T) {
	if due, next := mustDue(t, New(&shelf{}, 0), start, 10); due != nil || !next.IsZero() {
		t.Errorf("%v, next %v", due, next)
	}
}

func TestArmedBehindTheCursorIsNotMissed(t *testing.T) {
	s := &shelf{}
	s.put(after(100, 1))
	q := New(s, 0)
	mustDue(t, q, at(100), 10)
	for _, tc := range []struct {
		d      Due
		behind bool
	}{
		{after(101, 2), false}, // ahead: the walk finds it
		{after(60, 3), true},
		{after(50, 4), true},
		{after(50, 4), true},   // told twice, given once
		{after(100, 1), false}, // given, still being handled
	} {
		s.put(tc.d)
		if got := q.Armed(tc.d); got != tc.behind {
			t.Errorf("Armed(%v) = %v", tc.d, got)
		}
	}
	due, next := mustDue(t, q, at(100), 1)
	if !slices.Equal(due, []Due{after(50, 4)}) || !next.Equal(at(60)) {
		t.Errorf("first late: %v, next %v", due, next)
	}
	due, next = mustDue(t, q, at(100), 10)
	if !slices.Equal(due, []Due{after(60, 3)}) || !next.Equal(at(101)) {
		t.Errorf("second late: %v, next %v", due, next)
	}
}

func TestArmedBeforeTheFirstWalkIsFoundByIt(t *testing.T) {
	s := &shelf{}
	s.put(after(5, 1))
	q := New(s, 0)
	if q.Armed(after(5, 1)) {
		t.Error("nothing lies behind a cursor that is not set")
	}
	if due, _ := mustDue(t, q, at(5), 10); len(due) != 1 {
		t.Errorf("%v", due)
	}
}

func TestCleanupSparesWhatIsNotHandledAndWhatIsYoung(t *testing.T) {
	s := &shelf{}
	for ms := range 5 {
		s.put(after(ms, ids.Endpoint(ms)))
	}
	q := New(s, 0)
	if from, to := q.Cleanup(at(0).Add(time.Hour)); from != nil || to != nil {
		t.Error("a range before the first walk")
	}
	due, _ := mustDue(t, q, at(10), 10)
	later := at(0).Add(time.Hour)
	for _, tc := range []struct {
		handled int // up to here
		left    int // keys after the cleanup; the cursor's own key stays
	}{{2, 3}, {2, 3}, {5, 1}} {
		for _, d := range due[:tc.handled] {
			q.Handled(Due{At: d.At.UTC(), Endpoint: d.Endpoint})
		}
		if from, to := q.Cleanup(later); to != nil {
			s.deleteRange(from, to)
		}
		if len(s.keys) != tc.left {
			t.Errorf("%d handled: %d keys left, want %d", tc.handled, len(s.keys), tc.left)
		}
	}
	if from, to := q.Cleanup(later); from != nil || to != nil {
		t.Error("the same range twice")
	}
}

func TestCleanupKeepsTheLastMinutes(t *testing.T) {
	s := &shelf{}
	old, young := after(0, 1), Due{start.Add(30 * time.Minute), 2}
	s.put(old)
	s.put(young)
	q := New(s, 0)
	due, _ := mustDue(t, q, young.At, 10)
	for _, d := range due {
		q.Handled(d)
	}
	from, to := q.Cleanup(young.At.Add(KeepBehind - time.Millisecond))
	s.deleteRange(from, to)
	if len(s.keys) != 1 || !bytes.Equal(s.keys[0], young.key()) {
		t.Errorf("%d keys left", len(s.keys))
	}
}

func TestCleanupSparesLateOnes(t *testing.T) {
	s := &shelf{}
	s.put(after(100, 1))
	q := New(s, 0)
	due, _ := mustDue(t, q, at(100), 10)
	q.Handled(due[0])
	s.put(after(40, 2))
	q.Armed(after(40, 2))
	from, to := q.Cleanup(start.Add(time.Hour))
	s.deleteRange(from, to)
	if due, _ := mustDue(t, New(s, 0), at(100), 10); len(due) != 2 {
		t.Errorf("after a restart: %v", due)
	}
}

func TestErrorsOfTheReaderDoNotLoseTimers(t *testing.T) {
	s := &shelf{err: errors.New("disk on fire")}
	s.put(after(1, 1))
	q := New(s, 7)
	due, _, err := q.Due(at(5), 10)
	if !errors.Is(err, s.err) || len(due) != 1 {
		t.Errorf("%v, %v", due, err)
	}
	s.err = nil
	s.put(after(2, 2))
	if due, _ := mustDue(t, q, at(5), 10); !slices.Equal(due, []Due{after(2, 2)}) {
		t.Errorf("%v", due)
	}
}

func TestAMalformedKeyIsAnError(t *testing.T) {
	s := &shelf{keys: [][]byte{{1, 2, 3}}}
	if _, _, err := New(s, 0).Due(start, 10); !errors.Is(err, wire.ErrBatch) {
		t.Errorf("%v", err)
	}
}

// TestTheWalkStepsOverNothing: a queue that is asked all the time touches each
// timer once, and one more per call for what is next.
func TestTheWalkStepsOverNothing(t *testing.T) {
	s := &shelf{}
	const timers, calls = 1000, 100
	for i := range timers {
		s.put(after(i, ids.Endpoint(i)))
	}
	q := New(s, 0)
	for i := 1; i <= calls; i++ {
		due, _ := mustDue(t, q, at(i*timers/calls), timers)
		for _, d := range due {
			q.Handled(d)
		}
	}
	if s.touched > timers+calls {
		t.Errorf("%d keys touched for %d timers in %d calls", s.touched, timers, calls)
	}
}

// TestNoTimerIsLost arms, fires, cleans and restarts at random, with commits
// that arrive late, and checks against a plain set.
func TestNoTimerIsLost(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	s, now := &shelf{}, start
	q, live := New(s, 0), map[place]bool{}
	arm := func() {
		d := Due{now.Add(time.Duration(r.IntN(20_000)) * time.Millisecond), ids.Endpoint(r.IntN(50))}
		live[d.place()] = true
		now = now.Add(time.Duration(r.IntN(10_000)) * time.Millisecond) // the commit takes its time
		if r.IntN(2) == 0 {
			fire(t, q, now, live, r)
		}
		s.put(d)
		q.Armed(d)
	}
	for range 5000 {
		switch r.IntN(12) {
		case 0:
			if from, to := q.Cleanup(now); to != nil {
				s.deleteRange(from, to)
			}
		case 1:
			q = New(s, 0)
		case 2, 3, 4, 5:
			fire(t, q, now, live, r)
		default:
			arm()
		}
	}
	now = now.Add(time.Minute)
	fire(t, New(s, 0), now, live, r)
	if len(live) != 0 {
		t.Errorf("seed %d: %d timers never fired", seed, len(live))
	}
	if len(s.keys) > 2000 {
		t.Errorf("seed %d: %d keys are left, nothing was cleaned", seed, len(s.keys))
	}
}

func fire(t *testing.T, q *Queue, now time.Time, live map[place]bool, r *rand.Rand) {
	for {
		due, next := mustDue(t, q, now, 1+r.IntN(20))
		for _, d := range due {
			if d.At.After(now) {
				t.Fatalf("%v fired at %v", d, now)
			}
			delete(live, d.place())
			q.Handled(d)
		}
		if next.IsZero() || next.After(now) {
			return
		}
	}
}
