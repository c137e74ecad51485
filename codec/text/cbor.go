package text

import (
	"dormouse/codec/cbor"
	"dormouse/codec/lwm2m"
)

// DecodeCBOR reads one CBOR data item. Times may be plain integers, tag 1, or
// RFC 3339 text with tag 0.
func DecodeCBOR(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	return single(base, types, func(lwm2m.Kind) (lwm2m.Value, error) {
		r := cbor.NewReader(payload)
		item, err := r.Next()
		if err != nil {
			return lwm2m.Value{}, err
		}
		v, err := item.Value()
		if err != nil {
			return v, err
		}
		return v, r.End()
	})
}

// AppendCBOR appends the value of node as one data item, Time without a tag.
func AppendCBOR(dst []byte, node lwm2m.Node) ([]byte, error) {
	return cbor.AppendValue(dst, node.Value), nil
}
