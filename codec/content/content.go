package content

import (
	"errors"
	"fmt"

	"dormouse/codec/lwm2m"
	"dormouse/codec/lwm2mcbor"
	"dormouse/codec/nodes"
	"dormouse/codec/omajson"
	"dormouse/codec/senml"
	"dormouse/codec/text"
	"dormouse/codec/tlv"
)

// Sentinels of this package. ErrPayload is wrapped by every error about the
// bytes of a payload, ErrValue by those about nodes that cannot be written.
var (
	ErrFormat  = errors.New("content: unknown or unsuitable content format")
	ErrPayload = errors.New("content: malformed payload")
	ErrValue   = errors.New("content: value cannot be written")
)

// Options tell what the payload alone does not.
type Options struct {
	// Types is the object model of the device; nil knows no resource.
	Types lwm2m.Types
	// Root is the alternate path that the device registered with (OMA Core
	// 6.2.1), "" for none. Leave it empty for bootstrap, where names never
	// carry it.
	Root string
	// Answer marks what a device sends about its own state: answers to Read,
	// notifications, Send. An object instance that it left out is then 0,
	// where in a Create it stays 65535, "choose one".
	Answer bool
}

// Decode reads the values of a payload at or below base, in its order. A
// container that holds nothing, base itself included, is one node of KindNone.
// An absent format (lwm2m.FormatNone) of a single resource is read as text.
func Decode(f lwm2m.Format, base lwm2m.Path, payload []byte, o Options) ([]lwm2m.Node, error) {
	decode := decoder(f, base)
	if decode == nil {
		return nil, fmt.Errorf("%w: reading %s as %s", ErrFormat, base, f)
	}
	list, err := decode(base, payload, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	if o.Answer {
		nameInstances(base, list)
	}
	return list, nil
}

type decodeFunc func(lwm2m.Path, []byte, Options) ([]lwm2m.Node, error)

// decoder chooses how to read f, nil where that is not known.
func decoder(f lwm2m.Format, base lwm2m.Path) decodeFunc {
	switch f.Canonical() {
	case lwm2m.FormatNone:
		if base.Len() < 3 {
			return nil
		}
		return typed(text.DecodeText)
	case lwm2m.FormatText:
		return typed(text.DecodeText)
	case lwm2m.FormatOpaque:
		return typed(text.DecodeOpaque)
	case lwm2m.FormatCBOR:
		return typed(text.DecodeCBOR)
	case lwm2m.FormatTLV:
		return typed(tlv.Decode)
	case lwm2m.FormatLwM2MCBOR:
		return typed(lwm2mcbor.Decode)
	case lwm2m.FormatJSON:
		return func(base lwm2m.Path, b []byte, o Options) ([]lwm2m.Node, error) {
			return omajson.DecodeUnder(o.Root, base, b, o.Types)
		}
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLEtchJSON:
		return named(senml.DecodeJSON)
	case lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLEtchCBOR:
		return named(senml.DecodeCBOR)
	}
	return nil
}

// typed adapts the formats that carry no names.
func typed(f func(lwm2m.Path, []byte, lwm2m.Types) ([]lwm2m.Node, error)) decodeFunc {
	return func(base lwm2m.Path, b []byte, o Options) ([]lwm2m.Node, error) { return f(base, b, o.Types) }
}

// named adapts the two forms of SenML.
func named(f func(lwm2m.Path, []byte, string, lwm2m.Types) ([]lwm2m.Node, error)) decodeFunc {
	return func(base lwm2m.Path, b []byte, o Options) ([]lwm2m.Node, error) { return f(base, b, o.Root, o.Types) }
}

// nameInstances gives the instance 0 to resources of an object that came
// without one.
func nameInstances(base lwm2m.Path, list []lwm2m.Node) {
	if base.Len() > 1 {
		return
	}
	for i, n := range list {
		if n.Path.Len() < 2 || n.Path.Instance() != lwm2m.MaxID {
			continue
		}
		p := lwm2m.NewPath(n.Path.Object(), 0)
		for level := 2; level < n.Path.Len(); level++ {
			p = p.Child(n.Path.ID(level))
		}
		list[i].Path = p
	}
}

// Append writes nodes at or below base, converted to the types of their
// resources. The formats of a single value take one node, at base.
func Append(dst []byte, f lwm2m.Format, base lwm2m.Path, list []lwm2m.Node, o Options) ([]byte, error) {
	typed, err := nodes.Typed(list, o.Types)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrValue, err)
	}
	out, err := appendTyped(dst, f, base, typed, o)
	switch {
	case errors.Is(err, ErrFormat):
		return dst, err
	case err != nil:
		return dst, fmt.Errorf("%w: %w", ErrValue, err)
	}
	return out, nil
}

func appendTyped(dst []byte, f lwm2m.Format, base lwm2m.Path, list []lwm2m.Node, o Options) ([]byte, error) {
	switch f.Canonical() {
	case lwm2m.FormatText:
		return appendSingle(dst, base, list, text.AppendText)
	case lwm2m.FormatOpaque:
		return appendSingle(dst, base, list, text.AppendOpaque)
	case lwm2m.FormatCBOR:
		return appendSingle(dst, base, list, text.AppendCBOR)
	case lwm2m.FormatTLV:
		return tlv.Append(dst, base, list, o.Types)
	case lwm2m.FormatLwM2MCBOR:
		return lwm2mcbor.Append(dst, base, list)
	case lwm2m.FormatJSON:
		return omajson.AppendUnder(o.Root, dst, base, list)
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLEtchJSON:
		return senml.AppendJSON(dst, base, list, o.Root)
	case lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLEtchCBOR:
		return senml.AppendCBOR(dst, base, list, o.Root)
	}
	return dst, fmt.Errorf("%w: writing %s as %s", ErrFormat, base, f)
}

// appendSingle writes the one node of a format that carries no path.
func appendSingle(dst []byte, base lwm2m.Path, list []lwm2m.Node, write func([]byte, lwm2m.Node) ([]byte, error)) ([]byte, error) {
	if len(list) != 1 || list[0].Path != base || base.Len() < 3 {
		return dst, fmt.Errorf("%w: %d values for %s in a format of one", ErrFormat, len(list), base)
	}
	return write(dst, list[0])
}
