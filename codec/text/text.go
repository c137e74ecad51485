package text

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// ErrMalformed is wrapped by errors about a payload that is not what the model
// says, ErrValue by those about a value that the format cannot carry.
var (
	ErrMalformed = errors.New("text: malformed payload")
	ErrValue     = errors.New("text: value cannot be written")
)

// DecodeText reads text/plain as the type of the resource at base (OMA Core
// appendix C); text of unknown type is a String. Blanks and NULs around a
// number are dropped, and an empty number is KindNone.
func DecodeText(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	return single(base, types, func(kind lwm2m.Kind) (lwm2m.Value, error) {
		return parseText(string(payload), kind)
	})
}

// single makes the one node of a payload that read decodes.
func single(base lwm2m.Path, types lwm2m.Types, read func(lwm2m.Kind) (lwm2m.Value, error)) ([]lwm2m.Node, error) {
	list := nodes.NewList(base, types)
	if base.Len() < 3 {
		return nil, fmt.Errorf("%w: one value for %s", ErrMalformed, base)
	}
	v, err := read(list.KindOf(base))
	if err == nil {
		err = list.Add(base, v, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return list.Nodes(), nil
}

// parseText reads s as kind.
func parseText(s string, kind lwm2m.Kind) (lwm2m.Value, error) {
	switch kind {
	case lwm2m.KindNone, lwm2m.KindString, lwm2m.KindCorelnk:
		return lwm2m.String(s), nil
	}
	s = strings.Trim(s, " \t\r\n\x00")
	switch {
	case kind == lwm2m.KindOpaque:
		return nodes.ParseBase64(s)
	case s == "":
		return lwm2m.Value{}, nil
	case kind == lwm2m.KindObjlnk:
		return nodes.ParseObjlnk(s)
	case kind == lwm2m.KindBoolean && (s == "true" || s == "false"):
		return lwm2m.Boolean(s == "true"), nil
	}
	return nodes.ParseNumber(s)
}

// AppendText appends the value of node: Boolean as 0 or 1, Time in seconds,
// Opaque in padded base64 of the standard alphabet.
func AppendText(dst []byte, node lwm2m.Node) ([]byte, error) {
	v := node.Value
	switch v.Kind() {
	case lwm2m.KindBoolean:
		if v.Bool() {
			return append(dst, '1'), nil
		}
		return append(dst, '0'), nil
	case lwm2m.KindTime:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case lwm2m.KindOpaque:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes()), nil
	case lwm2m.KindFloat:
		return nodes.AppendFloat(dst, v.Float64())
	}
	return append(dst, v.String()...), nil
}
