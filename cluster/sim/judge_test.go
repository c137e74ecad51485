package sim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"dormouse/cluster/ring"
	"dormouse/cluster/sim/disk"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// operation is one of a history. It returned at 0: nobody knows what came of it.
type operation struct {
	key, value       string
	put, refused     bool
	called, returned int64
}

// book is what the world has seen.
type book struct {
	history        []*operation
	acked, refused map[ids.Shard][]uint64
	caused         map[ids.Shard][]uint64
	effects        map[uint64]ids.Node
	numbers        map[number]ids.Node
	terms          map[number]ids.Node
	states         map[number]seenState
}

type seenState struct {
	hash uint64
	by   ids.Node
}

func newBook() book {
	return book{
		acked: map[ids.Shard][]uint64{}, refused: map[ids.Shard][]uint64{}, caused: map[ids.Shard][]uint64{},
		effects: map[uint64]ids.Node{}, numbers: map[number]ids.Node{}, terms: map[number]ids.Node{}, states: map[number]seenState{},
	}
}

// missing looks for what was acknowledged in a state that must have it.
func (w *world) missing(d *disk.Disk, shard ids.Shard, format string, args ...any) {
	for _, id := range w.book.acked[shard] {
		if _, found, _ := d.Get(shard, wire.ClassOnce, binary.BigEndian.AppendUint64(nil, id), nil); !found {
			w.fail("%s, and lacks proposal %d, which was acknowledged", fmt.Sprintf(format, args...), id)
			return
		}
	}
}

// look compares what a turn has applied with what other replicas had then.
func (l *life) look() {
	w := l.w
	if n := l.engine.Stats().Installed; n != l.states {
		w.stats.installed += int(n - l.states)
		l.states = n
		for s, index := range w.farthest() { // the state may come from a replica that was ahead
			l.m.ahead[s] = max(l.m.ahead[s], index)
		}
	}
	for _, s := range w.shards() {
		index := l.engine.Applied(s)
		if index == l.seen[s] {
			continue
		}
		l.seen[s] = index
		if index < l.m.ahead[s] || index == 0 || !w.quiet && !w.chance(4) {
			continue
		}
		at, h := number{s, index}, hashOf(l.disk, s)
		if other, seen := w.book.states[at]; seen && other.hash != h {
			w.fail("nodes %d and %d have different states of shard %d at entry %d", other.by, l.m.id, s, index)
		}
		w.book.states[at] = seenState{h, l.m.id}
	}
}

// farthest is how far any replica can have been: what it has applied is in its
// log, or was. The ones of before count as they were when they ended.
func (w *world) farthest() map[ids.Shard]uint64 {
	far := map[ids.Shard]uint64{}
	for _, m := range w.machines {
		for _, s := range w.shards() {
			far[s] = max(far[s], m.ahead[s], lastEntry(m.disk, s))
		}
	}
	return far
}

// lastEntry is the last one of a log.
func lastEntry(d *disk.Disk, s ids.Shard) (index uint64) {
	_ = d.Scan(s, wire.ClassLog, nil, nil, true, func(key, _ []byte) bool {
		index = binary.BigEndian.Uint64(key)
		return false
	})
	return index
}

func hashOf(d *disk.Disk, shard ids.Shard) uint64 {
	h := fnv.New64a()
	for _, class := range wire.StateClasses {
		_ = d.Scan(shard, class, nil, nil, false, func(key, value []byte) bool {
			b := binary.AppendUvarint([]byte{byte(class)}, uint64(len(key)))
			b = binary.AppendUvarint(append(b, key...), uint64(len(value)))
			h.Write(append(b, value...))
			return true
		})
	}
	return h.Sum64()
}

// Ticks after the faults by which all must be well again.
const (
	servedBy = 300  // every shard has a leader that commits
	placedBy = 3000 // and is on the nodes where it should be, and nowhere else
)

// settle waits for that, and for all replicas to have the same.
func (w *world) settle() {
	start := w.now
	fresh := map[ids.Shard]bool{}
	for w.now < start+servedBy*tick && len(fresh) < len(w.shards()) && w.bad == nil {
		for _, s := range w.shards() {
			for _, l := range w.live() {
				if st, _ := l.engine.Status(s); st.Leads && !fresh[s] {
					l.propose(s, new(wire.Batch), func(err error) {
						if err == nil {
							fresh[s] = true
						}
					})
				}
			}
		}
		w.until(w.now + 5*tick)
	}
	for _, s := range w.shards() {
		if !fresh[s] {
			w.fail("shard %d commits nothing %d ticks after the last fault: %s", s, servedBy, w.describe(s))
		}
	}
	w.until(w.now + second)
	w.idle = true
	w.wants(w.some(3))
	start = w.now
	why := fmt.Errorf("nothing was looked at")
	for w.now < start+placedBy*tick && why != nil && w.bad == nil {
		w.until(w.now + 5*tick)
		why = nil
		for _, s := range w.shards() {
			if err := w.placed(s); err != nil {
				why = err
			}
		}
	}
	if why != nil {
		w.fail("%d ticks after the last change: %w", placedBy, why)
	}
}

