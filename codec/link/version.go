package link

import (
	"slices"

	"dormouse/codec/lwm2m"
)

// defaults are the object versions that a client need not list, because its
// enabler version implies them (OMA Core 1.1 and 1.2, table 6.2.1 and appendix
// E). What is not here is 1.0.
var defaults = map[lwm2m.Version]map[uint16]lwm2m.Version{
	lwm2m.V1_1: {0: {Major: 1, Minor: 1}, 1: {Major: 1, Minor: 1}, 3: {Major: 1, Minor: 1}, 4: {Major: 1, Minor: 2}},
	lwm2m.V1_2: {
		0: {Major: 1, Minor: 2}, 1: {Major: 1, Minor: 2}, 2: {Major: 1, Minor: 1},
		3: {Major: 1, Minor: 2}, 4: {Major: 1, Minor: 3}, 5: {Major: 1, Minor: 1},
	},
}

// VersionOf is the version of an object: the listed one, else the default of
// the client's enabler version, else 1.0. It is never zero.
func VersionOf(object uint16, listed lwm2m.Version, enabler lwm2m.Version) lwm2m.Version {
	if !listed.IsZero() {
		return listed
	}
	if v, ok := defaults[enabler][object]; ok {
		return v
	}
	return lwm2m.V1_0
}

// Version is the listed version of an object: that of its own link, else that
// of one of its instances; zero where none is listed.
func (l ObjectList) Version(object uint16) lwm2m.Version {
	i, _ := slices.BinarySearchFunc(l.Objects, lwm2m.NewPath(object), func(o Object, p lwm2m.Path) int { return o.Path.Compare(p) })
	for ; i < len(l.Objects) && l.Objects[i].Path.Object() == object; i++ {
		if v := l.Objects[i].Version; !v.IsZero() {
			return v
		}
	}
	return lwm2m.Version{}
}
