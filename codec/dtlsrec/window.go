package dtlsrec

// WindowSize is how far behind the newest record another one may arrive.
const WindowSize = 64

// Window remembers which records of an epoch were accepted, so that none is
// twice (RFC 6347 section 4.1.2.6). What lies before it counts as accepted.
// The zero Window has seen nothing.
type Window struct {
	Edge uint64 // the highest sequence number accepted
	Bits uint64 // bit i: Edge-i was accepted; 0 only where nothing was
}

// Fresh reports that the record of that number was not accepted before. It is
// asked before the record is opened.
func (w *Window) Fresh(seq uint64) bool {
	if w.Bits == 0 || seq > w.Edge {
		return true
	}
	behind := w.Edge - seq
	return behind < WindowSize && w.Bits>>behind&1 == 0
}

// Accept marks a record that was opened, and reports that it is newer than
// every one before it: only such a record may move the peer's address. A
// record that is not Fresh changes nothing.
func (w *Window) Accept(seq uint64) (newest bool) {
	switch {
	case !w.Fresh(seq):
		return false
	case w.Bits == 0:
		w.Edge, w.Bits = seq, 1
		return true
	case seq > w.Edge:
		w.Bits = w.Bits<<(seq-w.Edge) | 1 // a shift of 64 and more leaves the new bit alone
		w.Edge = seq
		return true
	}
	w.Bits |= 1 << (w.Edge - seq)
	return false
}

// Full reports that everything up to the edge, as far back as the window
// remembers, was accepted: the usual case, which needs no bits to be stored.
func (w *Window) Full() bool { return w.Bits == full(w.Edge) }

// FullWindow is the window of which Full is true.
func FullWindow(edge uint64) Window { return Window{edge, full(edge)} }

// Valid reports that Accept can have led to the window: nothing below record 0
// is marked, and the edge is, unless nothing is.
func (w *Window) Valid() bool {
	if w.Bits == 0 {
		return w.Edge == 0
	}
	return w.Bits&1 == 1 && w.Bits&^full(w.Edge) == 0
}

func full(edge uint64) uint64 {
	if edge >= WindowSize-1 {
		return 1<<64 - 1
	}
	return 1<<(edge+1) - 1
}
