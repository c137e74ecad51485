package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// raced: the race detector is there. It makes all slow and has nothing to find in
// one goroutine.
var raced bool

// TestSimulation runs seeds that are the same each time. SIM_SEED repeats one
// and, with -v, shows it; SIM_SEEDS runs more of them.
func TestSimulation(t *testing.T) {
	if seed := number64(t, "SIM_SEED", 0); seed != 0 {
		r := simulate(seed, none, testing.Verbose())
		t.Logf("%+v", r.stats)
		if r.bad != nil {
			t.Fatal(r)
		}
		return
	}
	seeds := number64(t, "SIM_SEEDS", 60)
	if testing.Short() || raced {
		seeds /= 5
	}
	var sum stats
	for seed := uint64(1); seed <= seeds; seed++ {
		r := simulate(seed, none, false)
		if r.bad != nil {
			t.Error(r)
		}
		sum.add(r.stats)
	}
	t.Logf("%d seeds: %+v", seeds, sum)
	for what, n := range map[string]int{
		"acknowledged": sum.acked, "unknown": sum.unknown, "reads": sum.reads, "effects": sum.effects, "numbers": sum.numbers,
		"crashes": sum.crashes, "moves": sum.moves, "states installed": sum.installed, "parts of states": sum.parts,
	} {
		if n < int(seeds) {
			t.Errorf("%d seeds have only %d %s", seeds, n, what)
		}
	}
}

func number64(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLongSimulation runs new seeds for as long as SIM says, as "10m".
func TestLongSimulation(t *testing.T) {
	text := os.Getenv("SIM")
	if text == "" {
		t.Skip("SIM says for how long: see make sim")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	var sum stats
	runs := 0
	for start := time.Now(); time.Since(start) < d; runs++ {
		r := simulate(rand.Uint64(), none, false)
		if r.bad != nil {
			t.Error(r)
			fmt.Println(r) // now: the end is far
		}
		sum.add(r.stats)
	}
	t.Logf("%d seeds: %+v", runs, sum)
}

// TestASeedIsARun: chance comes from nowhere else.
func TestASeedIsARun(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		a, b := simulate(seed, none, false), simulate(seed, none, false)
		a.stats.unjudged, b.stats.unjudged = 0, 0 // by the time that it takes
		if a.trace != b.trace || a.stats != b.stats {
			t.Errorf("seed %d: traces %x and %x, %+v and %+v", seed, a.trace, b.trace, a.stats, b.stats)
		}
	}
	if simulate(1, none, false).trace == simulate(2, none, false).trace {
		t.Error("two seeds have one trace")
	}
}

// TestMutationsAreFound: what the simulation checks, it would see.
func TestMutationsAreFound(t *testing.T) {
	for m := none + 1; m <= hopefulAnswers; m++ {
		t.Run(m.String(), func(t *testing.T) {
			const most = 200
			for seed := uint64(1); seed <= most; seed++ {
				if r := simulate(seed, m, false); r.bad != nil {
					t.Logf("found by seed %d: %v", seed, r.bad)
					return
				}
			}
			t.Errorf("%d seeds do not find it", most)
		})
	}
}
