package load

import (
	"slices"
	"testing"
)

func nobody(uint32) bool { return false }

// takeAll takes until nobody is left, at most most.
func takeAll(w *work, busy func(uint32) bool, most int) (taken []uint32) {
	for range most {
		i, ok := w.take(busy)
		if !ok {
			return taken
		}
		taken = append(taken, i)
	}
	return taken
}

func TestOnce(t *testing.T) {
	w := once(3, 6)
	if got := takeAll(w, nobody, 10); !slices.Equal(got, []uint32{3, 4, 5}) || !w.done() {
		t.Errorf("took %v, done %t", got, w.done())
	}
	w.again = append(w.again, 4)
	if w.done() {
		t.Error("done, although one is to be tried again")
	}
	if got := takeAll(w, nobody, 10); !slices.Equal(got, []uint32{4}) || !w.done() {
		t.Errorf("took %v, done %t", got, w.done())
	}
	if w := once(0, 0); !w.done() || takeAll(w, nobody, 1) != nil {
		t.Error("there is something in nothing")
	}
}

func TestInTurn(t *testing.T) {
	w := inTurn(3)
	if got := takeAll(w, nobody, 7); !slices.Equal(got, []uint32{0, 1, 2, 0, 1, 2, 0}) {
		t.Errorf("took %v", got)
	}
	busy := func(i uint32) bool { return i == 1 }
	if got := takeAll(w, busy, 4); !slices.Equal(got, []uint32{2, 0, 2, 0}) {
		t.Errorf("with a busy one: %v", got)
	}
	if got := takeAll(w, func(uint32) bool { return true }, 4); got != nil || w.done() {
		t.Errorf("of busy ones: %v, done %t", got, w.done())
	}
}
