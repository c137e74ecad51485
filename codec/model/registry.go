package model

import (
	"cmp"
	"maps"
	"slices"

	"dormouse/codec/lwm2m"
)

// Registry is a set of object definitions. It never changes, so it may be
// used from everywhere at once.
type Registry struct {
	objects map[uint16][]*Object // ascending by version
}

// NewRegistry makes a registry of definitions, which must not change any more
// and whose resources must ascend by ID. Of two with the same ID and version
// the later one counts.
func NewRegistry(objects ...*Object) *Registry {
	return (&Registry{}).With(objects...)
}

// With is a registry that has these definitions over those of r.
func (r *Registry) With(objects ...*Object) *Registry {
	out := make(map[uint16][]*Object, len(r.objects)+len(objects))
	maps.Copy(out, r.objects)
	for _, o := range objects {
		versions := out[o.ID]
		i, known := slices.BinarySearchFunc(versions, o.Version, byVersion)
		versions = slices.Clone(versions) // r has it too
		if known {
			versions[i] = o
		} else {
			versions = slices.Insert(versions, i, o)
		}
		out[o.ID] = versions
	}
	return &Registry{objects: out}
}

func byVersion(o *Object, v lwm2m.Version) int {
	return cmp.Or(cmp.Compare(o.Version.Major, v.Major), cmp.Compare(o.Version.Minor, v.Minor))
}

// Object is the definition to read version v of an object with: that version;
// else the newest older one of the same major number; else the oldest of that
// major number; else nil, for another major number may mean other things by
// the same IDs. The zero version means "any": the oldest known one.
func (r *Registry) Object(id uint16, v lwm2m.Version) *Object {
	versions := r.objects[id]
	if len(versions) == 0 {
		return nil
	}
	if v.IsZero() {
		return versions[0]
	}
	i, known := slices.BinarySearchFunc(versions, v, byVersion)
	switch {
	case known:
		return versions[i]
	case i > 0 && versions[i-1].Version.Major == v.Major:
		return versions[i-1]
	case i < len(versions) && versions[i].Version.Major == v.Major:
		return versions[i]
	}
	return nil
}

// Objects are all definitions, ascending by ID and version.
func (r *Registry) Objects() []*Object {
	var out []*Object
	for _, id := range slices.Sorted(maps.Keys(r.objects)) {
		out = append(out, r.objects[id]...)
	}
	return out
}

// Types tells the data types of a device's resources. versionOf gives the
// version of an object on that device (link.VersionOf); nil means any version.
func (r *Registry) Types(versionOf func(object uint16) lwm2m.Version) lwm2m.Types {
	return types{r, versionOf}
}

type types struct {
	registry  *Registry
	versionOf func(object uint16) lwm2m.Version
}

// KindOf is KindNone for paths above a resource and for unknown resources.
func (t types) KindOf(p lwm2m.Path) lwm2m.Kind {
	if r := t.resource(p); r != nil {
		return r.Type
	}
	return lwm2m.KindNone
}

// Multiple is false for paths above a resource and for unknown resources.
func (t types) Multiple(p lwm2m.Path) bool {
	r := t.resource(p)
	return r != nil && r.Multiple
}

func (t types) resource(p lwm2m.Path) *Resource {
	if p.Len() < 3 {
		return nil
	}
	var v lwm2m.Version
	if t.versionOf != nil {
		v = t.versionOf(p.Object())
	}
	o := t.registry.Object(p.Object(), v)
	if o == nil {
		return nil
	}
	return o.Resource(p.Resource())
}
