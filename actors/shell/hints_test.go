package shell

import (
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

func TestHintsHoldOneEachPlace(t *testing.T) {
	h := hints{limit: maxHints}
	a := signOf(peer(1))
	h.forget(a)
	if _, found := h.find(a); found {
		t.Error("an empty table knows something")
	}
	h.learn(hint{sign: a, id: 1})
	if id, found := h.find(a); !found || id != 1 {
		t.Errorf("%d, %v", id, found)
	}
	var meeting []wire.Sign // all at the places of a
	for port := 2; len(meeting) < hintWays; port++ {
		if b := wire.SecureSign(peer(port)); b.Slot(leastHints/hintWays) == a.Slot(leastHints/hintWays) {
			meeting = append(meeting, b)
		}
	}
	last := meeting[hintWays-1]
	h.forget(last)
	for i, b := range meeting[:hintWays-1] {
		h.learn(hint{sign: b, id: ids.Endpoint(i)})
		h.learn(hint{sign: b, id: 2})
	}
	if _, found := h.find(a); !found || h.taken != hintWays {
		t.Errorf("there was room for it: %v, %d taken", found, h.taken)
	}
	h.learn(hint{sign: last, id: 3})
	left := 0
	for _, sign := range append(meeting, a) {
		if _, found := h.find(sign); found {
			left++
		}
	}
	if id, found := h.find(last); !found || id != 3 || left != hintWays || h.taken != hintWays {
		t.Errorf("%d, %v; %d of %d are left, %d taken", id, found, left, hintWays+1, h.taken)
	}
	h.forget(last)
	if _, found := h.find(last); found || h.taken != hintWays-1 {
		t.Errorf("not forgotten, %d taken", h.taken)
	}
}

// TestHintsGrow: a table keeps what it knows as it doubles, and ends to grow.
func TestHintsGrow(t *testing.T) {
	h := hints{limit: maxHints}
	sign := func(i int) wire.Sign { return wire.CIDSign(ids.Key{}.NewCID(1, uint32(i))) }
	const most = 3 * maxHints / 2
	for i := range most {
		h.learn(hint{sign: sign(i), id: ids.Endpoint(i)})
		if id, found := h.find(sign(i)); !found || id != ids.Endpoint(i) {
			t.Fatalf("%d: %d, %v", i, id, found)
		}
		if i == maxHints/4 && h.taken < i*9/10 {
			t.Errorf("%d of %d are left", h.taken, i)
		}
	}
	if len(h.table) != maxHints || h.taken > maxHints {
		t.Errorf("%d places, %d taken", len(h.table), h.taken)
	}
	taken := 0
	for _, one := range h.table {
		if one.sign != (wire.Sign{}) {
			taken++
		}
	}
	if taken != h.taken {
		t.Errorf("%d places are taken, not %d", taken, h.taken)
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
