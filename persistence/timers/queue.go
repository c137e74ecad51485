package timers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Reader is the store as far as timers need it. Scan calls f in ascending order
// of keys from from (included) to to (not included, nil: all) until f answers false.
type Reader interface {
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
}

// Due is a timer: the deadline, in whole milliseconds, and whose it is.
type Due struct {
	At       time.Time
	Endpoint ids.Endpoint
}

func (d Due) key() []byte { return wire.TimerKey(d.At, d.Endpoint) }

// compare orders as the keys do.
func (d Due) compare(o Due) int {
	if c := cmp.Compare(d.At.UnixMilli(), o.At.UnixMilli()); c != 0 {
		return c
	}
	return cmp.Compare(d.Endpoint, o.Endpoint)
}

// place is a Due that can be a map's key: two times may be equal and not ==.
type place struct {
	ms       int64
	endpoint ids.Endpoint
}

func (d Due) place() place { return place{d.At.UnixMilli(), d.Endpoint} }

func (p place) due() Due { return Due{time.UnixMilli(p.ms), p.endpoint} }

// KeepBehind is how long handled timers stay before Cleanup names them: longer
// than any proposal that arms a timer may take from the moment in which its
// deadline was chosen, so that the range never covers a timer not seen yet.
const KeepBehind = 10 * time.Minute

// Queue walks the timers of one shard. It belongs to one goroutine. The zero
// Queue is not ready: New.
type Queue struct {
	reader Reader
	shard  ids.Shard

	cursor  Due            // all that is stored below it was given
	started bool           // cursor is set
	given   map[place]bool // given, not handled
	late    []Due          // armed behind the cursor, ascending
	cleaned cleaned
}

// New walks from the oldest timer that is stored.
func New(reader Reader, shard ids.Shard) *Queue {
	return &Queue{reader: reader, shard: shard, given: make(map[place]bool)}
}

// Due gives up to limit timers whose deadline is at or before now, oldest
// first, each once until a restart; each is answered by Handled. Next is the
// deadline of the first that was not given, zero where there is none: with next
// not after now there is more at once. An error is that of the reader; what was
// given before it is returned with it, and the next call goes on from there.
func (q *Queue) Due(now time.Time, limit int) (due []Due, next time.Time, err error) {
	for len(q.late) > 0 && len(due) < limit && !q.late[0].At.After(now) {
		due = append(due, q.give(q.late[0]))
		q.late = q.late[1:]
	}
	var bad error
	err = q.reader.Scan(q.shard, wire.ClassTimer, q.from(), nil, false, func(key, _ []byte) bool {
		var d Due
		if d.At, d.Endpoint, bad = wire.ParseTimerKey(key); bad != nil {
			return false
		}
		if d.At.After(now) || len(due) >= limit {
			next = d.At
			return false
		}
		q.advance(d)
		due = append(due, q.give(d))
		return true
	})
	if len(q.late) > 0 && (next.IsZero() || q.late[0].At.Before(next)) {
		next = q.late[0].At
	}
	if err = errors.Join(err, bad); err != nil {
		err = fmt.Errorf("looking for due timers of shard %d: %w", q.shard, err)
	}
	return due, next, err
}

// from is the key that the walk starts at: right behind the last one given.
func (q *Queue) from() []byte {
	if !q.started {
		return nil
	}
	return append(q.cursor.key(), 0)
}

func (q *Queue) advance(d Due) { q.cursor, q.started = d, true }

func (q *Queue) give(d Due) Due {
	q.given[d.place()] = true
	return d
}

// Armed is told, from the callback of its commit, of every timer that was
// stored. One that lies behind the cursor would be missed by the walk, and is
// remembered. It reports whether the timer is due at once by that: Due should
// be called. Others are found in their time, but before the next that Due
// named if they are earlier.
func (q *Queue) Armed(d Due) (behind bool) {
	if !q.started || d.compare(q.cursor) > 0 || q.given[d.place()] {
		return false
	}
	at, found := slices.BinarySearchFunc(q.late, d, Due.compare)
	if !found {
		q.late = slices.Insert(q.late, at, d)
	}
	return true
}

// Handled ends what Due began: the endpoint has seen the timer, and whatever it
// wrote because of it is committed. Until then Cleanup spares it.
func (q *Queue) Handled(d Due) { delete(q.given, d.place()) }

// Waiting is how many timers were given and not handled.
func (q *Queue) Waiting() int { return len(q.given) }

// Cleanup names a range of handled timers, to be deleted by one DeleteRange of
// wire.ClassTimer from from to to; both are nil where there is nothing worth it.
// It ends before the oldest timer not handled and KeepBehind before now. Once
// an hour is often enough. Each range begins at the very first timer, so that one
// whose proposal failed is covered by the next.
func (q *Queue) Cleanup(now time.Time) (from, to []byte) {
	if !q.started {
		return nil, nil
	}
	end := Due{At: time.UnixMilli(now.Add(-KeepBehind).UnixMilli())}
	if q.cursor.compare(end) < 0 {
		end = q.cursor
	}
	for p := range q.given {
		if d := p.due(); d.compare(end) < 0 {
			end = d
		}
	}
	if len(q.late) > 0 && q.late[0].compare(end) < 0 {
		end = q.late[0]
	}
	if !q.cleaned.before(end) {
		return nil, nil
	}
	q.cleaned = cleaned{end, true}
	to = end.key()
	return make([]byte, len(to)), to
}

// cleaned is where the last Cleanup ended.
type cleaned struct {
	end Due
	set bool
}

func (c cleaned) before(end Due) bool { return !c.set || c.end.compare(end) < 0 }
