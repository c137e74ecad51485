package shell

import (
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// hints are signposts that were read, so that the messages of a device that is
// awake need not read them again. A loop has those of the signs that it owns:
// it is the only one that changes them, and forgets what it changes, before and
// after the commit. The zero value is ready.
//
// Each sign has one place; whoever comes later takes it. So the memory is bounded
// whatever peers do: those who make signs meet cost one another a read.
type hints []hint

type hint struct {
	sign wire.Sign
	id   ids.Endpoint
}

// maxHints takes 2 MiB a loop, a power of two.
const maxHints = 1 << 16

func (h hints) find(sign wire.Sign) (ids.Endpoint, bool) {
	if h == nil {
		return 0, false
	}
	p := &h[sign.Slot(maxHints)]
	return p.id, p.sign == sign
}

func (h *hints) learn(sign wire.Sign, id ids.Endpoint) {
	if *h == nil {
		*h = make(hints, maxHints)
	}
	(*h)[sign.Slot(maxHints)] = hint{sign, id}
}

func (h hints) forget(sign wire.Sign) {
	if h == nil {
		return
	}
	if p := &h[sign.Slot(maxHints)]; p.sign == sign {
		*p = hint{}
	}
}
