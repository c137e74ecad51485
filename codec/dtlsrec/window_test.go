package dtlsrec

import (
	"math/rand/v2"
	"testing"
)

// naive is a window that forgets nothing.
type naive struct {
	seen map[uint64]bool
	edge uint64
}

func (n *naive) fresh(seq uint64) bool {
	return len(n.seen) == 0 || !n.seen[seq] && (seq > n.edge || n.edge-seq < WindowSize)
}

func (n *naive) accept(seq uint64) bool {
	newest := len(n.seen) == 0 || seq > n.edge
	n.seen[seq] = true
	n.edge = max(n.edge, seq)
	return newest
}

// TestWindowAgainstASet: numbers that ascend with gaps, repetitions and
// stragglers, from anywhere in 48 bits.
func TestWindowAgainstASet(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		w, n := Window{}, naive{seen: map[uint64]bool{}}
		at := r.Uint64N(MaxSequence) >> r.IntN(48)
		for range 400 {
			switch r.IntN(8) {
			case 0:
				at = min(MaxSequence, at+r.Uint64N(70))
			case 1:
				at = min(MaxSequence, at+r.Uint64N(1<<r.IntN(40)))
			default:
				at = min(MaxSequence, at+1)
			}
			seq := at - min(at, r.Uint64N(1<<r.IntN(9)))
			if got, want := w.Fresh(seq), n.fresh(seq); got != want {
				t.Fatalf("seed %d: %d is fresh: %v, want %v; %+v", seed, seq, got, want, w)
			}
			before := w
			fresh := n.fresh(seq)
			got := w.Accept(seq)
			if !fresh {
				if got || w != before {
					t.Fatalf("seed %d: %d again changed %+v to %+v", seed, seq, before, w)
				}
				continue
			}
			if want := n.accept(seq); got != want || w.Fresh(seq) || w.Edge != n.edge || !w.Valid() {
				t.Fatalf("seed %d: %d is newest: %v, want %v; %+v", seed, seq, got, want, w)
			}
		}
	}
}

func TestFullWindows(t *testing.T) {
	var w Window
	if w.Full() || !w.Valid() {
		t.Errorf("an empty window: full %v, valid %v", w.Full(), w.Valid())
	}
	for seq := range uint64(200) {
		if !w.Accept(seq) || !w.Full() || w != FullWindow(seq) {
			t.Errorf("%d: %+v, want %+v", seq, w, FullWindow(seq))
		}
	}
	if w.Accept(201); w.Full() {
		t.Error("full with a gap")
	}
	for _, bad := range []Window{{Edge: 1}, {Edge: 5, Bits: 2}, {Edge: 5, Bits: 0x81}} {
		if bad.Valid() {
			t.Errorf("%+v is valid", bad)
		}
	}
}
