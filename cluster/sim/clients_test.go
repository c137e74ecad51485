package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// mutation is a fault of the users' code, or of the disk, that must be found.
type mutation byte

const (
	none           mutation = iota
	forgetfulDisk           // syncs are acknowledged and not done
	earlyEffects            // effects run when they are proposed
	localReads              // the storage is read without Engine.Read
	earlyNumbers            // numbers are used while their block is being reserved
	hopefulAnswers          // ErrLeadershipLost counts as success
)

func (m mutation) String() string {
	return [...]string{"none", "a disk that forgets syncs", "effects before the commit", "reads without Engine.Read",
		"numbers before the commit", "lost leadership taken for success"}[m]
}

// all shards of a run.
func (w *world) shards() []ids.Shard {
	list := []ids.Shard{ids.System}
	for s := range ids.Shard(w.profile.shards) {
		list = append(list, s)
	}
	return list
}

// server is a life that a client turns to: mostly one that says it leads.
func (w *world) server(shard ids.Shard) *life {
	var lead, all []*life
	for _, m := range w.machines {
		if l := m.life; l != nil && !l.dead {
			all = append(all, l)
			if st, ok := l.engine.Status(shard); ok && st.Leads {
				lead = append(lead, l)
			}
		}
	}
	if len(lead) > 0 && !w.chance(20) {
		return lead[w.r.IntN(len(lead))]
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.r.IntN(len(all))]
}

// client does one thing after the other.
func (w *world) client() {
	if w.idle {
		return
	}
	w.after(w.about(w.profile.think), w.client)
	list := w.shards()
	shard := list[w.r.IntN(len(list))]
	l := w.server(shard)
	if l == nil {
		return
	}
	switch n := w.r.IntN(100); {
	case n < 40:
		l.put(shard, w.r.IntN(w.profile.keys))
	case n < 70:
		l.read(shard, w.r.IntN(w.profile.keys))
	case n < 85:
		l.submit(shard)
	default:
		if o := l.owners[shard]; o != nil && !l.m.paused {
			o.use(1 + w.r.IntN(20))
		}
	}
	if w.chance(8) { // a burst
		for range w.r.IntN(10) {
			l.put(shard, w.r.IntN(w.profile.keys))
		}
	}
}

// propose gives a batch to the engine, with a record that says whether it was
// applied, and done with what came of it where anybody is left to see it.
func (l *life) propose(shard ids.Shard, b *wire.Batch, done func(error)) {
	if l.dead {
		return
	}
	w := l.w
	id := uint64(w.stamp())
	b.Put(wire.ClassOnce, binary.BigEndian.AppendUint64(nil, id), nil)
	called := false
	l.engine.Propose(shard, b, func(err error) {
		if called {
			w.fail("node %d: a proposal to shard %d was answered twice", l.m.id, shard)
		}
		called = true
		if !l.point() {
			return
		}
		w.note("answer", nil, uint64(l.m.id), uint64(shard), id, flag(err == nil))
		if w.mutant == hopefulAnswers && errors.Is(err, shards.ErrLeadershipLost) {
			err = nil
		}
		switch {
		case err == nil:
			w.book.acked[shard] = append(w.book.acked[shard], id)
			w.stats.acked++
		case errors.Is(err, shards.ErrLeadershipLost):
			w.stats.unknown++
		default:
			w.book.refused[shard] = append(w.book.refused[shard], id)
		}
		if done != nil {
			done(err)
		}
		l.point()
	})
	l.wake()
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func registerKey(n int) []byte { return []byte(fmt.Sprint("r", n)) }

func (l *life) put(shard ids.Shard, n int) {
	w := l.w
	end, may := w.begin(fmt.Sprint(shard, " ", n))
	if !may {
		return
	}
	op := &operation{key: fmt.Sprint(shard, " ", n), put: true, value: fmt.Sprint(w.stamp()), called: w.stamp()}
	b := new(wire.Batch)
	b.Put(wire.ClassValue, registerKey(n), fill([]byte(op.value), w.profile.valueBytes))
	switch { // so that an order that is not the same everywhere shows
	case w.chance(4):
		b.DeleteRange(wire.ClassTimer, registerKey(w.r.IntN(w.profile.keys)), registerKey(w.r.IntN(w.profile.keys)))
	case w.chance(4):
		b.Delete(wire.ClassTimer, registerKey(w.r.IntN(w.profile.keys)))
	default:
		b.Put(wire.ClassTimer, registerKey(w.r.IntN(w.profile.keys)), []byte(op.value))
	}
	w.book.history = append(w.book.history, op)
	l.propose(shard, b, func(err error) {
		end()
		switch {
		case err == nil:
			op.returned = w.stamp()
		case !errors.Is(err, shards.ErrLeadershipLost):
			op.refused = true
		}
	})
}

// most operations of one key go on at a time, as far as their clients know: to
// judge a history may take time that is exponential in that.
const most = 4

// begin says that another operation of a key may begin. It ends when end is
// called, or its client gives up.
func (w *world) begin(key string) (end func(), may bool) {
	if w.busy[key] >= most {
		return nil, false
	}
	w.busy[key]++
	once := sync.OnceFunc(func() { w.busy[key]-- })
	w.after(w.between(second, 5*second), once)
	return once, true
}

// fill makes a value longer.
func fill(b []byte, n int) []byte {
	b = append(b, ' ')
	for len(b) < n {
		b = append(b, '.')
	}
	return b
}

func (l *life) read(shard ids.Shard, n int) {
	w := l.w
	end, may := w.begin(fmt.Sprint(shard, " ", n))
	if !may {
		return
	}
	op := &operation{key: fmt.Sprint(shard, " ", n), called: w.stamp()}
	look := func() {
		value, _, err := l.disk.Get(shard, wire.ClassValue, registerKey(n), nil)
		if err != nil {
			w.fail("read: %w", err)
		}
		fmt.Sscan(string(value), &op.value)
		op.returned = w.stamp()
		w.book.history = append(w.book.history, op)
		w.stats.reads++
	}
	if w.mutant == localReads {
		if st, ok := l.engine.Status(shard); ok && st.Leads {
			look()
		}
		end()
		return
	}
	called := false
	l.engine.Read(shard, func(err error) {
		if called {
			w.fail("node %d: a read of shard %d was answered twice", l.m.id, shard)
		}
		called = true
		if !l.point() {
			return
		}
		if end(); err == nil {
			look()
		}
	})
	l.wake()
}
