package store

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestMarksHoldOnToAStateForAnEighth(t *testing.T) {
	m, state := marks{low: 800, full: 400}, OK
	for _, step := range []struct {
		available int64
		want      Space
	}{
		{1000, OK}, {800, OK}, {799, Low}, {850, Low}, {900, OK}, {700, Low},
		{400, Low}, {399, Full}, {449, Full}, {450, Low}, {0, Full}, {899, Low}, {900, OK},
		{100, Full}, {5000, OK},
	} {
		got := m.next(state, step.available)
		if got != step.want {
			t.Errorf("from %v with %d: %v, want %v", state, step.available, got, step.want)
		}
		state = got
	}
	if none := (marks{}); none.next(OK, 0) != OK || none.reserve() != 0 {
		t.Error("without marks nothing is full")
	}
}

// gauge is a meter over figures of the test.
type gauge struct {
	*meter
	left   int64
	known  bool
	refuse errorfs.Toggle
	states []Space
}

func newGauge(t *testing.T, size int64) *gauge {
	g := &gauge{left: 10_000, known: true}
	g.refuse.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFilePreallocate || op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	})
	b := newBallast(errorfs.Wrap(vfs.NewMem(), &g.refuse), "ballast", size)
	usage := func() (int64, bool) { return g.left - b.held(), g.known }
	g.meter = newMeter(marks{low: 800, full: 400}, usage, b, func(_, to Space, _ int64) {
		g.states = append(g.states, to)
	})
	return g
}

func (g *gauge) at(left int64) Space {
	g.left = left
	g.measure()
	return g.current()
}

func TestMeterFollowsTheDisk(t *testing.T) {
	g := newGauge(t, 100)
	if g.at(10_000) != OK || g.ballast.held() != 100 {
		t.Errorf("%v with a ballast of %d", g.current(), g.ballast.held())
	}
	for _, tc := range []struct {
		left    int64
		want    Space
		refuses bool
	}{{850, Low, false}, {400, Full, false}, {299, Full, true}, {301, Full, false}, {600, Low, false}, {2000, OK, false}} {
		if got := g.at(tc.left); got != tc.want || g.refuses() != tc.refuses {
			t.Errorf("with %d: %v, refuses %v", tc.left, got, g.refuses())
		}
	}
	if want := []Space{Low, Full, Low, OK}; !slices.Equal(g.states, want) {
		t.Errorf("told %v", g.states)
	}
}

func TestExhaustionEndsWhenTheBallastIsBack(t *testing.T) {
	g := newGauge(t, 100)
	g.at(10_000)
	g.exhaust()
	if g.current() != Full || !g.refuses() || g.ballast.held() != 0 {
		t.Errorf("%v, refuses %v, ballast %d", g.current(), g.refuses(), g.ballast.held())
	}
	// The figure says that there is room, writes say that there is not: a quota.
	g.refuse.On()
	if g.at(10_000) != Full || !g.refuses() {
		t.Errorf("%v while nothing can be written", g.current())
	}
	g.refuse.Off()
	if g.at(549) != Full || !g.spent() {
		t.Error("no room for the ballast above the mark")
	}
	if g.at(10_000) != OK || g.refuses() || g.ballast.held() != 100 {
		t.Errorf("%v, refuses %v, ballast %d", g.current(), g.refuses(), g.ballast.held())
	}
}

func TestMeterWithoutFigures(t *testing.T) {
	g := newGauge(t, 100)
	g.known = false
	if g.at(-1) != OK {
		t.Errorf("%v", g.current())
	}
	g.exhaust()
	g.refuse.On()
	if g.at(-1) != Full {
		t.Errorf("%v", g.current())
	}
	g.refuse.Off()
	if g.at(-1) != OK || g.refuses() {
		t.Errorf("%v", g.current())
	}
}

func TestMeterWithoutBallast(t *testing.T) {
	g := newGauge(t, 0)
	g.exhaust()
	if g.at(449) != Full || g.at(450) != Low || g.refuses() {
		t.Errorf("%v", g.current())
	}
}

func TestWaitEndsWithAMeasurementOrTheEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(*meter)
	}{{"measure", (*meter).measure}, {"stop", (*meter).stop}} {
		synctest.Test(t, func(t *testing.T) {
			g := newGauge(t, 0)
			var answers []bool
			go func() { answers = append(answers, g.wait()) }()
			synctest.Wait()
			if len(answers) != 0 {
				t.Errorf("%s: did not wait", tc.name)
			}
			tc.end(g.meter)
			synctest.Wait()
			// Told apart by the next wait: one that is stopped does not wait again.
			if g.stop(); len(answers) != 1 || g.wait() {
				t.Errorf("%s: %v", tc.name, answers)
			}
		})
	}
}

func TestBallast(t *testing.T) {
	fs := vfs.NewMem()
	b := newBallast(fs, "ballast", 3<<20+5)
	if b.held() != 0 || b.fill() != nil || b.fill() != nil || b.held() != 3<<20+5 {
		t.Errorf("holds %d", b.held())
	}
	if newBallast(fs, "ballast", 7).held() != 7 {
		t.Error("a ballast of an earlier time is not taken over")
	}
	if newBallast(fs, "ballast", 0).held() != 0 {
		t.Error("an unwanted ballast stays")
	}
	if _, err := fs.Stat("ballast"); err == nil {
		t.Error("its file stays")
	}
}

func TestBallastWhereNothingCanBeReserved(t *testing.T) {
	for name, tc := range map[string]struct {
		writes error
		held   int64
	}{"written instead": {nil, 5 << 20}, "no room": {syscall.ENOSPC, 0}} {
		fs := vfs.NewMem()
		inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch op.Kind {
			case errorfs.OpFilePreallocate:
				return syscall.EOPNOTSUPP
			case errorfs.OpFileWrite:
				return tc.writes
			}
			return nil
		})
		b := newBallast(errorfs.Wrap(fs, inject), "ballast", 5<<20)
		if err := b.fill(); !errors.Is(err, tc.writes) || b.held() != tc.held {
			t.Errorf("%s: %v, holds %d", name, err, b.held())
		}
		size := int64(0)
		if fi, err := fs.Stat("ballast"); err == nil {
			size = fi.Size()
		}
		if size != tc.held {
			t.Errorf("%s: a file of %d bytes", name, size)
		}
	}
}
