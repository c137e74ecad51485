package omajson

import (
	"errors"
	"fmt"

	"dormouse/codec/jsontext"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// ErrMalformed is wrapped by errors about a payload, ErrValue by those about a
// value that cannot be written.
var (
	ErrMalformed = errors.New("omajson: malformed payload")
	ErrValue     = errors.New("omajson: value cannot be written")
)

// document is the outer object. Its labels may come in any order, so entries
// are resolved at the end.
type document struct {
	base     lwm2m.Path // asked for
	baseName string
	baseTime lwm2m.Stamp
	entries  []entry
}

// entry is one element of "e".
type entry struct {
	name  string
	time  lwm2m.Stamp
	value lwm2m.Value
	label string // of the value: "v", "sv", "bv", "ov", "" for none
}

// Decode reads values at or below base. An entry without a value is an empty
// container, as is a document without entries.
func Decode(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	return DecodeUnder("", base, payload, types)
}

// DecodeUnder is Decode for a device with an alternate root path, which its
// names may begin with.
func DecodeUnder(root string, base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	r := jsontext.NewReader(payload)
	d := document{base: base}
	err := r.Object(func(label string) error { return d.member(r, label) })
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	list, names := nodes.NewList(base, types), nodes.NewNames(base, root)
	for _, e := range d.entries {
		if err := d.resolve(e, list, names); err != nil {
			return nil, fmt.Errorf("omajson: reading %s: %w", base, err)
		}
	}
	return list.Nodes(), nil
}

func (d *document) member(r *jsontext.Reader, label string) (err error) {
	switch label {
	case "bn":
		d.baseName, err = text(r)
	case "bt":
		d.baseTime, err = seconds(r)
	case "e":
		err = r.Array(func() error {
			if len(d.entries) == nodes.MaxNodes {
				return nodes.ErrTooMany
			}
			var e entry
			if err := r.Object(func(label string) error { return e.member(r, label) }); err != nil {
				return err
			}
			d.entries = append(d.entries, e)
			return nil
		})
	default:
		err = r.Skip()
	}
	return err
}

func (e *entry) member(r *jsontext.Reader, label string) (err error) {
	switch label {
	case "n":
		e.name, err = text(r)
	case "t":
		e.time, err = seconds(r)
	case "v", "sv", "bv", "ov":
		var s jsontext.Scalar
		s, err = r.Scalar()
		if err == nil && e.label != "" {
			err = fmt.Errorf("%w: %q beside %q", ErrMalformed, label, e.label)
		}
		e.value, e.label = s.Value, label
	default:
		err = r.Skip()
	}
	return err
}

func text(r *jsontext.Reader) (string, error) {
	s, err := r.Scalar()
	if err == nil && s.Value.Kind() != lwm2m.KindString {
		err = fmt.Errorf("%w: %s for a name", ErrMalformed, s.Value.Kind())
	}
	return s.Value.Text(), err
}

func seconds(r *jsontext.Reader) (lwm2m.Stamp, error) {
	s, err := r.Scalar()
	if err != nil {
		return 0, err
	}
	return nodes.ParseSeconds(s.Number)
}

// resolve adds e to the list under its full name and time.
func (d *document) resolve(e entry, list *nodes.List, names nodes.Names) error {
	p, err := names.Resolve(d.baseName, e.name)
	if (err != nil || !d.base.Contains(p)) && d.baseName != "" && e.name != "" {
		// Clients of the 1.0 era leave it to the reader to put a slash between
		// "/3303/0" and "5700".
		if q, slashErr := names.Resolve(d.baseName+"/", e.name); slashErr == nil && d.base.Contains(q) {
			p, err = q, nil
		}
	}
	if err != nil {
		return err
	}
	v, err := e.typed(list.KindOf(p))
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	stamp, ok := nodes.AddStamps(d.baseTime, e.time)
	if !ok {
		return fmt.Errorf("%w: time of %s out of range", ErrMalformed, p)
	}
	return list.Add(p, v, stamp)
}

// typed checks the value against its label and decodes what text stands for.
func (e entry) typed(want lwm2m.Kind) (lwm2m.Value, error) {
	v, ok := e.value, false
	switch e.value.Kind() {
	case lwm2m.KindNone:
		ok = true
	case lwm2m.KindString:
		switch {
		case e.label == "ov":
			return nodes.ParseObjlnk(v.Text())
		case e.label == "sv" && want == lwm2m.KindOpaque:
			return nodes.ParseBase64(v.Text())
		}
		ok = e.label == "sv"
	case lwm2m.KindBoolean:
		ok = e.label == "bv"
	default:
		ok = e.label == "v"
	}
	if !ok {
		return v, fmt.Errorf("%w: %s for %q", ErrMalformed, v.Kind(), e.label)
	}
	return v, nil
}
