package nodes

import (
	"fmt"
	"iter"
	"slices"

	"dormouse/codec/lwm2m"
)

// Sorted returns a copy of nodes in the order of their paths, for the formats
// that write a tree without times. A node outside of base, a value above the
// resources, a path given twice and a path beside paths below it are errors.
func Sorted(base lwm2m.Path, nodes []lwm2m.Node) ([]lwm2m.Node, error) {
	sorted := slices.Clone(nodes)
	lwm2m.SortNodes(sorted)
	for i, n := range sorted {
		if err := Check(base, n); err != nil {
			return nil, err
		}
		if i > 0 && sorted[i-1].Path.Contains(n.Path) {
			return nil, fmt.Errorf("%w: %s and %s", ErrDuplicate, sorted[i-1].Path, n.Path)
		}
	}
	return sorted, nil
}

// Check refuses a node that is about to be written and lies outside of base,
// or has a value where only containers can be.
func Check(base lwm2m.Path, n lwm2m.Node) error {
	if !base.Contains(n.Path) {
		return fmt.Errorf("%w: %s is not in %s", ErrOutside, n.Path, base)
	}
	if n.Path.Len() < 3 && n.Value.Kind() != lwm2m.KindNone {
		return fmt.Errorf("%w: %s", ErrLevel, n.Path)
	}
	return nil
}

// Children cuts sorted nodes, all longer than level, into runs with the same
// ID at that level (0 = object), in ascending order.
func Children(sorted []lwm2m.Node, level int) iter.Seq2[uint16, []lwm2m.Node] {
	return func(yield func(uint16, []lwm2m.Node) bool) {
		for len(sorted) > 0 {
			id, n := sorted[0].Path.ID(level), 1
			for n < len(sorted) && sorted[n].Path.ID(level) == id {
				n++
			}
			if !yield(id, sorted[:n]) {
				return
			}
			sorted = sorted[n:]
		}
	}
}

// Common is the longest path that contains all nodes, which are sorted and
// not empty.
func Common(sorted []lwm2m.Node) lwm2m.Path {
	first, last := sorted[0].Path, sorted[len(sorted)-1].Path
	for !first.Contains(last) {
		first = first.Parent()
	}
	return first
}
