package provider

import (
	"math/rand/v2"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

func TestWindowAnswersAgain(t *testing.T) {
	w := newWindow(2, 1000)
	first, second := actor.NewPID("a", "1"), actor.NewPID("a", "2")
	id := ID{1, 5}
	if v, _ := w.begin(id, first); v != serve {
		t.Fatal(v)
	}
	if v, _ := w.begin(id, second); v != served {
		t.Fatal(v)
	}
	if to := w.finish(id, []byte("x")); to != second {
		t.Error("the answer goes to who asked first")
	}
	if v, answer := w.begin(id, first); v != again || string(answer) != "x" {
		t.Error(v, answer)
	}
	if v, _ := w.begin(ID{2, 5}, first); v != serve {
		t.Error("another life's call:", v)
	}
	w.cancel(ID{2, 5})
	if v, _ := w.begin(ID{2, 5}, first); v != serve {
		t.Error("a call that was not served:", v)
	}
}

func TestWindowForgets(t *testing.T) {
	w := newWindow(2, 10)
	for count := uint64(1); count <= 3; count++ {
		w.begin(ID{1, count}, nil)
		w.finish(ID{1, count}, []byte("x"))
	}
	if v, _ := w.begin(ID{1, 1}, nil); v != stale {
		t.Error("beyond the number:", v)
	}
	w.begin(ID{1, 4}, nil)
	w.finish(ID{1, 4}, make([]byte, 10))
	if v, _ := w.begin(ID{1, 3}, nil); v != stale {
		t.Error("beyond the bytes:", v)
	}
	if v, _ := w.begin(ID{1, 4}, nil); v != again {
		t.Error("the last:", v)
	}
}

func TestWindowBoundsLives(t *testing.T) {
	w := newWindow(2, 10)
	w.begin(ID{1, 1}, nil) // is served all the time
	for life := uint64(2); life < 2*maxLives; life++ {
		w.begin(ID{life, 1}, nil)
		w.finish(ID{life, 1}, nil)
	}
	if len(w.lives) != maxLives || len(w.order) != maxLives {
		t.Errorf("%d lives, %d in order", len(w.lives), len(w.order))
	}
	if v, _ := w.begin(ID{1, 1}, nil); v != served {
		t.Error(v)
	}
}

// Whatever comes in whatever order, nothing is served twice.
func TestWindowServesOnce(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWindow(16, 200)
	servedCalls, serving := map[ID]bool{}, map[ID]bool{}
	for range 100_000 {
		id := ID{random.Uint64N(3), 1 + uint64(len(servedCalls)/3) + random.Uint64N(40)}
		switch v, _ := w.begin(id, nil); v {
		case serve:
			if servedCalls[id] {
				t.Fatalf("seed %d: %v is served twice", seed, id)
			}
			servedCalls[id], serving[id] = true, true
		case served:
			if !serving[id] {
				t.Fatalf("seed %d: %v is not served", seed, id)
			}
		}
		for id := range serving {
			if random.IntN(3) == 0 {
				w.finish(id, make([]byte, random.IntN(20)))
				delete(serving, id)
			}
			break
		}
	}
	if len(w.done)-w.head > 16 || w.bytes > 200 || len(w.done) > 64 {
		t.Errorf("%d answers of %d, %d bytes", len(w.done)-w.head, len(w.done), w.bytes)
	}
}
