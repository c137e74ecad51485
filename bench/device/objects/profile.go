package objects

import (
	"fmt"
	"slices"

	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// All are the objects that a device can have, in the order of their IDs.
var All = []uint16{0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16, 19, 20, 3303}

// newer are the versions of objects that a device of LwM2M 1.1 or 1.2 has
// beyond those that its enabler implies, and therefore lists.
var newer = map[uint16]lwm2m.Version{10: lwm2m.V1_1, 11: lwm2m.V1_1, 12: lwm2m.V1_1, 13: lwm2m.V1_1, 3303: lwm2m.V1_1}

// Profile is what devices of one kind share. It never changes.
type Profile struct {
	version lwm2m.Version
	types   lwm2m.Types
	listed  map[uint16]lwm2m.Version
	factory []Object
}

// NewProfile makes the profile of an enabler version with some of All; 0, 1 and
// 3 are mandatory and come by themselves.
func NewProfile(version lwm2m.Version, ids []uint16) (*Profile, error) {
	p := &Profile{version: version, listed: map[uint16]lwm2m.Version{}}
	ids = append([]uint16{0, 1, 3}, ids...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if !slices.Contains(All, id) {
			return nil, fmt.Errorf("objects: a device has no object %d", id)
		}
		if v, ok := newer[id]; ok && lwm2m.V1_0.Less(version) {
			p.listed[id] = v
		}
		definition := model.Core().Object(id, p.VersionOf(id))
		p.factory = append(p.factory, Object{Definition: definition})
	}
	p.types = model.Core().Types(p.VersionOf)
	if err := p.build(factoryText); err != nil {
		return nil, err
	}
	return p, nil
}

// Version is the enabler version.
func (p *Profile) Version() lwm2m.Version { return p.version }

// VersionOf is the version of an object.
func (p *Profile) VersionOf(object uint16) lwm2m.Version {
	return link.VersionOf(object, p.listed[object], p.version)
}

// Listed is the version of an object where it is not the one that the enabler
// implies, else the zero Version.
func (p *Profile) Listed(object uint16) lwm2m.Version { return p.listed[object] }

// Types are the types of all resources.
func (p *Profile) Types() lwm2m.Types { return p.types }
