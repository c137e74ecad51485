package omajson

import (
	"encoding/base64"
	"fmt"

	"dormouse/codec/jsontext"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Append writes nodes at or below base in their order. Floats keep a point or
// an exponent; NaN and infinities cannot be written.
func Append(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
	return AppendUnder("", dst, base, list)
}

// AppendUnder is Append for a device with an alternate root path.
func AppendUnder(root string, dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
	for _, n := range list {
		if err := nodes.Check(base, n); err != nil {
			return dst, fmt.Errorf("omajson: writing %s: %w", base, err)
		}
	}
	if len(list) == 1 && list[0] == (lwm2m.Node{Path: base}) {
		list = nil // an empty container is a document without entries
	}
	names := nodes.NewNames(base, root)
	baseName := names.BaseName(list)
	dst = jsontext.AppendString(append(dst, `{"bn":`...), baseName)
	dst = append(dst, `,"e":[`...)
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendEntry(dst, names.Relative(baseName, n.Path), n); err != nil {
			return dst, fmt.Errorf("%w: %s: %w", ErrValue, n.Path, err)
		}
	}
	return append(dst, "]}"...), nil
}

func appendEntry(dst []byte, name string, n lwm2m.Node) (_ []byte, err error) {
	dst = append(dst, '{')
	if name != "" {
		dst = jsontext.AppendString(jsontext.AppendMember(dst, "n"), name)
	}
	if dst, err = appendValue(dst, n.Value); err != nil {
		return dst, err
	}
	if n.At != 0 {
		dst = nodes.AppendSeconds(jsontext.AppendMember(dst, "t"), n.At)
	}
	return append(dst, '}'), nil
}

// appendValue writes the member that holds v, nothing for KindNone.
func appendValue(dst []byte, v lwm2m.Value) ([]byte, error) {
	switch v.Kind() {
	case lwm2m.KindNone:
		return dst, nil
	case lwm2m.KindString, lwm2m.KindCorelnk:
		return jsontext.AppendString(jsontext.AppendMember(dst, "sv"), v.Text()), nil
	case lwm2m.KindOpaque:
		text := base64.StdEncoding.EncodeToString(v.Bytes())
		return jsontext.AppendString(jsontext.AppendMember(dst, "sv"), text), nil
	case lwm2m.KindObjlnk:
		return jsontext.AppendString(jsontext.AppendMember(dst, "ov"), v.String()), nil
	case lwm2m.KindBoolean:
		return append(jsontext.AppendMember(dst, "bv"), v.String()...), nil
	case lwm2m.KindFloat:
		return nodes.AppendFloat(jsontext.AppendMember(dst, "v"), v.Float64())
	case lwm2m.KindTime:
		v = lwm2m.Integer(v.Int())
	}
	return append(jsontext.AppendMember(dst, "v"), v.String()...), nil
}
