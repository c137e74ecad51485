package senml

import (
	"fmt"
	"strings"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// carrier hands the records of a pack on, one by one, with what each inherits.
type carrier struct {
	base  base
	count int
	each  func(record) error
}

// read lets fields fill the next record and hands it on.
func (c *carrier) read(fields func(*record) error) error {
	if c.count++; c.count > nodes.MaxNodes {
		return fmt.Errorf("%w: more than %d records", ErrMalformed, nodes.MaxNodes)
	}
	r := record{base: c.base}
	if err := fields(&r); err != nil {
		return err
	}
	c.base = r.base
	return c.each(r)
}

// reader calls each for every record of a payload.
type reader func(payload []byte, each func(record) error) error

// values resolves a pack to nodes at or below base.
func values(read reader, at lwm2m.Path, payload []byte, root string, types lwm2m.Types) ([]lwm2m.Node, error) {
	list, names := nodes.NewList(at, types), nodes.NewNames(at, root)
	err := read(payload, func(r record) error {
		if !r.hasValue && (!r.hasName || r.hasSum) {
			return nil // sets the base only, or is a sum
		}
		p, err := names.Resolve(r.base.name, r.name)
		if err != nil {
			return err
		}
		v, err := r.resolvedValue()
		if err != nil {
			return err
		}
		stamp, ok := nodes.AddStamps(r.base.time, r.time)
		if !ok {
			return fmt.Errorf("%w: time of %s out of range", ErrMalformed, p)
		}
		return list.Add(p, v, stamp)
	})
	if err != nil {
		return nil, fmt.Errorf("senml: reading %s: %w", at, err)
	}
	return list.Nodes(), nil
}

// resolvedValue adds the base value to a number; a name alone has the base
// value where there is one (RFC 8428 section 4.3: the missing one is zero).
func (r record) resolvedValue() (lwm2m.Value, error) {
	switch {
	case r.base.value.Kind() == lwm2m.KindNone:
		return r.value, nil
	case !r.hasValue:
		return r.base.value, nil
	case scalar{value: r.value}.isNumber():
		return nodes.AddNumbers(r.base.value, r.value)
	}
	return r.value, nil
}

// paths resolves the list of a composite request. Values in it are ignored.
func paths(read reader, payload []byte, root string) ([]lwm2m.Path, error) {
	var list []lwm2m.Path
	names := nodes.NewNames(lwm2m.Path{}, root)
	err := read(payload, func(r record) error {
		if !r.hasName && (r.base.name == "" || len(r.base.name) > 1 && strings.HasSuffix(r.base.name, "/")) {
			return nil // sets the base only
		}
		p, err := names.Resolve(r.base.name, r.name)
		list = append(list, p)
		return err
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: no path", ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("senml: reading paths: %w", err)
	}
	return list, nil
}

// writable checks nodes that are to be written, and tells whether the pack is
// the empty one: a single empty container at the base.
func writable(at lwm2m.Path, list []lwm2m.Node) (empty bool, err error) {
	for _, n := range list {
		if err := nodes.Check(at, n); err != nil {
			return false, fmt.Errorf("senml: writing %s: %w", at, err)
		}
	}
	return len(list) == 0 || len(list) == 1 && list[0] == (lwm2m.Node{Path: at}), nil
}
