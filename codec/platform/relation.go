package platform

import (
	"encoding/json"
	"fmt"

	"dormouse/codec/ids"
)

// Relation is one of the ways in which managed objects belong together, from
// either end. The numbers travel between nodes (docs/formats/calls.md), and stay.
type Relation uint8

const (
	ChildDevices Relation = iota
	ChildAssets
	ChildAdditions
	DeviceParents
	AssetParents
	AdditionParents

	relations
)

var relationNames = [relations]string{"childDevices", "childAssets", "childAdditions", "deviceParents", "assetParents", "additionParents"}

// String is the member of a managed object that shows the relation, which is
// also the last segment of its address.
func (r Relation) String() string { return relationNames[r] }

// ParseRelation reads a segment of an address. Only to children can something be
// added.
func ParseRelation(s string) (Relation, bool) {
	for r, name := range relationNames {
		if name == s {
			return Relation(r), true
		}
	}
	return 0, false
}

// Parents reports that the relation leads upwards.
func (r Relation) Parents() bool { return r >= DeviceParents }

// Reverse is the relation seen from the other end.
func (r Relation) Reverse() Relation { return (r + DeviceParents) % relations }

// Reference is a managed object at the other end of a relation.
type Reference struct {
	ID   ids.Object `json:"id"`
	Name string     `json:"name,omitempty"` // "" where it is not shown
}

// References are those of one object, in the order of the relations; the zero
// value has none.
type References [relations][]Reference

// MaxReferences bounds the references that one body may name.
const MaxReferences = 200

// RelationAddress is where the references of an object are.
func RelationAddress(o ids.Object, r Relation) string {
	return ObjectsPath + "/" + o.String() + "/" + r.String()
}

// appendReferences appends {"self","references":[{"managedObject":{"id","name","self"},"self"},…]}.
func appendReferences(dst []byte, self string, list []Reference, base string) []byte {
	o := newObject(dst)
	o.text("self", self)
	o.name("references")
	o.buf = append(o.buf, '[')
	for i, ref := range list {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		m := newObject(nil)
		m.text("id", ref.ID.String())
		m.optional("name", ref.Name)
		m.text("self", base+ObjectsPath+"/"+ref.ID.String())
		o.buf = appendReference(o.buf, self, ref.ID, m.close())
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

func appendReference(dst []byte, relation string, id ids.Object, object []byte) []byte {
	o := newObject(dst)
	o.raw("managedObject", object)
	o.text("self", relation+"/"+id.String())
	return o.close()
}

// ReferencesList is the name of the list in a page of references.
const ReferencesList = "references"

// AppendReference appends {"managedObject","self"}: the answer to an addition,
// and an item of a page, in both of which the object is shown whole. of is the
// object at this end.
func AppendReference(dst []byte, of ids.Object, r Relation, m *ManagedObject, base string) []byte {
	return appendReference(dst, base+RelationAddress(of, r), m.ID, AppendManagedObject(nil, m, base))
}

// ParseReferences reads the body of a POST to a relation: one object as
// {"managedObject":{"id"}}, where self does for the ID, or several of them as
// {"references":[…]}. many tells which it was, for the answer.
func ParseReferences(body []byte) (objects []ids.Object, many bool, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return nil, false, err
	}
	raw := f.Get(ReferencesList)
	if raw == nil {
		id, err := parseReference(f)
		if err != nil {
			return nil, false, err
		}
		return []ids.Object{id}, false, nil
	}
	objects, err = parseReferences(raw)
	return objects, true, err
}

func parseReferences(raw json.RawMessage) (objects []ids.Object, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%w: references is no array", ErrShape)
	}
	if len(list) > MaxReferences {
		return nil, fmt.Errorf("%w: %d references, at most %d", ErrBounds, len(list), MaxReferences)
	}
	for i, item := range list {
		f, err := ParseFragments(item)
		if err != nil {
			return nil, fmt.Errorf("references %d: %w", i, err)
		}
		id, err := parseReference(f)
		if err != nil {
			return nil, fmt.Errorf("references %d: %w", i, err)
		}
		objects = append(objects, id)
	}
	return objects, nil
}

func parseReference(f Fragments) (ids.Object, error) {
	id, named, err := parseSource(f.Get("managedObject"), "managedObject")
	if err == nil && !named {
		err = fmt.Errorf("%w: managedObject is missing", ErrShape)
	}
	return id, err
}

// shownReferences reads what appendReferences wrote, as a client does.
func shownReferences(f Fragments) (all References, err error) {
	for r := range relations {
		raw := f.Get(r.String())
		if raw == nil || isNull(raw) {
			continue
		}
		var shown struct {
			References []struct {
				ManagedObject struct {
					ID   string `json:"id"`
					Name string `json:"name"`
				} `json:"managedObject"`
			} `json:"references"`
		}
		if err := json.Unmarshal(raw, &shown); err != nil {
			return all, fmt.Errorf("%w: %s: %w", ErrShape, r, err)
		}
		for _, ref := range shown.References {
			id, err := ids.ParseObject(ref.ManagedObject.ID)
			if err != nil {
				return all, fmt.Errorf("%w: %s: id %q: %w", ErrShape, r, ref.ManagedObject.ID, err)
			}
			all[r] = append(all[r], Reference{id, ref.ManagedObject.Name})
		}
	}
	return all, nil
}
