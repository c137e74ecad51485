package load

// work is who is next: the devices from one number up to another in turn, once
// or again and again.
type work struct {
	from, to uint32 // to is not among them
	next     uint32
	endless  bool
	again    []uint32 // those that have to be tried once more
}

// once gives each device one turn; again adds turns.
func once(from, to uint32) *work { return &work{from: from, to: to, next: from} }

// inTurn goes round and round.
func inTurn(n uint32) *work { return &work{to: n, endless: true} }

// take is the next device that is not busy. Of an endless round the busy ones
// miss their turn: one exchange at a time is what a device may have (NSTART,
// RFC 7252 section 4.7).
func (w *work) take(busy func(uint32) bool) (i uint32, ok bool) {
	if w.endless {
		for range w.to - w.from {
			i = w.next
			if w.next++; w.next == w.to {
				w.next = w.from
			}
			if !busy(i) {
				return i, true
			}
		}
		return 0, false
	}
	if n := len(w.again); n > 0 {
		i = w.again[n-1]
		w.again = w.again[:n-1]
		return i, true
	}
	if w.next == w.to {
		return 0, false
	}
	w.next++
	return w.next - 1, true
}

// done says that nobody is next, now or later.
func (w *work) done() bool { return !w.endless && w.next == w.to && len(w.again) == 0 }
