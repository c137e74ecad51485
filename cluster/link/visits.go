package link

import "sync"

// visits are the peers for whom something waits, in the order in which it came.
// Each is there once, so that a peer with much to send takes turns with others.
type visits struct {
	mu   sync.Mutex
	list []*peer

	wake   chan struct{} // somebody was added
	enough chan struct{} // a frame is full: no more lingering
}

func newVisits() visits {
	return visits{wake: make(chan struct{}, 1), enough: make(chan struct{}, 1)}
}

// add puts the peer at the end.
func (v *visits) add(p *peer) {
	v.mu.Lock()
	v.list = append(v.list, p)
	v.mu.Unlock()
	signal(v.wake)
}

// hurry ends the sender's lingering.
func (v *visits) hurry() { signal(v.enough) }

// take moves the list into dst, which is the list to come.
func (v *visits) take(dst []*peer) []*peer {
	v.mu.Lock()
	defer v.mu.Unlock()
	taken := v.list
	clear(dst)
	v.list = dst[:0]
	return taken
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
