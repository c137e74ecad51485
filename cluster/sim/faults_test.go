package sim

import (
	"errors"

	"dormouse/cluster/ring"
	"dormouse/cluster/shards"
	"dormouse/cluster/sim/disk"
	"dormouse/codec/ids"
)

// profile is what a run is like. Each kind of fault is left out of some runs:
// what one of them hides is seen without it.
type profile struct {
	length int64 // with faults
	pace   int64 // between two faults
	think  int64 // between two actions of a client

	nodes, clients, keys int
	shards               ids.Shards
	logBytes, partBytes  int
	entryBytes           int
	maxPending           int
	valueBytes           int

	ordered      bool
	loss, double float64

	crash, points, cuts, parts, pauses, slow, full, moves, suspicion, breaks bool
}

func (w *world) newProfile() profile {
	pick := func(list ...int) int { return list[w.r.IntN(len(list))] }
	often := func() bool { return !w.chance(3) }
	p := profile{
		length: w.between(20*second, 40*second), pace: int64(pick(300, 800, 2000)) * millisecond,
		think: int64(pick(20, 50, 150)) * millisecond,
		nodes: 5, clients: 2, keys: pick(1, 4, 10), shards: ids.Shards(pick(1, 1, 2)),
		logBytes: pick(1<<10, 4<<10, 4<<20), partBytes: pick(200, 2000, 1<<20), entryBytes: pick(100, 1<<20),
		maxPending: pick(4, 1000, 1000), valueBytes: pick(10, 100),
		ordered: w.chance(2), loss: float64(pick(0, 0, 1, 5, 20)) / 100, double: float64(pick(0, 1, 10)) / 100,
		crash: often(), points: often(), cuts: often(), parts: often(), pauses: often(), slow: often(), full: w.chance(3),
		moves: often(), suspicion: w.chance(3), breaks: often(),
	}
	return p
}

var errFull = errors.New("sim: the disk is full")

// boot founds a cluster on the first node.
func (w *world) boot() {
	for i := range w.profile.nodes {
		m := &machine{w: w, id: ids.Node(i + 1), disk: disk.New(), ahead: map[ids.Shard]uint64{}}
		if w.mutant == forgetfulDisk {
			m.disk.ForgetSyncs()
		}
		w.machines = append(w.machines, m)
	}
	for i, m := range w.machines {
		m.start(i == 0)
	}
	w.wants(ring.Holders{1, 2, 3})
	for range w.profile.clients {
		w.client()
	}
	w.place()
	w.after(3*second, w.trouble)
	if w.profile.moves { // 1, 3, 5 and 3 nodes, and others in between
		w.after(w.profile.length/4, func() { w.wants(w.some(5)) })
		w.after(w.profile.length/2, func() { w.wants(w.some(3)) })
	}
}

// some nodes, the first of which shall lead.
func (w *world) some(n int) (h ring.Holders) {
	for _, i := range w.r.Perm(len(w.machines))[:n] {
		h = append(h, w.machines[i].id)
	}
	return h
}

func (w *world) wants(h ring.Holders) {
	for _, s := range w.shards() {
		w.want[s] = h
	}
}

// place moves groups towards what is wanted, as the leaders' nodes do.
func (w *world) place() {
	w.after(w.about(300*millisecond), w.place)
	for _, s := range w.shards() {
		for _, l := range w.live() {
			st, ok := l.engine.Status(s)
			if !ok || !st.Leads || l.m.paused {
				continue
			}
			g := ring.Group{Shard: s, Voters: st.Voters, Learners: st.Learners, Leader: l.m.id}
			move, more := g.Next(w.want[s])
			if !more {
				continue
			}
			l.engine.Change(s, shards.Change(move.Kind), move.Node, func(err error) {
				if l.point() && err == nil {
					w.note(move.String(), nil, uint64(s))
					w.stats.moves++
				}
			})
			l.wake()
		}
	}
}

// trouble does one thing after the other that nobody wants.
func (w *world) trouble() {
	if w.quiet {
		return
	}
	w.after(w.about(w.profile.pace), w.trouble)
	p, m := &w.profile, w.machines[w.r.IntN(len(w.machines))]
	if lead := w.server(ids.Shard(0)); lead != nil && w.chance(3) {
		m = lead.m
	}
	way := [2]ids.Node{m.id, w.machines[w.r.IntN(len(w.machines))].id}
	switch w.r.IntN(12) {
	case 0:
		if p.crash && m.life != nil {
			m.life.die()
			w.bury()
		}
	case 1, 2:
		if p.points && m.life != nil && m.life.fuse == 0 {
			m.life.fuse = 1 + w.r.IntN(40)
		}
	case 3:
		if p.cuts {
			w.cut(way, w.about(3*second))
		}
	case 4:
		if p.cuts { // one hears nobody, or nobody hears it
			out, d := w.chance(2), w.about(3*second)
			for _, o := range w.machines {
				if out {
					w.cut([2]ids.Node{m.id, o.id}, d)
				} else {
					w.cut([2]ids.Node{o.id, m.id}, d)
				}
			}
		}
	case 5:
		if p.parts {
			w.part(w.about(4 * second))
		}
	case 6:
		if p.pauses {
			m.pause()
			w.note("pause", nil, uint64(m.id))
			w.after(w.about(2*second), m.goOn)
		}
	case 7:
		if p.slow {
			w.net.slow[way] = w.about(second)
			w.after(w.about(3*second), func() { delete(w.net.slow, way) })
		}
	case 8:
		if p.full {
			d := m.disk
			d.SetFull(errFull)
			w.after(w.about(2*second), func() { d.SetFull(nil) })
		}
	case 9, 10:
		if p.moves {
			list := w.shards()
			w.want[list[w.r.IntN(len(list))]] = w.some(1 + w.r.IntN(w.profile.nodes))
		}
	case 11:
		if p.suspicion && m.life != nil && !m.paused {
			m.life.engine.Forget(way[1])
			m.life.wake()
		}
		if p.breaks {
			w.net.breaks(way)
		}
	}
}

// cut makes a way carry nothing for so long.
func (w *world) cut(way [2]ids.Node, d int64) {
	if way[0] == way[1] {
		return
	}
	w.note("cut", nil, uint64(way[0]), uint64(way[1]))
	w.net.cut[way] = true
	if w.chance(2) {
		w.net.breaks(way)
	}
	w.after(d, func() { delete(w.net.cut, way) })
}

// part cuts the nodes in two.
func (w *world) part(d int64) {
	side := map[ids.Node]bool{}
	for _, m := range w.machines {
		side[m.id] = w.chance(2)
	}
	for _, a := range w.machines {
		for _, b := range w.machines {
			if side[a.id] != side[b.id] {
				w.cut([2]ids.Node{a.id, b.id}, d)
			}
		}
	}
}

// heal ends all faults.
func (w *world) heal() {
	w.note("heal", nil)
	w.quiet = true
	clear(w.net.cut)
	clear(w.net.slow)
	for _, m := range w.machines {
		m.disk.SetFull(nil)
		if m.life != nil {
			m.life.fuse = 0
		}
		m.goOn()
		m.restart()
	}
}
