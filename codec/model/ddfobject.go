package model

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// object reads an <Object> that has been opened.
func (p *ddfParser) object() error {
	if len(p.objects) == MaxDDFObjects {
		return p.fail("more than %d objects", MaxDDFObjects)
	}
	o := &Object{Version: lwm2m.V1_0, LwM2MVersion: lwm2m.V1_0}
	var id, multiple, mandatory, resources bool // given
	err := p.fields(map[string]func(xml.StartElement) error{
		"Name":              p.into(setText(&o.Name)),
		"Description1":      p.into(setText(&o.Description)),
		"ObjectID":          p.into(func(s string) error { id = true; return setID(&o.ID)(s) }),
		"ObjectURN":         p.into(setText(&o.URN)),
		"LWM2MVersion":      p.into(setVersion(&o.LwM2MVersion)),
		"ObjectVersion":     p.into(setVersion(&o.Version)),
		"MultipleInstances": p.into(choose(&o.Multiple, &multiple, "Multiple", "Single")),
		"Mandatory":         p.into(choose(&o.Mandatory, &mandatory, "Mandatory", "Optional")),
		"Resources": func(xml.StartElement) error {
			resources = true
			return p.resources(o)
		},
	})
	if err != nil {
		return err
	}
	if o.Name == "" || !id || !multiple || !mandatory || !resources {
		return p.fail("an <Object> needs <Name>, <ObjectID>, <MultipleInstances>, <Mandatory> and <Resources>")
	}
	for _, other := range p.objects {
		if other.ID == o.ID && other.Version == o.Version {
			return p.fail("object %d version %s is defined twice", o.ID, o.Version)
		}
	}
	p.objects = append(p.objects, o)
	return nil
}

// resources reads the <Item> elements of a <Resources> that has been opened.
func (p *ddfParser) resources(o *Object) error {
	seen := make(map[uint16]bool)
	err := p.elements(func(e xml.StartElement) error {
		if e.Name.Local != "Item" {
			_, err := p.text(e.Name.Local)
			return err
		}
		if len(o.Resources) == MaxDDFResources {
			return p.fail("more than %d resources in one object", MaxDDFResources)
		}
		r, err := p.item(e)
		if err != nil {
			return err
		}
		if seen[r.ID] {
			return p.fail("resource %d is defined twice", r.ID)
		}
		seen[r.ID] = true
		o.Resources = append(o.Resources, r)
		return nil
	})
	slices.SortFunc(o.Resources, func(a, b Resource) int { return cmp.Compare(a.ID, b.ID) })
	return err
}

// item reads one resource.
func (p *ddfParser) item(e xml.StartElement) (Resource, error) {
	var r Resource
	if err := setID(&r.ID)(attribute(e, "ID")); err != nil {
		return r, p.fail("the attribute ID of <Item>: %v", err)
	}
	var operations, multiple, mandatory, kind bool // given
	err := p.fields(map[string]func(xml.StartElement) error{
		"Name": p.into(setText(&r.Name)),
		"Operations": p.into(func(s string) error {
			operations = true
			var ok bool
			if r.Operations, ok = ParseOperations(s); !ok {
				return fmt.Errorf("%q is none of R, W, RW, E", s)
			}
			return nil
		}),
		"MultipleInstances": p.into(choose(&r.Multiple, &multiple, "Multiple", "Single")),
		"Mandatory":         p.into(choose(&r.Mandatory, &mandatory, "Mandatory", "Optional")),
		"Type":              p.into(func(s string) error { kind = true; return setType(&r.Type)(s) }),
		"RangeEnumeration":  p.into(setText(&r.Range)),
		"Units":             p.into(setText(&r.Units)),
		"Description":       p.into(setText(&r.Description)),
	})
	switch {
	case err != nil:
		return r, err
	case r.Name == "" || !operations || !multiple || !mandatory || !kind:
		return r, p.fail("resource %d needs <Name>, <Operations>, <MultipleInstances>, <Mandatory> and <Type>", r.ID)
	}
	return r, nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func setText(to *string) func(string) error {
	return func(s string) error {
		*to = s
		return nil
	}
}

func setID(to *uint16) func(string) error {
	return func(s string) error {
		v, err := strconv.ParseUint(s, 10, 16)
		if err != nil || v == lwm2m.MaxID {
			return fmt.Errorf("%q is no ID (0..65534)", s)
		}
		*to = uint16(v)
		return nil
	}
}

// setVersion keeps the default where the element is empty.
func setVersion(to *lwm2m.Version) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		v, err := lwm2m.ParseVersion(s)
		if err != nil || v.IsZero() {
			return fmt.Errorf("%q is no version such as 1.0", s)
		}
		*to = v
		return nil
	}
}

// setType takes the registry's names. Empty is KindNone, also where the resource
// can be read: the schema allows it, and the registry has such a file.
func setType(to *lwm2m.Kind) func(string) error {
	return func(s string) error {
		k, err := lwm2m.ParseKind(s)
		if err != nil || s == lwm2m.KindNone.String() {
			return fmt.Errorf("%q is no data type", s)
		}
		*to = k
		return nil
	}
}

// choose reads one of two words.
func choose(to, given *bool, yes, no string) func(string) error {
	return func(s string) error {
		if s != yes && s != no {
			return fmt.Errorf("%q is neither %s nor %s", s, yes, no)
		}
		*to, *given = s == yes, true
		return nil
	}
}
