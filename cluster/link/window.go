package link

// WindowSize is how many counters behind the newest one a frame may arrive.
// Paths between nodes reorder more than a device's do; at 100 000 frames a
// second it is 40 ms.
const WindowSize = 4096

// window remembers which frames of a sender were accepted, so that none is
// twice (as RFC 4303 section 3.4.3; the ring of words is that of RFC 6479).
// What lies before it counts as accepted. Counters begin at 1.
type window struct {
	edge uint64 // the highest counter accepted; 0: none
	bits [WindowSize/64 + 1]uint64
}

// word is where the bit of a counter lies. One word more than the window has
// lets the newest be cleared before any of the window has left it.
func (w *window) word(counter uint64) *uint64 {
	return &w.bits[counter/64%uint64(len(w.bits))]
}

// fresh reports that the frame of that counter was not accepted before.
func (w *window) fresh(counter uint64) bool {
	switch {
	case counter > w.edge:
		return true
	case counter == 0 || w.edge-counter >= WindowSize:
		return false
	}
	return *w.word(counter)>>(counter%64)&1 == 0
}

// accept marks a frame that was opened, and reports that it was fresh.
func (w *window) accept(counter uint64) bool {
	if !w.fresh(counter) {
		return false
	}
	if counter > w.edge {
		w.clearUpTo(counter)
		w.edge = counter
	}
	*w.word(counter) |= 1 << (counter % 64)
	return true
}

// clearUpTo empties the words that the new edge brings into the ring.
func (w *window) clearUpTo(counter uint64) {
	first, last := w.edge/64+1, counter/64
	if last-w.edge/64 >= uint64(len(w.bits)) {
		clear(w.bits[:])
		return
	}
	for i := first; i <= last; i++ {
		w.bits[i%uint64(len(w.bits))] = 0
	}
}

// closedUpTo is a window that accepts nothing up to the edge.
func closedUpTo(edge uint64) (w window) {
	w.edge = edge
	for i := range w.bits {
		w.bits[i] = 1<<64 - 1
	}
	// Counters behind the edge in its word are still to come.
	if bit := edge % 64; bit < 63 {
		*w.word(edge) = 1<<(bit+1) - 1
	}
	return w
}
