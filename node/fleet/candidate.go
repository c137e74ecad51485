package fleet

import (
	"time"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// candidate is an object that is held against a selection. What a device shows
// takes longer to make than to look at, so it is made when it is asked for: most
// queries ask for less.
type candidate struct {
	id      ids.Object
	made    *platform.ManagedObject
	view    view
	records records
	now     time.Time
}

// candidate reads an object.
func (t *turn) candidate(id ids.Object) (*candidate, bool, error) {
	read := t.device
	if t.q.What.IDs != nil { // they lie far from one another
		read = func(id ids.Object) (records, bool, error) { return t.view.records(id.Endpoint()) }
	}
	r, found, err := read(id)
	if err != nil {
		return nil, false, err
	}
	c := &candidate{id: id, view: t.view, records: r, now: t.now}
	if !found {
		var m platform.ManagedObject
		m, found, err = t.other(id)
		c.made = &m
	}
	return c, found, err
}

// shown is all of it.
func (c *candidate) shown() *platform.ManagedObject {
	if c.made == nil {
		m := c.view.managedObject(c.records, c.now)
		c.made = &m
	}
	return c.made
}

// matches leaves the IDs out, by which the object was found.
func (c *candidate) matches(s *filter.Selection) bool {
	return s.Query.Match(c) && (s.Text == "" || filter.Managed{ManagedObject: c.shown()}.Begins(s.Text))
}

// Value implements filter.Object: what managedObject would show under the name.
func (c *candidate) Value(name string) filter.Value {
	if c.made == nil && c.records.registration.Settings.Fragments == "" {
		switch reg := c.records.registration; name {
		case "id":
			return filter.TextValue(c.id.String())
		case "type":
			return filter.TextValue(deviceType)
		case "name", "lwm2mEndpoint":
			if reg.Name != "" {
				return filter.TextValue(reg.Name)
			}
		case "owner":
			return filter.Value{}
		case "creationTime":
			return filter.TimeValue(reg.Created)
		case "lastUpdated":
			return filter.TimeValue(c.records.contact.LastContact)
		case "c8y_IsDevice":
			return isDevice
		}
	}
	return filter.Managed{ManagedObject: c.shown()}.Value(name)
}

var isDevice = filter.JSONValue([]byte("{}"))
