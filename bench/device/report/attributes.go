package report

import (
	"fmt"
	"slices"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// maxPaths bounds the paths that have attributes.
const maxPaths = 64

// Attributes are what the server attached to paths. The zero value has none.
type Attributes struct {
	entries []attached // ascending by path
}

type attached struct {
	path lwm2m.Path
	set  []query.Attribute
}

func (a *Attributes) find(p lwm2m.Path) (int, bool) {
	return slices.BinarySearchFunc(a.entries, p, func(e attached, p lwm2m.Path) int { return e.path.Compare(p) })
}

// Write merges a Write-Attributes into what is attached to p: a value replaces, a
// bare name removes. Nothing changes where the result is wrong, which wraps
// query.ErrMalformed; kind is the type of the resource that p is or lies in.
func (a *Attributes) Write(p lwm2m.Path, write []query.Attribute, kind lwm2m.Kind, version lwm2m.Version) error {
	for _, w := range write {
		if err := known(w.Name, version); err != nil {
			return err
		}
	}
	i, ok := a.find(p)
	var before []query.Attribute
	if ok {
		before = a.entries[i].set
	}
	set := query.MergeAttributes(before, write)
	if err := Check(p, inherit(a.Effective(p.Parent()), set), kind); err != nil {
		return err
	}
	switch {
	case len(set) == 0 && ok:
		a.entries = slices.Delete(a.entries, i, i+1)
	case len(set) == 0:
	case ok:
		a.entries[i].set = set
	case len(a.entries) == maxPaths:
		return fmt.Errorf("%w: attributes at more than %d paths", query.ErrMalformed, maxPaths)
	default:
		a.entries = slices.Insert(a.entries, i, attached{p, set})
	}
	return nil
}

// since is the enabler version that has an attribute.
var since = map[string]lwm2m.Version{
	"pmin": lwm2m.V1_0, "pmax": lwm2m.V1_0, "gt": lwm2m.V1_0, "lt": lwm2m.V1_0, "st": lwm2m.V1_0,
	"epmin": lwm2m.V1_1, "epmax": lwm2m.V1_1,
	"edge": lwm2m.V1_2, "con": lwm2m.V1_2, "hqmax": lwm2m.V1_2,
}

func known(name string, version lwm2m.Version) error {
	if v, ok := since[name]; !ok || version.Less(v) {
		return fmt.Errorf("%w: there is no attribute %s in LwM2M %s", query.ErrMalformed, name, version)
	}
	return nil
}

// Check applies the rules for the attributes that hold at a path: those of
// query.CheckAttributes, and that thresholds need a number and edges a Boolean.
func Check(p lwm2m.Path, set []query.Attribute, kind lwm2m.Kind) error {
	for _, a := range set {
		switch a.Name {
		case "gt", "lt", "st":
			if !numeric(kind) {
				return fmt.Errorf("%w: attribute %s needs a number, %s is %s", query.ErrMalformed, a.Name, p, kind)
			}
		case "edge":
			if kind != lwm2m.KindBoolean {
				return fmt.Errorf("%w: attribute edge needs a Boolean, %s is %s", query.ErrMalformed, p, kind)
			}
		}
	}
	return query.CheckAttributes(p, set)
}

func numeric(k lwm2m.Kind) bool {
	switch k {
	case lwm2m.KindInteger, lwm2m.KindUnsigned, lwm2m.KindFloat, lwm2m.KindTime:
		return true
	}
	return false
}

// At is what is attached to p itself. It must not be changed.
func (a *Attributes) At(p lwm2m.Path) []query.Attribute {
	if i, ok := a.find(p); ok {
		return a.entries[i].set
	}
	return nil
}

// Effective is what holds at p: of each attribute the nearest one, from p
// upwards to the object.
func (a *Attributes) Effective(p lwm2m.Path) []query.Attribute {
	var set []query.Attribute
	for n := 1; n <= p.Len(); n++ {
		set = inherit(set, a.At(p.Prefix(n)))
	}
	return set
}

// inherit lets what is near go before what is above.
func inherit(above, near []query.Attribute) []query.Attribute {
	if len(above) == 0 {
		return near
	}
	return query.MergeAttributes(above, near)
}

// Forget drops what is attached at or below p, which exists no longer.
func (a *Attributes) Forget(p lwm2m.Path) {
	a.entries = slices.DeleteFunc(a.entries, func(e attached) bool { return p.Contains(e.path) })
}
