package sim

import (
	"encoding/binary"
	"slices"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// owner is what stands for a shard's actors while the node leads it. It acts by
// the effect rule: what it does follows from what is committed.
type owner struct {
	l     *life
	shard ids.Shard
	over  bool
	tried map[uint64]bool // operations

	edge      uint64 // numbers below are reserved, as far as the state knows
	next, end uint64 // numbers that may be used
	reserving bool
}

// States of an operation.
const (
	pending  = 'p'
	tried    = 't' // durable before its effect
	done     = 'd'
	answered = 'u' // sent, answer unknown: nobody sends it again
)

// block is how many numbers are reserved at a time.
const block = 64

var edgeKey = []byte("edge")

func (l *life) led(shard ids.Shard, term uint64) {
	if !l.point() {
		return
	}
	w := l.w
	w.note("led", nil, uint64(l.m.id), uint64(shard), term)
	w.stats.led++
	if l.owners[shard] != nil {
		w.fail("node %d leads shard %d twice", l.m.id, shard)
	}
	w.book.serves(w, shard, term, l.m.id)
	w.missing(l.disk, shard, "node %d leads shard %d in term %d", l.m.id, shard, term)
	o := &owner{l: l, shard: shard, tried: map[uint64]bool{}}
	l.owners[shard] = o
	if edge, found, _ := l.disk.Get(shard, wire.ClassMeta, edgeKey, nil); found {
		o.edge = binary.BigEndian.Uint64(edge)
	}
	var again, over []uint64
	_ = l.disk.Scan(shard, wire.ClassOperation, nil, nil, false, func(key, value []byte) bool {
		switch op := binary.BigEndian.Uint64(key); value[0] {
		case pending:
			again = append(again, op)
		case tried:
			over = append(over, op)
		}
		return true
	})
	for _, op := range again {
		o.attempt(op)
	}
	for _, op := range over {
		l.propose(shard, state(op, answered), nil)
	}
}

func (l *life) yielded(shard ids.Shard) {
	if !l.point() {
		return
	}
	l.w.note("yielded", nil, uint64(l.m.id), uint64(shard))
	o := l.owners[shard]
	if o == nil {
		l.w.fail("node %d yields shard %d and has not led it", l.m.id, shard)
		return
	}
	o.over = true
	delete(l.owners, shard)
}

func state(op uint64, s byte) *wire.Batch {
	b := new(wire.Batch)
	b.Put(wire.ClassOperation, binary.BigEndian.AppendUint64(nil, op), []byte{s})
	return b
}

// submit stores an operation, and lets its owner do it.
func (l *life) submit(shard ids.Shard) {
	op := uint64(l.w.stamp())
	l.propose(shard, state(op, pending), func(err error) {
		if o := l.owners[shard]; err == nil && o != nil {
			o.attempt(op)
		}
	})
}

// attempt makes the attempt durable, and then does what is to be done.
func (o *owner) attempt(op uint64) {
	if o.over || o.tried[op] {
		return
	}
	o.tried[op] = true
	early := o.l.w.mutant == earlyEffects
	if early {
		o.effect(op)
	}
	o.l.propose(o.shard, state(op, tried), func(err error) {
		switch {
		case err != nil:
			delete(o.tried, op) // refused: the next owner, or nobody
		case early || o.effect(op):
			o.l.propose(o.shard, state(op, done), nil)
		}
	})
}

// effect is seen by the world.
func (o *owner) effect(op uint64) bool {
	if !o.l.point() {
		return false
	}
	w := o.l.w
	w.stats.effects++
	if at := w.book.effects[op]; at != 0 {
		w.fail("operation %d of shard %d happens on node %d, and did on node %d", op, o.shard, o.l.m.id, at)
	}
	w.book.effects[op] = o.l.m.id
	w.book.caused[o.shard] = append(w.book.caused[o.shard], op)
	return o.l.point()
}

// use takes numbers of the session, as many as there are.
func (o *owner) use(n int) {
	w := o.l.w
	for ; n > 0 && o.next < o.end; n-- {
		w.book.use(w, o, o.next)
		o.next++
	}
	if n > 0 {
		o.reserve()
	}
}

func (o *owner) reserve() {
	if o.reserving || o.over {
		return
	}
	o.reserving = true
	from := o.edge
	take := func() {
		o.edge, o.next, o.end = from+block, from, from+block
	}
	if o.l.w.mutant == earlyNumbers {
		take()
	}
	b := new(wire.Batch)
	b.Put(wire.ClassMeta, edgeKey, binary.BigEndian.AppendUint64(nil, from+block))
	o.l.propose(o.shard, b, func(err error) {
		o.reserving = false
		if err == nil && !o.over && o.l.w.mutant != earlyNumbers {
			take()
		}
	})
}

// number is one of a shard's session.
type number struct {
	shard ids.Shard
	n     uint64
}

func (k *book) use(w *world, o *owner, n uint64) {
	w.stats.numbers++
	at := number{o.shard, n}
	if by, used := k.numbers[at]; used {
		w.fail("node %d uses number %d of shard %d, and node %d has", o.l.m.id, n, o.shard, by)
	}
	k.numbers[at] = o.l.m.id
}

// serves holds a term to one node, for one life.
func (k *book) serves(w *world, shard ids.Shard, term uint64, by ids.Node) {
	at := number{shard, term}
	if other, served := k.terms[at]; served {
		w.fail("nodes %d and %d both serve shard %d in term %d", other, by, shard, term)
	}
	k.terms[at] = by
}

// live are the lives there are, in the order of their nodes.
func (w *world) live() (list []*life) {
	for _, m := range w.machines {
		if l := m.life; l != nil && !l.dead {
			list = append(list, l)
		}
	}
	return slices.Clip(list)
}