// describe tells what every node knows of a shard.
func (w *world) describe(s ids.Shard) (text string) {
	for _, l := range w.live() {
		if st, ok := l.engine.Status(s); ok {
			text += fmt.Sprintf("; node %d has applied entry %d, follows %d in term %d (leads: %v), voters %d, learners %d",
				l.m.id, l.engine.Applied(s), st.Leader, st.Term, st.Leads, st.Voters, st.Learners)
		}
	}
	return text
}

// placed says that a shard is where it should be.
func (w *world) placed(s ids.Shard) error {
	want := w.want[s]
	var leader *life
	for _, l := range w.live() {
		if st, _ := l.engine.Status(s); st.Leads {
			if leader != nil {
				return fmt.Errorf("nodes %d and %d lead shard %d", leader.m.id, l.m.id, s)
			}
			leader = l
		}
	}
	if leader == nil {
		return fmt.Errorf("nobody leads shard %d", s)
	}
	st, _ := leader.engine.Status(s)
	if move, more := (ring.Group{Shard: s, Voters: st.Voters, Learners: st.Learners, Leader: leader.m.id}).Next(want); more {
		return fmt.Errorf("%v is left to do; voters %v, learners %v", move, st.Voters, st.Learners)
	}
	for _, m := range w.machines {
		if m.life == nil {
			return fmt.Errorf("node %d is down", m.id)
		}
		index, should := m.life.engine.Applied(s), uint64(0)
		if slices.Contains(want, m.id) {
			should = leader.engine.Applied(s)
		}
		if index != should {
			return fmt.Errorf("node %d has applied entry %d of shard %d, not %d", m.id, index, s, should)
		}
	}
	return nil
}

// judge looks at what is left in the end.
func (w *world) judge() {
	empty := hashOf(disk.New(), 0)
	for _, s := range w.shards() {
		var first uint64
		for i, n := range w.want[s] {
			d := w.machine(n).disk
			w.missing(d, s, "node %d holds shard %d in the end", n, s)
			w.unwanted(d, s, n)
			h := hashOf(d, s)
			if i > 0 && h != first {
				w.fail("nodes %d and %d have different states of shard %d in the end", w.want[s][0], n, s)
			}
			first = h
		}
		for _, m := range w.machines {
			if !slices.Contains(w.want[s], m.id) && hashOf(m.disk, s) != empty {
				w.fail("node %d has left shard %d and keeps its state", m.id, s)
			}
		}
	}
	w.linearizable()
}

// unwanted looks for what was refused, and for effects that nothing justifies.
func (w *world) unwanted(d *disk.Disk, s ids.Shard, n ids.Node) {
	for _, id := range w.book.refused[s] {
		if _, found, _ := d.Get(s, wire.ClassOnce, binary.BigEndian.AppendUint64(nil, id), nil); found {
			w.fail("node %d has proposal %d of shard %d, which was refused", n, id, s)
			return
		}
	}
	for _, op := range w.book.caused[s] {
		if v, _, _ := d.Get(s, wire.ClassOperation, binary.BigEndian.AppendUint64(nil, op), nil); len(v) == 0 || v[0] == pending {
			w.fail("operation %d of shard %d has happened, and node %d knows nothing of it", op, s, n)
			return
		}
	}
}

// register is a key as porcupine sees it: the state is its value.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if op := input.(*operation); op.put {
			return true, op.value
		}
		return output.(string) == state.(string), state
	},
}

// linearizable checks the history of each key. A put that nobody knows about may
// have happened at any time since, but before the first read of it has returned;
// one that nobody has read is as good as none. What was refused has not happened.
func (w *world) linearizable() {
	first := map[string]int64{} // return of the first read of a value
	for _, op := range w.book.history {
		if at, read := first[op.key+"="+op.value]; !op.put && (!read || op.returned < at) {
			first[op.key+"="+op.value] = op.returned
		}
	}
	keys := map[string][]porcupine.Operation{}
	for _, op := range w.book.history {
		end, read := op.returned, int64(0)
		if op.put {
			if read = first[op.key+"="+op.value]; end == 0 && (op.refused || read == 0) {
				continue
			}
			if end == 0 || read != 0 && read < end {
				end = max(read, op.called)
			}
		}
		keys[op.key] = append(keys[op.key], porcupine.Operation{Input: op, Output: op.value, Call: op.called, Return: end})
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		switch porcupine.CheckOperationsTimeout(register, keys[key], patience) {
		case porcupine.Illegal:
			w.fail("the history of key %q is not linearizable", key)
		case porcupine.Unknown:
			w.stats.unjudged++
		}
	}
}

// patience is how long a history may be looked at: there are some that take an
// age. Those are counted, and are few.
const patience = time.Second
