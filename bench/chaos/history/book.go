package history

import (
	"maps"
	"slices"
	"time"
)

// operation is all that is known of one.
type operation struct {
	op, device   uint32
	submitted    time.Duration
	twice        bool
	acknowledged bool
	ackedAt      time.Duration
	id           uint64
	executed     []time.Duration
	seen         []Event // and missing, by node
}

// book is a history by operation and device.
type book struct {
	operations map[uint32]*operation
	forgot     map[uint32][]time.Duration // by device: when it may have lost what it remembered
	unasked    []Event
	last       time.Duration
}

// gather puts events in order, which come as goroutines got to the log.
func gather(events []Event) *book {
	b := &book{operations: map[uint32]*operation{}, forgot: map[uint32][]time.Duration{}}
	for _, e := range events {
		b.last = max(b.last, e.At)
		if e.Kind == Submitted {
			b.operations[e.Op] = &operation{op: e.Op, device: e.Device, submitted: e.At, twice: e.Twice}
		}
	}
	for _, e := range events {
		switch e.Kind {
		case Registered, Shaken:
			b.forgot[e.Device] = append(b.forgot[e.Device], e.At)
		case Acknowledged, Executed, Seen, Missing:
			o := b.operations[e.Op]
			if o == nil || o.device != e.Device {
				b.unasked = append(b.unasked, e)
				continue
			}
			o.take(e)
		}
	}
	for _, o := range b.operations {
		slices.Sort(o.executed)
	}
	return b
}

func (o *operation) take(e Event) {
	switch e.Kind {
	case Acknowledged:
		o.acknowledged, o.ackedAt, o.id = true, e.At, e.ID
	case Executed:
		o.executed = append(o.executed, e.At)
	case Seen, Missing:
		o.seen = append(o.seen, e)
	}
}

// forgets reports that a device may have forgotten between two times what it
// did before, by a full Register or a new session.
func (b *book) forgets(device uint32, from, to time.Duration) bool {
	return slices.ContainsFunc(b.forgot[device], func(at time.Duration) bool { return at >= from && at <= to })
}

// sorted are the operations by number.
func (b *book) sorted() (list []*operation) {
	for _, op := range slices.Sorted(maps.Keys(b.operations)) {
		list = append(list, b.operations[op])
	}
	return list
}

func (b *book) byDevice() map[uint32][]*operation {
	by := map[uint32][]*operation{}
	for _, o := range b.sorted() {
		by[o.device] = append(by[o.device], o)
	}
	return by
}
