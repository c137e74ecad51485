package sim

import (
	"errors"

	"dormouse/codec/ids"
)

// network carries frames. Where it is ordered it is one of connections: what
// arrives does so in order, and a connection that breaks loses what is in it.
// Else it is one of datagrams.
type network struct {
	w    *world
	cut  map[[2]ids.Node]bool
	slow map[[2]ids.Node]int64 // longer by up to so much
	last map[[2]ids.Node]int64 // arrival of the last frame
	age  map[[2]ids.Node]int   // connections that there were
}

func newNetwork(w *world) network {
	return network{w, map[[2]ids.Node]bool{}, map[[2]ids.Node]int64{}, map[[2]ids.Node]int64{}, map[[2]ids.Node]int{}}
}

func (n *network) delay(way [2]ids.Node) int64 {
	d := n.w.between(100, 3*millisecond)
	if n.w.chance(50) {
		d += n.w.about(50 * millisecond)
	}
	if s := n.slow[way]; s > 0 {
		d += n.w.between(0, s)
	}
	return d
}

// send carries a frame, which it owns.
func (n *network) send(from, to ids.Node, frame []byte) {
	w, way := n.w, [2]ids.Node{from, to}
	if n.cut[way] {
		return
	}
	if w.profile.ordered {
		at, age := max(w.now+n.delay(way), n.last[way]+1), n.age[way]
		n.last[way] = at
		w.at(at, func() {
			if n.age[way] == age {
				w.machine(to).receive(from, frame)
			}
		})
		return
	}
	if w.r.Float64() < w.profile.loss && !w.quiet {
		return
	}
	for {
		w.after(n.delay(way), func() { w.machine(to).receive(from, frame) })
		if w.quiet || w.r.Float64() >= w.profile.double {
			return
		}
	}
}

// breaks the connection of a way.
func (n *network) breaks(way [2]ids.Node) { n.age[way]++ }

var errNet = errors.New("sim: no answer")

// ask carries a request and the answer to it; each may be lost. The answer comes
// once, if it does.
func (n *network) ask(from, to ids.Node, request []byte, answer func([]byte, error)) {
	w := n.w
	w.after(5*second, func() { answer(nil, errNet) })
	if n.cut[[2]ids.Node{from, to}] {
		return
	}
	w.after(n.delay([2]ids.Node{from, to}), func() {
		peer := w.machine(to)
		l := peer.life
		if l == nil || peer.paused {
			return
		}
		l.engine.ServeLater(from, request, func(read func() ([]byte, error), err error) {
			w.after(w.about(millisecond), func() {
				if l.dead {
					return
				}
				var data []byte
				if err == nil {
					data, err = read()
					l.wake()
				}
				if !n.cut[[2]ids.Node{to, from}] {
					w.after(n.delay([2]ids.Node{to, from}), func() { answer(data, err) })
				}
			})
		})
		l.wake()
	})
}
