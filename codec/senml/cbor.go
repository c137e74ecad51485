package senml

import (
	"fmt"

	"dormouse/codec/cbor"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// DecodeCBOR is DecodeJSON for the CBOR form: lengths definite or not, floats
// of any width, tags on times, labels as numbers or text.
func DecodeCBOR(base lwm2m.Path, payload []byte, root string, types lwm2m.Types) ([]lwm2m.Node, error) {
	return values(readCBOR, base, payload, root, types)
}

// DecodePathsCBOR is DecodePathsJSON for the CBOR form.
func DecodePathsCBOR(payload []byte, root string) ([]lwm2m.Path, error) {
	return paths(readCBOR, payload, root)
}

func readCBOR(payload []byte, each func(record) error) error {
	r := cbor.NewReader(payload)
	pack, err := container(r, cbor.KindArray)
	if err != nil {
		return err
	}
	c := carrier{each: each}
	for {
		more, err := r.More(&pack)
		if err != nil {
			return err
		}
		if !more {
			return r.End()
		}
		if err := c.read(func(rec *record) error { return readPairs(r, rec) }); err != nil {
			return err
		}
	}
}

// container reads the head of an array or map.
func container(r *cbor.Reader, kind cbor.Kind) (cbor.Item, error) {
	c, err := r.Next()
	if err == nil && c.Kind != kind {
		err = fmt.Errorf("%w: a pack is an array of maps", ErrMalformed)
	}
	return c, err
}

// readPairs reads the map of one record. The fields that are set are bounded
// by the labels: a second one of a kind is refused.
func readPairs(r *cbor.Reader, rec *record) error {
	pairs, err := container(r, cbor.KindMap)
	if err != nil {
		return err
	}
	seen := make(map[label]bool, 4)
	for {
		more, err := r.More(&pairs)
		if err != nil || !more {
			return err
		}
		l, err := readLabel(r)
		if err != nil {
			return err
		}
		if l == labelOther {
			if err := r.Skip(); err != nil {
				return err
			}
			continue
		}
		if seen[l] {
			return fmt.Errorf("%w: %q repeated", ErrMalformed, texts[l])
		}
		seen[l] = true
		if err := readPair(r, rec, l); err != nil {
			return err
		}
	}
}

func readLabel(r *cbor.Reader) (label, error) {
	key, err := r.Next()
	if err != nil {
		return labelOther, err
	}
	if key.Kind == cbor.KindText {
		return textLabel(string(key.Data))
	}
	n, ok := key.Int64()
	if !ok {
		return labelOther, fmt.Errorf("%w: a label is a number or text", ErrMalformed)
	}
	return numberLabel(n), nil
}

func readPair(r *cbor.Reader, rec *record, l label) error {
	item, err := r.Next()
	if err != nil {
		return err
	}
	v, err := item.Value()
	if err != nil {
		return err
	}
	number, _ := item.Number()
	return rec.set(l, scalar{value: v, number: number})
}

// AppendCBOR is AppendJSON for the CBOR form, with definite lengths and the
// base name in front.
func AppendCBOR(dst []byte, base lwm2m.Path, list []lwm2m.Node, root string) ([]byte, error) {
	empty, err := writable(base, list)
	if err != nil {
		return dst, err
	}
	if empty {
		return cbor.AppendArray(dst, 0), nil
	}
	names := nodes.NewNames(base, root)
	baseName := names.BaseName(list)
	dst = cbor.AppendArray(dst, len(list))
	first := baseName
	for _, n := range list {
		dst = appendRecord(dst, names.Relative(baseName, n.Path), first, n)
		first = ""
	}
	return dst, nil
}

// appendRecord writes one record; an empty base name and, beside a value, an
// empty name are left out.
func appendRecord(dst []byte, name, baseName string, n lwm2m.Node) []byte {
	l, hasValue := valueLabel(n.Value.Kind())
	hasName := name != "" || !hasValue
	dst = cbor.AppendMap(dst, count(baseName != "", hasName, hasValue, n.At != 0))
	if baseName != "" {
		dst = cbor.AppendText(cbor.AppendInt(dst, int64(labelBaseName)), baseName)
	}
	if hasName {
		dst = cbor.AppendText(cbor.AppendInt(dst, int64(labelName)), name)
	}
	if hasValue {
		dst = cbor.AppendValue(appendLabel(dst, l), n.Value)
	}
	if n.At != 0 {
		dst = appendStamp(cbor.AppendInt(dst, int64(labelTime)), n.At)
	}
	return dst
}

func appendLabel(dst []byte, l label) []byte {
	if l == labelLink {
		return cbor.AppendText(dst, texts[l])
	}
	return cbor.AppendInt(dst, int64(l))
}

// appendStamp writes whole seconds as an integer, others exactly as a decimal
// fraction: a float of 64 bits would lose nanoseconds.
func appendStamp(dst []byte, s lwm2m.Stamp) []byte {
	mantissa, exponent := int64(s), -9
	for exponent < 0 && mantissa%10 == 0 {
		mantissa, exponent = mantissa/10, exponent+1
	}
	if exponent == 0 {
		return cbor.AppendInt(dst, mantissa)
	}
	return cbor.AppendDecimal(dst, mantissa, exponent)
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// AppendPathsCBOR is AppendPathsJSON for the CBOR form.
func AppendPathsCBOR(dst []byte, paths []lwm2m.Path, root string) ([]byte, error) {
	if len(paths) == 0 {
		return dst, errNoPaths
	}
	names := nodes.NewNames(lwm2m.Path{}, root)
	dst = cbor.AppendArray(dst, len(paths))
	for _, p := range paths {
		dst = cbor.AppendMap(dst, 1)
		dst = cbor.AppendInt(dst, int64(labelName))
		dst = cbor.AppendText(dst, string(names.Append(nil, p)))
	}
	return dst, nil
}
