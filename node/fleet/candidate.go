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

	parsed    bool
	fragments platform.Fragments // of own
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
	if c.made == nil {
		if v, known := c.atHand(name); known {
			return v
		}
	}
	return filter.Managed{ManagedObject: c.shown()}.Value(name)
}

// atHand is what a device shows under names for which nothing has to be made.
func (c *candidate) atHand(name string) (v filter.Value, known bool) {
	switch name {
	case "id":
		return filter.TextValue(c.id.String()), true
	case "creationTime":
		return filter.TimeValue(c.records.registration.Created), true
	case "lastUpdated":
		return filter.TimeValue(c.records.contact.LastContact), true
	}
	if raw := c.own().Get(name); raw != nil {
		v = filter.JSONValue(raw)
		return v, v.Kind() == filter.Text && string(raw) != `""` // others mean nothing under some names
	}
	switch endpoint := c.records.registration.Name; name {
	case "type":
		return filter.TextValue(deviceType), true
	case "name", "lwm2mEndpoint":
		return filter.TextValue(endpoint), endpoint != ""
	case "owner":
		return filter.Value{}, true
	case "c8y_IsDevice":
		return isDevice, true
	}
	return filter.Value{}, false
}

// own are the fragments that clients gave the device.
func (c *candidate) own() platform.Fragments {
	if text := c.records.registration.Settings.Fragments; !c.parsed && text != "" {
		c.fragments, _ = platform.ParseFragments([]byte(text)) // as of managedObject
	}
	c.parsed = true
	return c.fragments
}

var isDevice = filter.JSONValue([]byte("{}"))
