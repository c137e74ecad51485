package lwm2mcbor

import (
	"fmt"

	"dormouse/codec/cbor"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Append writes nodes at or below base in the order of their paths: what all
// of them have in common as one key, the rest nested. Stamps have no place in
// this format and are dropped.
func Append(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
	sorted, err := nodes.Sorted(base, list)
	if err != nil {
		return dst, fmt.Errorf("lwm2mcbor: writing %s: %w", base, err)
	}
	if len(sorted) == 0 || sorted[0].Path.IsRoot() {
		return cbor.AppendMap(dst, 0), nil
	}
	common := nodes.Common(sorted)
	if common.IsRoot() {
		return appendMap(dst, sorted, 0), nil
	}
	dst = cbor.AppendMap(dst, 1)
	if n := common.Len(); n > 1 {
		dst = cbor.AppendArray(dst, n)
	}
	for i := range common.Len() {
		dst = cbor.AppendUint(dst, uint64(common.ID(i)))
	}
	return appendBelow(dst, sorted, common.Len()), nil
}

// appendMap writes a map from the IDs at level to what lies below them.
func appendMap(dst []byte, sorted []lwm2m.Node, level int) []byte {
	n := 0
	for range nodes.Children(sorted, level) {
		n++
	}
	dst = cbor.AppendMap(dst, n)
	for id, run := range nodes.Children(sorted, level) {
		dst = cbor.AppendUint(dst, uint64(id))
		dst = appendBelow(dst, run, level+1)
	}
	return dst
}

// appendBelow writes the value of a run of one node that ends at level, a map
// of what the others hold.
func appendBelow(dst []byte, run []lwm2m.Node, level int) []byte {
	switch {
	case run[0].Path.Len() > level:
		return appendMap(dst, run, level)
	case run[0].Value.Kind() == lwm2m.KindNone:
		return cbor.AppendMap(dst, 0)
	}
	return cbor.AppendValue(dst, run[0].Value)
}
