package nodes

import (
	"fmt"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// Convert is Value.As and, beyond it, reads an object link from text, which
// is how CBOR and some SenML devices send it.
func Convert(v lwm2m.Value, want lwm2m.Kind) (lwm2m.Value, error) {
	if want == lwm2m.KindObjlnk && v.Kind() == lwm2m.KindString {
		return ParseObjlnk(v.Text())
	}
	return v.As(want)
}

// Typed converts nodes that are about to be sent to the types of their
// resources, so that an Integer given for a Float resource goes out as Float.
// The given slice is not changed.
func Typed(nodes []lwm2m.Node, types lwm2m.Types) ([]lwm2m.Node, error) {
	out := make([]lwm2m.Node, len(nodes))
	for i, n := range nodes {
		v, err := Convert(n.Value, kindOf(types, n.Path))
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", n.Path, err)
		}
		n.Value = v
		out[i] = n
	}
	return out, nil
}

// kindOf shields Types from paths above resources and from a nil Types.
func kindOf(types lwm2m.Types, p lwm2m.Path) lwm2m.Kind {
	if types == nil || p.Len() < 3 {
		return lwm2m.KindNone
	}
	return types.KindOf(p)
}

// ParseObjlnk reads "66:0" (OMA Core appendix C). Trailing NULs, which some
// devices count into the string, are dropped.
func ParseObjlnk(s string) (lwm2m.Value, error) {
	object, instance, ok := strings.Cut(strings.TrimRight(s, "\x00"), ":")
	a, err1 := strconv.ParseUint(object, 10, 16)
	b, err2 := strconv.ParseUint(instance, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return lwm2m.Value{}, fmt.Errorf("nodes: %q is no object link", s)
	}
	return lwm2m.Link(lwm2m.Objlnk{Object: uint16(a), Instance: uint16(b)}), nil
}
