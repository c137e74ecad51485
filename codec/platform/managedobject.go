package platform

import (
	"fmt"
	"slices"
	"time"

	"dormouse/codec/ids"
)

// ManagedObject is one object of the inventory.
type ManagedObject struct {
	ID               ids.Object
	Type             string
	Name             string
	Owner            string
	Created, Updated time.Time
	References       References
	Fragments        Fragments // all else, none of reservedObject
}

// ObjectsPath is where managed objects are found.
const ObjectsPath = "/inventory/managedObjects"

// reservedObject are the members that are the server's to say. A client that
// writes back what it read sends them too: they are passed over.
var reservedObject = append([]string{"id", "self", "creationTime", "lastUpdated", "type", "name", "owner"}, relationNames[:]...)

// AppendManagedObject appends the object as the platform shows it. base is the
// scheme and authority of links, such as http://127.0.0.1:8080.
func AppendManagedObject(dst []byte, m *ManagedObject, base string) []byte {
	return appendManagedObject(dst, m, base+ObjectsPath+"/"+m.ID.String(), base)
}

func appendManagedObject(dst []byte, m *ManagedObject, self, base string) []byte {
	o := newObject(dst)
	o.text("id", m.ID.String())
	o.text("self", self)
	o.optional("type", m.Type)
	o.optional("name", m.Name)
	o.optional("owner", m.Owner)
	o.time("creationTime", m.Created)
	o.time("lastUpdated", m.Updated)
	for r := range relations { // a client expects to find them all
		o.name(r.String())
		o.buf = appendReferences(o.buf, base+RelationAddress(m.ID, r), m.References[r], base)
	}
	o.fragments(m.Fragments)
	return o.close()
}

// ParseManagedObject reads what AppendManagedObject wrote, as a client does.
func ParseManagedObject(body []byte) (m ManagedObject, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return m, err
	}
	r := reader{fragments: f}
	id := r.text("id")
	m.Type, m.Name, m.Owner = r.text("type"), r.text("name"), r.text("owner")
	m.Created, m.Updated = r.time("creationTime"), r.time("lastUpdated")
	if r.err != nil {
		return ManagedObject{}, r.err
	}
	if m.ID, err = ids.ParseObject(id); err != nil {
		return ManagedObject{}, fmt.Errorf("%w: id %q: %w", ErrShape, id, err)
	}
	if m.References, err = shownReferences(f); err != nil {
		return ManagedObject{}, err
	}
	m.Fragments = f.Without(reservedObject...)
	return m, nil
}

// ObjectChange is what a client wants of a managed object: of a new one or,
// with nil for what stays, of one that there is.
type ObjectChange struct {
	Type, Name, Owner *string
	Fragments         Fragments // null removes; on creation it is passed over
}

// ParseObjectChange reads the body of a POST or PUT. Members that are the
// server's are passed over.
func ParseObjectChange(body []byte) (c ObjectChange, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return c, err
	}
	r := reader{fragments: f}
	c.Type, c.Name, c.Owner = r.pointer("type"), r.pointer("name"), r.pointer("owner")
	if r.err != nil {
		return ObjectChange{}, r.err
	}
	c.Fragments = f.Without(reservedObject...)
	return c, nil
}

// Append appends the change as the body of a POST or PUT.
func (c ObjectChange) Append(dst []byte) []byte {
	o := newObject(dst)
	for _, m := range []struct {
		name  string
		value *string
	}{{"type", c.Type}, {"name", c.Name}, {"owner", c.Owner}} {
		if m.value != nil {
			o.text(m.name, *m.value)
		}
	}
	o.fragments(c.Fragments)
	return o.close()
}

// Apply is the object after the change at now. It is ErrBounds where the
// object would outgrow what one body can hold.
func (m ManagedObject) Apply(c ObjectChange, now time.Time) (ManagedObject, error) {
	for _, s := range []struct{ to, from *string }{{&m.Type, c.Type}, {&m.Name, c.Name}, {&m.Owner, c.Owner}} {
		if s.from != nil {
			*s.to = *s.from
		}
	}
	m.Updated = now
	m.Fragments = m.Fragments.Merge(c.Fragments)
	size := len(m.Type) + len(m.Name) + len(m.Owner)
	for _, f := range m.Fragments {
		size += len(f.Name) + len(f.Raw)
	}
	if size > MaxBody || len(m.Fragments) > MaxMembers {
		return ManagedObject{}, fmt.Errorf("%w: the object would have %d members and %d bytes", ErrBounds, len(m.Fragments), size)
	}
	return m, nil
}

// Has reports a fragment of that name.
func (m *ManagedObject) Has(fragment string) bool {
	return slices.ContainsFunc(m.Fragments, func(f Fragment) bool { return f.Name == fragment })
}
