package objects

import (
	"cmp"
	"slices"

	"dormouse/codec/lwm2m"
)

// Item is one value of a resource: the only one, with ID 0, or that of a
// resource instance. Where the resource is a Signal, Value is its parameter.
type Item struct {
	ID    uint16
	Value lwm2m.Value
}

// Resource is a resource that an instance has. One without items is executable,
// only ever written, or multiple and empty.
type Resource struct {
	ID     uint16
	Signal Signal // what measures the items; SignalNone: they were set
	Items  []Item // ascending by ID
}

// Item is the index of an item by its ID.
func (r Resource) Item(id uint16) (i int, ok bool) {
	return slices.BinarySearchFunc(r.Items, id, func(i Item, id uint16) int { return cmp.Compare(i.ID, id) })
}

// With is the resource with an item put in its place. r is not changed.
func (r Resource) With(item Item) Resource {
	i, ok := r.Item(item.ID)
	r.Items = slices.Clone(r.Items)
	if ok {
		r.Items[i] = item
	} else {
		r.Items = slices.Insert(r.Items, i, item)
	}
	return r
}

// Without is the resource without an item. r is not changed.
func (r Resource) Without(id uint16) Resource {
	if i, ok := r.Item(id); ok {
		r.Items = slices.Delete(slices.Clone(r.Items), i, i+1)
	}
	return r
}

// Instance is an object instance. It is immutable: devices share it.
type Instance struct {
	ID        uint16
	Resources []Resource // ascending by ID
}

func (i *Instance) find(id uint16) (int, bool) {
	return slices.BinarySearchFunc(i.Resources, id, func(r Resource, id uint16) int { return cmp.Compare(r.ID, id) })
}

// Resource is the resource of that ID; ok is false where there is none.
func (i *Instance) Resource(id uint16) (r Resource, ok bool) {
	at, ok := i.find(id)
	if !ok {
		return Resource{ID: id}, false
	}
	return i.Resources[at], true
}

// With is the instance with a resource put in its place. i is not changed.
func (i *Instance) With(r Resource) *Instance {
	out := &Instance{ID: i.ID, Resources: slices.Clone(i.Resources)}
	at, ok := i.find(r.ID)
	if ok {
		out.Resources[at] = r
	} else {
		out.Resources = slices.Insert(out.Resources, at, r)
	}
	return out
}

// Without is the instance without a resource. i is not changed.
func (i *Instance) Without(id uint16) *Instance {
	at, ok := i.find(id)
	if !ok {
		return i
	}
	return &Instance{ID: i.ID, Resources: slices.Delete(slices.Clone(i.Resources), at, at+1)}
}
