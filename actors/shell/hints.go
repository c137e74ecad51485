package shell

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// hints are signposts that were read, so that the messages of a device that comes
// again need not read them. A loop has those of the signs that it owns: it is the
// only one that changes them, and forgets what it changes, before and after the
// commit. The zero value is ready.
//
// Each sign has one place; whoever comes later takes it. The table doubles while
// half of its places are taken, up to maxHints: so the memory is bounded whatever
// peers do, and those who make signs meet cost one another a read.
type hints struct {
	table []hint // a power of two, or nothing
	taken int
}

type hint struct {
	sign wire.Sign // the zero Sign: the place is free
	id   ids.Endpoint
}

const (
	leastHints = 1 << 10
	maxHints   = 1 << 20 // 32 MiB a loop
)

func (h *hints) find(sign wire.Sign) (ids.Endpoint, bool) {
	if len(h.table) == 0 {
		return 0, false
	}
	p := h.place(sign)
	return p.id, p.sign == sign
}

func (h *hints) place(sign wire.Sign) *hint { return &h.table[sign.Slot(len(h.table))] }

func (h *hints) learn(sign wire.Sign, id ids.Endpoint) {
	if 2*h.taken >= len(h.table) && len(h.table) < maxHints {
		h.grow()
	}
	h.put(hint{sign, id})
}

func (h *hints) put(one hint) {
	p := h.place(one.sign)
	if p.sign == (wire.Sign{}) {
		h.taken++
	}
	*p = one
}

// grow doubles the table. It is a pause of some milliseconds at most, which comes
// ten times in the life of a loop.
func (h *hints) grow() {
	old := h.table
	*h = hints{table: make([]hint, max(leastHints, 2*len(old)))}
	for _, one := range old {
		if one.sign != (wire.Sign{}) {
			h.put(one)
		}
	}
}

func (h *hints) forget(sign wire.Sign) {
	if len(h.table) == 0 {
		return
	}
	if p := h.place(sign); p.sign == sign {
		*p = hint{}
		h.taken--
	}
}
