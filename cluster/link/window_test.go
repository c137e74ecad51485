package link

import (
	"math/rand/v2"
	"testing"
)

// TestWindowAgainstASet: counters that ascend with gaps, repetitions and
// stragglers, near the ends of 64 bits as well.
func TestWindowAgainstASet(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 100 {
		var w window
		at := uint64(r.IntN(5000)) + 1
		if round%4 == 0 {
			at = 1<<64 - 1 - uint64(r.IntN(20_000))
		}
		seen, edge := map[uint64]bool{}, uint64(0)
		if round%2 == 0 {
			w, edge = closedUpTo(at), at
			for c := at; c > 0 && at-c < WindowSize; c-- {
				seen[c] = true
			}
		}
		for range 3000 {
			switch r.IntN(16) {
			case 0:
				at += min(1<<64-1-at, r.Uint64N(3*WindowSize))
			default:
				at += min(1<<64-1-at, r.Uint64N(3))
			}
			c := at - min(at, r.Uint64N(1<<r.IntN(14)))
			want := c > edge || c > 0 && edge-c < WindowSize && !seen[c]
			if got := w.fresh(c); got != want {
				t.Fatalf("seed %d: %d is fresh: %v, want %v; edge %d", seed, c, got, want, edge)
			}
			if got := w.accept(c); got != want || w.fresh(c) {
				t.Fatalf("seed %d: %d accepted: %v, want %v; edge %d", seed, c, got, want, edge)
			}
			if want {
				seen[c], edge = true, max(edge, c)
			}
			if w.edge != edge {
				t.Fatalf("seed %d: edge %d, want %d", seed, w.edge, edge)
			}
		}
	}
}

func TestTheWindowIsAsWideAsItSays(t *testing.T) {
	var w window
	w.accept(WindowSize + 100)
	if !w.fresh(101) || w.fresh(100) {
		t.Errorf("101 is fresh: %v, 100: %v", w.fresh(101), w.fresh(100))
	}
}
