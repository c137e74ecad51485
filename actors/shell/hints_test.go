package shell

import (
	"testing"

	"dormouse/codec/wire"
)

func TestHintsHoldOneEachPlace(t *testing.T) {
	var h hints
	a := signOf(peer(1))
	h.forget(a)
	if _, found := h.find(a); found {
		t.Error("an empty table knows something")
	}
	b := a
	for port := 2; b == a || b.Slot(maxHints) != a.Slot(maxHints); port++ {
		b = wire.SecureSign(peer(port % 65536))
		if port > 1<<20 {
			t.Skip("no two signs meet")
		}
	}
	h.learn(a, 1)
	if id, found := h.find(a); !found || id != 1 {
		t.Errorf("%d, %v", id, found)
	}
	h.forget(b) // another sign at that place
	if _, found := h.find(a); !found {
		t.Error("forgotten with another one")
	}
	h.learn(b, 2)
	if _, found := h.find(a); found {
		t.Error("two at one place")
	}
	h.forget(b)
	if _, found := h.find(b); found {
		t.Error("not forgotten")
	}
}

// TestHintsFollowTheStore: a signpost that was read leads elsewhere as soon as it
// is set anew, and nowhere once it is removed, also if it is read in between.
func TestHintsFollowTheStore(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b := device(1), device(2)
		r.automatic()
		r.tell(ToEndpoint(a), "s9")
		r.wantSent(said("moved", 0, a))
		read := func(want ...string) {
			t.Helper()
			r.tell(ToSign(signOf(peer(9))), "r")
			r.wantSent(want...)
		}
		read(said("read", 0, a))
		read(said("read", 0, a))
		r.tell(ToEndpoint(b), "s9")
		r.wantSent(said("moved", 0, b))
		read(said("read", 0, b))
		r.manual()
		r.tell(ToEndpoint(b), "c9")
		read(said("read", 0, b)) // the removal is on its way
		r.automatic()
		r.tell(ToSign(signOf(peer(9))), "odd")
		r.wantSent("stray odd")
	})
}
