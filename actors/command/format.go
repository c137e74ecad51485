package command

import (
	"slices"

	"dormouse/codec/lwm2m"
)

// need is what a payload has to carry; it decides which formats can.
type need uint8

const (
	single    need = iota // one value of one resource
	tree                  // whatever lies below a path
	composite             // paths that have nothing in common
	binary                // one value, sent as it is where the client can
	creation              // an instance whose ID the client chooses
	empty                 // an instance without any resource
)

// ranked lists the formats that can carry a need, best first. Version 1.0 has
// TLV and its own JSON; a client of 1.1 must have text, opaque, and one format
// of its choice for more than a resource; LwM2M CBOR is used where it is
// offered (platform 1).
//
// Without an instance ID a creation starts with TLV, where "none" is the
// absence of the instance and not an ID that some clients take literally.
func ranked(version lwm2m.Version, n need) []lwm2m.Format {
	switch {
	case n == empty:
		return []lwm2m.Format{lwm2m.FormatTLV, lwm2m.FormatLwM2MCBOR}
	case n == composite:
		return []lwm2m.Format{lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON}
	}
	order := []lwm2m.Format{lwm2m.FormatLwM2MCBOR, lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON, lwm2m.FormatTLV, lwm2m.FormatJSON}
	if version.Less(lwm2m.V1_1) || n == creation {
		order = []lwm2m.Format{lwm2m.FormatTLV, lwm2m.FormatJSON, lwm2m.FormatLwM2MCBOR, lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON}
	}
	switch n {
	case binary:
		return append(append([]lwm2m.Format{lwm2m.FormatOpaque}, order...), lwm2m.FormatText)
	case single:
		return append(order, lwm2m.FormatCBOR, lwm2m.FormatText, lwm2m.FormatOpaque)
	}
	return order
}

// implied reports formats that a client has, or may have, although it lists
// none: they are tried behind the listed ones.
func implied(version lwm2m.Version, f lwm2m.Format) bool {
	switch f {
	case lwm2m.FormatLwM2MCBOR:
		return false
	case lwm2m.FormatJSON:
		return version.Less(lwm2m.V1_1)
	}
	return true
}

// older are the provisional numbers, for clients that list nothing newer.
var older = map[lwm2m.Format]lwm2m.Format{
	lwm2m.FormatText: lwm2m.FormatOldText, lwm2m.FormatTLV: lwm2m.FormatOldTLV,
	lwm2m.FormatJSON: lwm2m.FormatOldJSON, lwm2m.FormatOpaque: lwm2m.FormatOldOpaque,
}

// candidates lists what to try, best first and each once: the explicit format,
// the preference, what the client lists in our order, what its version
// implies. kind is that of the resource: the opaque format is for bytes alone,
// but may be asked for where the model does not know.
func (d *Device) candidates(explicit lwm2m.Format, n need, kind lwm2m.Kind) []lwm2m.Format {
	order := ranked(d.Version, n)
	if n == single && kind != lwm2m.KindOpaque {
		order = slices.DeleteFunc(order, func(f lwm2m.Format) bool { return f == lwm2m.FormatOpaque })
	}
	wishes := []lwm2m.Format{explicit, d.Preferred}
	if n == binary {
		wishes = wishes[:1] // a preference is for values: bytes go as they are
	}
	var out []lwm2m.Format
	for _, f := range wishes {
		mayBeBytes := f == lwm2m.FormatOpaque && n == single && kind == lwm2m.KindNone
		if slices.Contains(order, f.Canonical()) || mayBeBytes {
			out = append(out, f)
		}
	}
	for _, f := range order {
		if slices.Contains(d.Formats, f) {
			out = append(out, f)
		} else if old, ok := older[f]; ok && slices.Contains(d.Formats, old) {
			out = append(out, old)
		}
	}
	for _, f := range order {
		if implied(d.Version, f) {
			out = append(out, f)
		}
	}
	return unique(out)
}

// unique drops repetitions and keeps the order.
func unique(list []lwm2m.Format) []lwm2m.Format {
	out := list[:0]
	for _, f := range list {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// choose takes the first candidate that the client has not refused, the very
// first where it refused all of them.
func (d *Device) choose(explicit lwm2m.Format, n need, kind lwm2m.Kind) lwm2m.Format {
	list := d.candidates(explicit, n, kind)
	if d.Refused == nil {
		return list[0]
	}
	for _, f := range list {
		if !d.Refused(f) {
			return f
		}
	}
	return list[0]
}

// accept chooses the format to read a path in.
func (d *Device) accept(explicit lwm2m.Format, p lwm2m.Path) lwm2m.Format {
	n, kind := d.need(p)
	return d.choose(explicit, n, kind)
}

// need tells a resource with one value from all that may hold more.
func (d *Device) need(p lwm2m.Path) (need, lwm2m.Kind) {
	if p.Len() < 3 {
		return tree, lwm2m.KindNone
	}
	types := d.types()
	if p.IsResource() && types.Multiple(p) {
		return tree, lwm2m.KindNone
	}
	return single, types.KindOf(p)
}
