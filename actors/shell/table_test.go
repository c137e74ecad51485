package shell

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dormouse/codec/ids"
)

// TestWakes compares the heap with a plain list.
func TestWakes(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var w wakes
		cells := make([]*cell, 40)
		for i := range cells {
			cells[i] = &cell{index: -1}
		}
		for now := int64(1); now < 400; now++ {
			c := cells[r.IntN(len(cells))]
			switch r.IntN(4) {
			case 0:
				w.set(c, 0)
			case 1:
				w.remove(c)
				c.wake = 0
			default:
				w.set(c, now+int64(r.IntN(60)))
			}
			checkDue(t, &w, cells, now)
			if t.Failed() {
				t.Fatalf("seed %d, at %d", seed, now)
			}
		}
	}
}

func checkDue(t *testing.T, w *wakes, cells []*cell, now int64) {
	var want, got []*cell
	earliest := int64(0)
	for _, c := range cells {
		switch {
		case c.wake == 0:
		case c.wake <= now:
			want = append(want, c)
		case earliest == 0 || c.wake < earliest:
			earliest = c.wake
		}
	}
	for c := w.due(now); c != nil; c = w.due(now) {
		got = append(got, c)
	}
	if len(got) != len(want) {
		t.Errorf("%d due, want %d", len(got), len(want))
	}
	for _, c := range want {
		if !slices.Contains(got, c) {
			t.Error("one is missing")
		}
	}
	if next := w.next(); earliest != 0 && (next == 0 || next > earliest) {
		t.Errorf("next at %d, want not after %d", next, earliest)
	}
	for i, c := range *w {
		if c.index != i || i > 0 && (*w)[(i-1)/2].key > c.key {
			t.Errorf("the heap is out of order at %d", i)
		}
	}
}

func TestPlacesAndAges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	cells := make(places)
	var ages ages
	here := make(map[ids.Endpoint]*cell)
	for range 5000 {
		id := ids.Endpoint(r.IntN(8))<<32 | ids.Endpoint(r.IntN(5))
		c := cells.find(id)
		if c != here[id] {
			t.Fatalf("found %v, want %v", c, here[id])
		}
		switch {
		case c == nil:
			c = &cell{id: id}
			here[id] = c
			cells.add(c)
			ages.enlist(c, 0)
		case r.IntN(2) == 0:
			ages.touch(c, 0)
		default:
			delete(here, id)
			ages.delist(c)
			cells.remove(c)
		}
		checkAges(t, &ages, len(here))
	}
}

func checkAges(t *testing.T, ages *ages, want int) {
	n := 0
	var last *cell
	for c := ages.oldest; c != nil; c = c.newer {
		if c.older != last {
			t.Fatal("the list of ages is torn")
		}
		last = c
		n++
	}
	if n != want || ages.awake != want || ages.newest != last {
		t.Fatalf("%d in the list, %d awake, want %d", n, ages.awake, want)
	}
}

func TestNames(t *testing.T) {
	for id, want := range map[ids.Endpoint]string{0: "e/0000000000000000", 0x0123456789abcdef: "e/0123456789abcdef", ^ids.Endpoint(0): "e/ffffffffffffffff"} {
		if got := CellName(id); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := GateName(12); got != "gate/12" {
		t.Error(got)
	}
}
