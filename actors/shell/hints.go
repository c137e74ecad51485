package shell

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// hints are signposts that were read, so that the messages of a device that comes
// again need not read them. A shard has those of its signs as long as it is led:
// nobody else changes them then, and its loop forgets what it changes, before and
// after the commit.
//
// Each sign has hintWays places; where all are taken, whoever comes later takes
// one. The table doubles while half of its places are taken, up to its limit: so
// the memory is bounded whatever peers do, and those who make signs meet cost one
// another a read.
type hints struct {
	limit int    // of places, a power of two
	table []hint // a power of two, or nothing
	taken int
	turn  int // whose place is taken next
}

type hint struct {
	sign wire.Sign // the zero Sign: the place is free
	at   uint32    // when it was learned, for those who ask
	id   ids.Endpoint
}

const (
	hintWays   = 4
	leastHints = 1 << 10
	maxHints   = 1 << 20 // 32 MiB a loop, whose shards share them
)

// hintsOfShard is the limit of each shard of a loop, at least leastHints: more than
// a thousand shards a loop have more than maxHints together.
func (l *loop) hintsOfShard() int {
	shards := (len(l.shards) + l.options.Loops - 1) / l.options.Loops
	limit := maxHints
	for limit > leastHints && limit*shards > maxHints {
		limit /= 2
	}
	return limit
}

func (h *hints) find(sign wire.Sign) (ids.Endpoint, bool) {
	if one := h.look(sign); one != nil {
		return one.id, true
	}
	return 0, false
}

// look is the place of the sign, nil for none.
func (h *hints) look(sign wire.Sign) *hint {
	places := h.places(sign)
	for i := range places {
		if places[i].sign == sign {
			return &places[i]
		}
	}
	return nil
}

// places are those of a sign, none in a table that is not there.
func (h *hints) places(sign wire.Sign) []hint {
	if len(h.table) == 0 {
		return nil
	}
	first := sign.Slot(len(h.table)/hintWays) * hintWays
	return h.table[first : first+hintWays]
}

func (h *hints) learn(one hint) {
	if 2*h.taken >= len(h.table) && len(h.table) < h.limit {
		h.grow()
	}
	h.put(one)
}

func (h *hints) put(one hint) {
	places := h.places(one.sign)
	at := -1
	for i := range places {
		switch places[i].sign {
		case one.sign:
			places[i] = one
			return
		case wire.Sign{}:
			at = i
		}
	}
	if at < 0 {
		h.turn++
		at = h.turn % hintWays
	} else {
		h.taken++
	}
	places[at] = one
}

// grow doubles the table. It is a pause of some milliseconds at most, which comes
// ten times in a leadership at most.
func (h *hints) grow() {
	old := h.table
	*h = hints{limit: h.limit, table: make([]hint, max(leastHints, 2*len(old)))}
	for _, one := range old {
		if one.sign != (wire.Sign{}) {
			h.put(one)
		}
	}
}

func (h *hints) forget(sign wire.Sign) {
	places := h.places(sign)
	for i := range places {
		if places[i].sign == sign {
			places[i] = hint{}
			h.taken--
		}
	}
}
