package lwm2mcbor

import (
	"errors"
	"fmt"

	"dormouse/codec/cbor"
	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Sentinels: ErrMalformed is wrapped by errors about a payload.
var (
	ErrMalformed = errors.New("lwm2mcbor: malformed payload")
	ErrGateway   = errors.New("lwm2mcbor: key with a gateway prefix")
)

// Decode reads values at or below base, in the order of the payload. Both
// styles of keys may be mixed, lengths may be indefinite. null is KindNone.
func Decode(base lwm2m.Path, payload []byte, types lwm2m.Types) ([]lwm2m.Node, error) {
	d := decoder{r: cbor.NewReader(payload), list: nodes.NewList(base, types)}
	root, err := d.r.Next()
	if err == nil && root.Kind != cbor.KindMap {
		err = fmt.Errorf("%w: no map", ErrMalformed)
	}
	if err == nil {
		err = d.pairs(root, lwm2m.Path{})
	}
	if err == nil {
		err = d.r.End()
	}
	if err != nil {
		return nil, fmt.Errorf("lwm2mcbor: reading %s: %w", base, err)
	}
	return d.list.Distinct()
}

type decoder struct {
	r    *cbor.Reader
	list *nodes.List
}

// pairs reads the map m, whose keys continue the path at. Each level adds an
// ID at least, so the recursion ends with the fourth.
func (d decoder) pairs(m cbor.Item, at lwm2m.Path) error {
	for {
		more, err := d.r.More(&m)
		if err != nil || !more {
			return err
		}
		p, err := d.key(at)
		if err != nil {
			return err
		}
		if err := d.value(p); err != nil {
			return err
		}
	}
}

// key reads an ID, or an array of at least one.
func (d decoder) key(at lwm2m.Path) (lwm2m.Path, error) {
	item, err := d.r.Next()
	if err != nil {
		return at, err
	}
	if item.Kind != cbor.KindArray {
		return child(at, item)
	}
	p := at
	for {
		more, err := d.r.More(&item)
		if err != nil {
			return at, err
		}
		if !more {
			break
		}
		id, err := d.r.Next()
		if err != nil {
			return at, err
		}
		if p, err = child(p, id); err != nil {
			return at, err
		}
	}
	if p == at {
		return at, fmt.Errorf("%w: key of no ID", ErrMalformed)
	}
	return p, nil
}

func child(p lwm2m.Path, id cbor.Item) (lwm2m.Path, error) {
	n, ok := id.Int64()
	switch {
	case id.Kind == cbor.KindText:
		return p, fmt.Errorf("%w: %q", ErrGateway, id.Data)
	case !ok || n < 0 || n > lwm2m.MaxID:
		return p, fmt.Errorf("%w: key that is no ID", ErrMalformed)
	case p.IsResourceInstance():
		return p, fmt.Errorf("%w: path of more than four IDs", ErrMalformed)
	}
	return p.Child(uint16(n)), nil
}

// value reads what the key p stands for.
func (d decoder) value(p lwm2m.Path) error {
	item, err := d.r.Next()
	if err != nil {
		return err
	}
	if item.Kind == cbor.KindMap {
		before := d.list.Len()
		if err := d.pairs(item, p); err != nil {
			return err
		}
		if d.list.Len() > before {
			return nil
		}
		return d.list.Add(p, lwm2m.Value{}, 0)
	}
	v, err := item.Value()
	if err != nil {
		return err
	}
	return d.list.Add(p, v, 0)
}
