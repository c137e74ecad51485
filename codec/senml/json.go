package senml

import (
	"encoding/base64"
	"errors"
	"fmt"

	"dormouse/codec/jsontext"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// DecodeJSON reads a pack of values at or below base. root is the alternate
// path of the device ("": none), with which its names may begin. Nodes come in
// the order of their records; one path may have several, told apart by stamps.
func DecodeJSON(base lwm2m.Path, payload []byte, root string, types lwm2m.Types) ([]lwm2m.Node, error) {
	return values(readJSON, base, payload, root, types)
}

// DecodePathsJSON reads the paths of a composite request.
func DecodePathsJSON(payload []byte, root string) ([]lwm2m.Path, error) {
	return paths(readJSON, payload, root)
}

func readJSON(payload []byte, each func(record) error) error {
	r := jsontext.NewReader(payload)
	c := carrier{each: each}
	err := r.Array(func() error {
		return c.read(func(rec *record) error {
			return r.Object(func(text string) error { return readMember(r, rec, text) })
		})
	})
	if err != nil {
		return err
	}
	return r.End()
}

func readMember(r *jsontext.Reader, rec *record, text string) error {
	l, err := textLabel(text)
	if err != nil {
		return err
	}
	if l == labelOther {
		return r.Skip()
	}
	s, err := r.Scalar()
	if err != nil {
		return err
	}
	return rec.set(l, scalar{value: s.Value, number: s.Number})
}

// AppendJSON writes nodes at or below base in their order, the base name in
// the first record. Floats keep a point or an exponent; NaN and infinities
// cannot be written.
func AppendJSON(dst []byte, base lwm2m.Path, list []lwm2m.Node, root string) ([]byte, error) {
	empty, err := writable(base, list)
	if err != nil {
		return dst, err
	}
	if empty {
		return append(dst, "[]"...), nil
	}
	names := nodes.NewNames(base, root)
	baseName := names.BaseName(list)
	dst = append(dst, '[')
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if i == 0 {
			dst = jsontext.AppendString(jsontext.AppendMember(dst, texts[labelBaseName]), baseName)
		}
		if name := names.Relative(baseName, n.Path); name != "" || n.Value.Kind() == lwm2m.KindNone {
			dst = jsontext.AppendString(jsontext.AppendMember(dst, texts[labelName]), name)
		}
		if dst, err = appendJSONValue(dst, n.Value); err != nil {
			return dst, fmt.Errorf("%w: %s: %w", ErrValue, n.Path, err)
		}
		if n.At != 0 {
			dst = nodes.AppendSeconds(jsontext.AppendMember(dst, texts[labelTime]), n.At)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

// appendJSONValue writes the member that holds v, nothing for KindNone.
func appendJSONValue(dst []byte, v lwm2m.Value) ([]byte, error) {
	l, ok := valueLabel(v.Kind())
	if !ok {
		return dst, nil
	}
	dst = jsontext.AppendMember(dst, texts[l])
	switch v.Kind() {
	case lwm2m.KindFloat:
		return nodes.AppendFloat(dst, v.Float64())
	case lwm2m.KindTime:
		return append(dst, lwm2m.Integer(v.Int()).String()...), nil
	case lwm2m.KindInteger, lwm2m.KindUnsigned, lwm2m.KindBoolean:
		return append(dst, v.String()...), nil
	case lwm2m.KindOpaque:
		return jsontext.AppendString(dst, base64.RawURLEncoding.EncodeToString(v.Bytes())), nil
	}
	return jsontext.AppendString(dst, v.String()), nil
}

// valueLabel is the field that holds values of a kind; ok is false for none.
func valueLabel(kind lwm2m.Kind) (l label, ok bool) {
	switch kind {
	case lwm2m.KindNone:
		return labelOther, false
	case lwm2m.KindString, lwm2m.KindCorelnk:
		return labelString, true
	case lwm2m.KindBoolean:
		return labelBoolean, true
	case lwm2m.KindOpaque:
		return labelData, true
	case lwm2m.KindObjlnk:
		return labelLink, true
	}
	return labelValue, true
}

// AppendPathsJSON writes the paths of a composite request, at least one.
func AppendPathsJSON(dst []byte, paths []lwm2m.Path, root string) ([]byte, error) {
	if len(paths) == 0 {
		return dst, errNoPaths
	}
	names := nodes.NewNames(lwm2m.Path{}, root)
	dst = append(dst, '[')
	for i, p := range paths {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = jsontext.AppendMember(dst, texts[labelName])
		dst = jsontext.AppendString(dst, string(names.Append(nil, p)))
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

var errNoPaths = errors.New("senml: a composite request without paths")
