package claim

import (
	"math/rand/v2"
	"testing"
	"time"
)

// world is endpoints, claims, and changes of both that are under way. Each step
// of a change is one write that is committed at once; a crash ends all changes
// between two steps.
type world struct {
	*testing.T
	seed    uint64
	random  *rand.Rand
	now     time.Time
	has     map[string]string // endpoint -> identity of its credentials
	claims  map[string]Claim
	changes map[string]*change // by endpoint: one at a time
}

type change struct {
	identity string // "" for a removal
	step     int
	before   string // of the credentials
}

func (w *world) had(c Claim) bool { return !c.IsZero() && w.has[c.Endpoint] == c.Identity }

func (w *world) store(identity string, c Claim) {
	if c.IsZero() {
		delete(w.claims, identity)
		return
	}
	w.claims[identity] = c
}

func (w *world) settle(identity, endpoint string) {
	if identity == "" {
		return // there were none
	}
	after, _ := Settle(w.claims[identity], identity, endpoint, w.has[endpoint] == identity)
	w.store(identity, after)
}

// step does the next write of an endpoint's change, or begins one.
func (w *world) step(endpoint, identity string) {
	c := w.changes[endpoint]
	if c == nil {
		c = &change{identity: identity}
		w.changes[endpoint] = c
	}
	c.step++
	switch {
	case c.identity == "":
		w.remove(endpoint, c)
	case c.step == 1:
		reserved, err := Reserve(w.now, w.claims[c.identity], c.identity, endpoint, w.had(w.claims[c.identity]))
		if err != nil {
			delete(w.changes, endpoint)
			return
		}
		w.store(c.identity, reserved)
	case c.step == 2:
		if c.before = w.has[endpoint]; w.random.IntN(4) > 0 { // else it is refused
			w.has[endpoint] = c.identity
		}
	case c.step == 3:
		w.settle(c.identity, endpoint)
	default:
		w.settle(c.before, endpoint)
		delete(w.changes, endpoint)
	}
}

func (w *world) remove(endpoint string, c *change) {
	if c.step == 1 {
		c.before = w.has[endpoint]
		delete(w.has, endpoint)
		return
	}
	w.settle(c.before, endpoint)
	delete(w.changes, endpoint)
}

func (w *world) sweep() {
	for identity, c := range w.claims {
		after, _ := Sweep(w.now, c, w.had(c))
		w.store(identity, after)
	}
}

// check is what is promised at every moment.
func (w *world) check(at int) {
	for endpoint, identity := range w.has {
		if c := w.claims[identity]; c.Endpoint != endpoint {
			w.Fatalf("seed %d, step %d: %s has %q, whose claim is %+v", w.seed, at, endpoint, identity, c)
		}
	}
}

// TestNoIdentityIsTwoEndpoints: changes of four endpoints that want three
// identities, in any order, with crashes, sweeps and reservations that run out.
func TestNoIdentityIsTwoEndpoints(t *testing.T) {
	for seed := range uint64(300) {
		w := &world{T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), now: now,
			has: map[string]string{}, claims: map[string]Claim{}, changes: map[string]*change{}}
		for i := range 400 {
			switch endpoint, dice := []string{"a", "b", "c", "d"}[w.random.IntN(4)], w.random.IntN(100); {
			case dice < 2: // crash; what is left runs out before anybody is back
				clear(w.changes)
			case dice < 4:
				w.sweep()
			case dice < 6 && len(w.changes) == 0: // no change takes as long as a reservation holds
				w.now = w.now.Add(ReserveFor + time.Second) // reservations of one moment end one after another
			default:
				w.step(endpoint, []string{"i", "j", "k", ""}[w.random.IntN(4)])
			}
			w.check(i)
		}
		clear(w.changes)
		w.now = w.now.Add(ReserveFor + time.Second) // reservations of one moment end one after another
		w.sweep()
		w.check(-1)
		if len(w.claims) != len(w.has) {
			t.Fatalf("seed %d: after the sweep %d claims of %d endpoints: %+v", seed, len(w.claims), len(w.has), w.claims)
		}
		for _, c := range w.claims {
			if !c.Confirmed() {
				t.Fatalf("seed %d: %+v after the sweep", seed, c)
			}
		}
	}
}
