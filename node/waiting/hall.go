package waiting

import (
	"bytes"
	"slices"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// hall is the datagrams that wait, by shard. It has no clock and no lock.
type hall struct {
	datagrams, bytes int // at most
	patience         time.Duration

	lines        map[ids.Shard]*line
	count, using int // datagrams, and their bytes
}

// line is what waits for one shard, the oldest first. All wait equally long, so the
// oldest is also the first to give up. It may be empty while it is leaving: what
// comes then stands behind those that were taken.
type line struct {
	list    []waiter
	leaving bool
}

type waiter struct {
	fwd   wire.Forward
	until time.Time
}

// overhead is what a datagram counts for besides its own bytes: waiter with its path.
const overhead = 256

func weight(fwd *wire.Forward) int { return overhead + len(fwd.Datagram) }

// occupied reports that something waits for the shard, or is leaving.
func (h *hall) occupied(shard ids.Shard) bool { return h.lines[shard] != nil }

// add keeps a copy; false: there is no room.
func (h *hall) add(now time.Time, shard ids.Shard, fwd wire.Forward) bool {
	if h.count >= h.datagrams || h.using+weight(&fwd) > h.bytes {
		return false
	}
	fwd.Datagram = bytes.Clone(fwd.Datagram)
	l := h.lines[shard]
	if l == nil {
		l = new(line)
		h.lines[shard] = l
	}
	l.list = append(l.list, waiter{fwd, now.Add(h.patience)})
	h.count++
	h.using += weight(&fwd)
	return true
}

// take gives all that waits for a shard, and lets it leave: stay or another take
// comes next. With the last take, which gives nothing, the line ends.
func (h *hall) take(shard ids.Shard) []waiter {
	l := h.lines[shard]
	if l == nil {
		return nil
	}
	list := l.list
	if len(list) == 0 {
		delete(h.lines, shard)
		return nil
	}
	l.list, l.leaving = nil, true
	h.gone(list)
	return list
}

// stay ends what take began: the rest waits on.
func (h *hall) stay(shard ids.Shard) {
	if l := h.lines[shard]; l != nil {
		l.leaving = false
		h.trim(shard, l)
	}
}

// expire drops those that have waited long enough, and says how many.
func (h *hall) expire(now time.Time) (dropped int) {
	for shard, l := range h.lines {
		n := 0
		for n < len(l.list) && !now.Before(l.list[n].until) {
			n++
		}
		h.gone(l.list[:n])
		l.list = slices.Delete(l.list, 0, n)
		dropped += n
		h.trim(shard, l)
	}
	return dropped
}

func (h *hall) trim(shard ids.Shard, l *line) {
	if len(l.list) == 0 && !l.leaving {
		delete(h.lines, shard)
	}
}

func (h *hall) gone(list []waiter) {
	for i := range list {
		h.using -= weight(&list[i].fwd)
	}
	h.count -= len(list)
}

// shards are those that something waits for, in their order.
func (h *hall) shards() (list []ids.Shard) {
	for shard := range h.lines {
		list = append(list, shard)
	}
	slices.Sort(list)
	return list
}
