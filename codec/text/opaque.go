package text

import (
	"fmt"

	"dormouse/codec/lwm2m"
)

// DecodeOpaque reads application/octet-stream: the payload is the value. For a
// resource that the model calls text it is that text.
func DecodeOpaque(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	return single(base, types, func(kind lwm2m.Kind) (lwm2m.Value, error) {
		if kind == lwm2m.KindString || kind == lwm2m.KindCorelnk {
			return lwm2m.String(string(payload)), nil
		}
		return lwm2m.Opaque(payload), nil
	})
}

// AppendOpaque appends the bytes of an Opaque; no other type has this format.
func AppendOpaque(dst []byte, node lwm2m.Node) ([]byte, error) {
	if kind := node.Value.Kind(); kind != lwm2m.KindOpaque {
		return dst, fmt.Errorf("%w: %s %s as octet-stream", ErrValue, kind, node.Path)
	}
	return append(dst, node.Value.Text()...), nil
}
