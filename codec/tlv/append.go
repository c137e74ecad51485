package tlv

import (
	"fmt"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Append writes nodes below base, an object or something below it, in the
// order of their paths, and converts values to the types of their resources.
// An instance 65535 is left out around its resources (Create without an ID).
// Stamps have no place in this format and are dropped.
func Append(dst []byte, base lwm2m.Path, list []lwm2m.Node, types lwm2m.Types) ([]byte, error) {
	if base.IsRoot() {
		return dst, fmt.Errorf("%w: objects have no entry", ErrValue)
	}
	typed, err := nodes.Typed(list, types)
	if err != nil {
		return dst, fmt.Errorf("tlv: %w", err)
	}
	sorted, err := nodes.Sorted(base, typed)
	if err != nil {
		return dst, fmt.Errorf("tlv: writing %s: %w", base, err)
	}
	if !base.IsResource() && len(sorted) == 1 && sorted[0].Path == base && sorted[0].Value.Kind() == lwm2m.KindNone {
		return dst, nil // an empty container: no entries
	}
	return appendLevel(dst, sorted, firstLevel(base))
}

// firstLevel is the level at which a payload of base starts: a resource and a
// resource instance stand in an entry of their own, an object and an instance
// are known from the request.
func firstLevel(base lwm2m.Path) int {
	switch {
	case base.IsObject():
		return 1
	case base.IsResourceInstance():
		return 3
	}
	return 2
}

// appendLevel writes one entry for each ID at level (1 = object instance).
func appendLevel(dst []byte, sorted []lwm2m.Node, level int) (_ []byte, err error) {
	for id, run := range nodes.Children(sorted, level) {
		switch {
		case level != 1 || id != noInstance:
			dst, err = appendRun(dst, id, run, level)
		case run[0].Path.Len() > 2: // the empty instance leaves nothing to write
			dst, err = appendLevel(dst, run, level+1)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendRun writes the entry that holds run, nodes with one ID at level.
func appendRun(dst []byte, id uint16, run []lwm2m.Node, level int) ([]byte, error) {
	var value []byte
	var err error
	container := run[0].Value.Kind() == lwm2m.KindNone
	if run[0].Path.Len() > level+1 {
		container = true
		value, err = appendLevel(nil, run, level+1)
	} else if !container {
		value = appendValue(nil, run[0].Value)
	}
	if err != nil {
		return dst, err
	}
	return appendEntry(dst, entry{kind: kindAt(level, container), id: id, value: value})
}

// kindAt is the kind of an entry at level, with or without entries inside.
func kindAt(level int, container bool) byte {
	switch {
	case level == 1:
		return kindInstance
	case level == 3:
		return kindResourceInstance
	case container:
		return kindMultiple
	}
	return kindResource
}
