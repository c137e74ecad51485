package tlv

import (
	"fmt"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// noInstance stands in the path of resources that came for an object without
// an instance around them: a Create that leaves the ID to the device, or the
// answer of a device with one instance.
const noInstance = lwm2m.MaxID

// Decode reads a payload that belongs to base, an object or something below
// it. Entries at the level of base itself (an instance repeated around its
// resources, the resource around the resource instance that was read) are
// accepted. Resources directly below an object get the instance 65535. Errors
// wrap ErrMalformed or are those of nodes.List.
func Decode(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	if base.IsRoot() {
		return nil, fmt.Errorf("%w: objects have no entry", ErrMalformed)
	}
	d := decoder{list: nodes.NewList(base, types)}
	if err := d.entries(payload, base, false); err != nil {
		return nil, fmt.Errorf("tlv: reading %s: %w", base, err)
	}
	return d.list.Distinct()
}

type decoder struct{ list *nodes.List }

// entries reads what stands directly below at. Outside of any entry (inside is
// false) at is the base, and an entry may repeat a part of it.
func (d decoder) entries(b []byte, at lwm2m.Path, inside bool) error {
	for len(b) > 0 {
		e, n, err := parseEntry(b)
		if err != nil {
			return err
		}
		b = b[n:]
		p, err := place(e, at, inside)
		if err != nil {
			return err
		}
		if err := d.entry(e, p); err != nil {
			return err
		}
	}
	return nil
}

// place finds the path of e, which stands at or, inside another entry,
// directly below the path at.
func place(e entry, at lwm2m.Path, inside bool) (lwm2m.Path, error) {
	level := level(e.kind)
	if level == 2 && e.id == noInstance {
		return at, fmt.Errorf("%w: instance %d is reserved", ErrMalformed, e.id)
	}
	switch {
	case at.Len() == level-1:
		return at.Child(e.id), nil
	case inside:
	case at.Len() >= level && at.ID(level-1) == e.id:
		return at.Prefix(level), nil
	case at.IsObject() && level == 3:
		return at.Child(noInstance).Child(e.id), nil
	}
	return at, fmt.Errorf("%w: entry %d of kind %#x does not belong to %s", ErrMalformed, e.id, e.kind, at)
}

// level is the length of the path of such an entry.
func level(kind byte) int {
	switch kind {
	case kindInstance:
		return 2
	case kindResourceInstance:
		return 4
	}
	return 3
}

// entry adds the value of e, or goes on with what it holds.
func (d decoder) entry(e entry, p lwm2m.Path) error {
	container := e.kind == kindInstance || e.kind == kindMultiple
	switch {
	case container && len(e.value) > 0:
		return d.entries(e.value, p, true)
	case container, len(e.value) == 0 && e.kind == kindResource && d.list.Multiple(p):
		return d.list.Add(p, lwm2m.Value{}, 0)
	}
	v, err := parseValue(e.value, d.list.KindOf(p))
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return d.list.Add(p, v, 0)
}
