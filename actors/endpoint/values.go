package endpoint

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// maxValues bounds the resources of a device whose last value is kept.
const maxValues = 10000

// LastValue is the record of wire.ClassValue.
type LastValue struct {
	Value    lwm2m.Value
	At       time.Time // by the device's clock where Stamped, else of reception
	Stamped  bool
	Received time.Time
}

// stamp is the device's own, in nanoseconds; a value without one is older than
// any stamp: the clocks of a device and of a node are not compared.
func (v *LastValue) stamp() int64 {
	if !v.Stamped {
		return math.MinInt64
	}
	return v.At.UnixNano()
}

// Append appends the stored form (docs/formats/endpoint.md).
func (v *LastValue) Append(dst []byte) []byte {
	stamped := byte(0)
	if v.Stamped {
		stamped = 1
	}
	dst = append(dst, stamped)
	dst = wire.AppendTime(dst, v.Received)
	if v.Stamped {
		dst = binary.AppendVarint(dst, v.At.UnixNano())
	}
	return lwm2m.AppendValue(dst, v.Value)
}

// ParseLastValue reads what Append wrote; it copies what it keeps.
func ParseLastValue(b []byte) (v LastValue, err error) {
	f := wire.NewFields(b)
	v.Stamped = f.Byte() == 1
	v.Received = f.Time()
	v.At = v.Received
	if v.Stamped {
		v.At = time.Unix(0, f.Varint())
	}
	value, n, err := lwm2m.ParseValue(f.Peek())
	if err != nil {
		return v, ErrRecord
	}
	f.Cut(n)
	v.Value = value
	if f.Err() != nil {
		return v, ErrRecord
	}
	return v, nil
}

// store keeps the newest value of each resource: by the device's stamps where
// it gives them, in order of arrival else. An older one never overwrites.
func (e *Endpoint) store(now time.Time, nodes []lwm2m.Node, fx *Effects) {
	if len(nodes) == 0 || !e.readValues() {
		return
	}
	nodes = append([]lwm2m.Node(nil), nodes...)
	lwm2m.SortNodes(nodes)
	newest := make(map[lwm2m.Path]lwm2m.Node, len(nodes))
	for _, n := range nodes { // oldest first: the last one stays
		if n.Path.Len() >= 3 {
			newest[n.Path] = n
		}
	}
	for _, n := range nodes {
		if last, ok := newest[n.Path]; ok {
			delete(newest, n.Path)
			e.storeOne(now, last, fx)
		}
	}
}

func (e *Endpoint) storeOne(now time.Time, n lwm2m.Node, fx *Effects) {
	v := LastValue{Value: n.Value, Received: now}
	v.At, v.Stamped = n.At.Resolve(now)
	before, known := e.values[n.Path]
	switch {
	case v.Stamped && known && v.At.UnixNano() < before:
		return
	case !known && len(e.values) >= maxValues:
		fx.notice(ValuesFull, e.name(), n.Path.String())
		return
	}
	e.values[n.Path] = v.stamp()
	e.countValues()
	fx.Batch.Put(wire.ClassValue, wire.ValueKey(e.id, n.Path), v.Append(nil))
}

// dropInstances removes what a multiple resource no longer has: a reading at
// or above it names all its instances. A history is no such reading.
func (e *Endpoint) dropInstances(base lwm2m.Path, nodes []lwm2m.Node, fx *Effects) {
	if base.Len() > 3 || base.IsRoot() || !e.readValues() {
		return
	}
	listed, resources := map[lwm2m.Path]bool{}, map[lwm2m.Path]bool{}
	for _, n := range nodes {
		if n.At != 0 {
			return
		}
		listed[n.Path] = true
		if n.Path.Len() >= 3 {
			resources[n.Path.Prefix(3)] = true
		}
	}
	if base.Len() == 3 {
		resources[base] = true // also where none is left
	}
	var gone []lwm2m.Path
	for p := range e.values {
		if p.Len() == 4 && resources[p.Prefix(3)] && !listed[p] {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(gone, lwm2m.Path.Compare) // a map has no order, effects have
	for _, p := range gone {
		e.dropValue(p, fx)
	}
}

func (e *Endpoint) dropValue(p lwm2m.Path, fx *Effects) {
	delete(e.values, p)
	e.countValues()
	fx.Batch.Delete(wire.ClassValue, wire.ValueKey(e.id, p))
}

func (e *Endpoint) countValues() {
	e.at.Values = uint32(len(e.values))
	e.saveContact = true
}

// readValues makes sure that e.values is read; false: the store failed, and
// the values of this message are not kept.
func (e *Endpoint) readValues() bool {
	if e.values != nil {
		return true
	}
	values := make(map[lwm2m.Path]int64, e.at.Values)
	if e.at.Values > 0 && e.scanValues(values) != nil {
		return false
	}
	e.values = values
	return true
}

func (e *Endpoint) scanValues(values map[lwm2m.Path]int64) error {
	prefix := wire.EndpointKey(e.id)
	return e.shard.Env.State.Scan(e.shard.ID, wire.ClassValue, prefix, wire.PrefixEnd(prefix), false, func(key, value []byte) bool {
		p, _, err := lwm2m.ParseStoredPath(key[len(prefix):])
		if err != nil {
			return true
		}
		if v, err := ParseLastValue(value); err == nil {
			values[p] = v.stamp()
		}
		return true
	})
}
