package fleet

import (
	"bytes"
	"encoding/binary"
	"math"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// A window begins small, for most pages are, and grows as a list goes on.
const (
	firstWindow = 16
	lastWindow  = 256
)

// window is the records of the devices between two IDs of a shard, read by two scans:
// records that lie side by side cost less so than one by one.
type window struct {
	from, to ids.Object // both inclusive
	size     int        // devices read at a time, 0: none were yet
	contacts map[ids.Object][]byte
	settings map[ids.Object][]byte // registrations
}

// device is records for a turn that goes through a shard.
func (t *turn) device(id ids.Object) (records, bool, error) {
	w := &t.window
	if w.size == 0 || id < w.from || id > w.to {
		if err := w.read(t.view, t.q.Shard, id); err != nil {
			return records{}, false, err
		}
	}
	contact, found := w.contacts[id]
	registration, both := w.settings[id]
	if !found || !both {
		return records{}, false, nil
	}
	r, err := parseRecords(id.Endpoint(), registration, contact)
	return r, err == nil, err
}

// read moves the window to what begins at an ID.
func (w *window) read(v view, shard ids.Shard, from ids.Object) (err error) {
	w.size = min(max(2*w.size, firstWindow), lastWindow)
	w.from, w.to = from, math.MaxUint64
	w.contacts, err = v.span(shard, wire.ClassContact, from, nil, w.size)
	if err != nil {
		return err
	}
	var end []byte
	if len(w.contacts) == w.size {
		w.to = from
		for id := range w.contacts {
			w.to = max(w.to, id)
		}
		end = wire.PrefixEnd(w.to.Append(nil))
	}
	w.settings, err = v.span(shard, wire.ClassRegistration, from, end, 0)
	return err
}

// span are the records of a class from an ID on, at most that many, 0 for all before
// the end.
func (v view) span(shard ids.Shard, class wire.Class, from ids.Object, end []byte, most int) (map[ids.Object][]byte, error) {
	found := make(map[ids.Object][]byte, lastWindow)
	err := v.state.Scan(shard, class, from.Append(nil), end, false, func(key, value []byte) bool {
		if len(key) == 8 {
			found[ids.Object(binary.BigEndian.Uint64(key))] = bytes.Clone(value)
		}
		return most == 0 || len(found) < most
	})
	return found, err
}
