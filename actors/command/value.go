package command

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/lwm2m"
)

// parseValue reads the notation of a data type; the string is what was
// expected where ok is false. Integers keep all their 64 bits.
func parseValue(kind lwm2m.Kind, text string) (v lwm2m.Value, expected string, ok bool) {
	switch kind {
	case lwm2m.KindInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		return lwm2m.Integer(n), "an integer of 64 bits", err == nil
	case lwm2m.KindUnsigned:
		n, err := strconv.ParseUint(text, 10, 64)
		return lwm2m.Unsigned(n), "an integer of 64 bits without sign", err == nil
	case lwm2m.KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		decimal := strings.Trim(text, "0123456789.eE+-") == ""
		return lwm2m.Float(f), "a decimal number", err == nil && decimal && !math.IsInf(f, 0)
	case lwm2m.KindBoolean:
		return lwm2m.Boolean(text == "true" || text == "1"), "true, false, 1 or 0",
			text == "true" || text == "false" || text == "1" || text == "0"
	case lwm2m.KindOpaque:
		b, err := hex.DecodeString(text)
		return lwm2m.Opaque(b), "an even count of hex digits", err == nil
	case lwm2m.KindTime:
		return parseTime(text)
	case lwm2m.KindObjlnk:
		return parseLink(text)
	case lwm2m.KindCorelnk:
		return lwm2m.Corelnk(text), "", true
	}
	return lwm2m.String(text), "", true
}

// parseTime reads seconds since the epoch, or RFC 3339 whose fraction of a
// second has no place in the value.
func parseTime(text string) (lwm2m.Value, string, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return lwm2m.Time(n), "", true
	}
	t, err := time.Parse(time.RFC3339, text)
	return lwm2m.Time(t.Unix()), "seconds since 1970 or a time such as 2026-01-02T03:04:05Z", err == nil
}

func parseLink(text string) (lwm2m.Value, string, bool) {
	const expected = "an object link such as 3:0"
	object, instance, ok := strings.Cut(text, ":")
	o, err1 := strconv.ParseUint(object, 10, 16)
	i, err2 := strconv.ParseUint(instance, 10, 16)
	if !ok || err1 != nil || err2 != nil {
		return lwm2m.Value{}, expected, false
	}
	return lwm2m.Link(lwm2m.Objlnk{Object: uint16(o), Instance: uint16(i)}), "", true
}

// nodes gives the line's values the types of the device's model.
func (l *Line) nodes(d *Device) ([]lwm2m.Node, error) {
	nodes := make([]lwm2m.Node, 0, len(l.Values))
	for _, v := range l.Values {
		if v.Kind == lwm2m.KindNone && strings.HasPrefix(v.Text, "{") && v.Path.IsResource() && d.types().Multiple(v.Path) {
			expanded, err := l.expand(v)
			if err != nil {
				return nil, err
			}
			for _, v := range expanded {
				n, err := l.node(d, v)
				if err != nil {
					return nil, err
				}
				nodes = append(nodes, n)
			}
			continue
		}
		n, err := l.node(d, v)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// expand reads a bare word as the JSON object of a resource's instances, which
// only the model shows it to be.
func (l *Line) expand(v Value) ([]Value, error) {
	s := scanner{text: l.Text, number: l.Number, pos: v.offset}
	members, err := s.object(1)
	if err != nil {
		return nil, err
	}
	if end := v.offset + len(v.Text); s.pos != end {
		return nil, l.fail(s.pos, "expected nothing behind the JSON object")
	}
	var out Line
	if err := s.instances(&out, v.Path, item{at: v.offset, object: true, members: members}); err != nil {
		return nil, err
	}
	return out.Values, nil
}

// node gives one value its type: that of the model, else what the notation
// says, else String.
func (l *Line) node(d *Device, v Value) (lwm2m.Node, error) {
	n := lwm2m.Node{Path: v.Path}
	if v.Empty {
		return n, nil
	}
	kind := d.types().KindOf(v.Path)
	if kind == lwm2m.KindNone {
		kind = v.Kind
		if _, _, ok := parseValue(kind, v.Text); kind == lwm2m.KindInteger && !ok {
			kind = lwm2m.KindUnsigned
		}
	}
	value, expected, ok := parseValue(kind, v.Text)
	if !ok {
		return n, l.fail(v.offset, "expected %s for %s (%s), found %q", expected, v.Path, kind, shown(v.Text))
	}
	n.Value = value
	return n, nil
}
