package objects

import (
	"cmp"
	"slices"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// Object is an object of a device.
type Object struct {
	Definition *model.Object
	Instances  []*Instance // ascending by ID
}

func (o *Object) find(id uint16) (int, bool) {
	return slices.BinarySearchFunc(o.Instances, id, func(i *Instance, id uint16) int { return cmp.Compare(i.ID, id) })
}

// Instance is the instance of that ID, nil where there is none.
func (o *Object) Instance(id uint16) *Instance {
	if i, ok := o.find(id); ok {
		return o.Instances[i]
	}
	return nil
}

// Tree is all that a device has. It belongs to one goroutine.
type Tree struct {
	profile   *Profile
	sensors   Sensors
	objects   []Object // ascending by ID
	revision  uint32
	structure uint32
}

// NewTree is a device as it leaves the factory.
func NewTree(p *Profile, s Sensors) *Tree {
	return &Tree{profile: p, sensors: s, objects: slices.Clone(p.factory)}
}

// Profile is what the device shares with others.
func (t *Tree) Profile() *Profile { return t.profile }

// Revision changes whenever something was written.
func (t *Tree) Revision() uint32 { return t.revision }

// Structure changes whenever an object instance came or went.
func (t *Tree) Structure() uint32 { return t.structure }

// Objects are all objects, ascending by ID. They must not be changed.
func (t *Tree) Objects() []Object { return t.objects }

// Object is the object of that ID, nil where the device has none.
func (t *Tree) Object(id uint16) *Object {
	i, ok := slices.BinarySearchFunc(t.objects, id, func(o Object, id uint16) int { return cmp.Compare(o.Definition.ID, id) })
	if !ok {
		return nil
	}
	return &t.objects[i]
}

// Instance is the object instance that p is or lies in, nil where there is none.
func (t *Tree) Instance(p lwm2m.Path) *Instance {
	o := t.Object(p.Object())
	if o == nil || p.Len() < 2 {
		return nil
	}
	return o.Instance(p.Instance())
}

// Definition is the definition of the resource that p is or lies in, nil where
// the object of this device knows none.
func (t *Tree) Definition(p lwm2m.Path) *model.Resource {
	o := t.Object(p.Object())
	if o == nil || p.Len() < 3 {
		return nil
	}
	return o.Definition.Resource(p.Resource())
}

// Exists reports whether the device has what p names.
func (t *Tree) Exists(p lwm2m.Path) bool {
	switch p.Len() {
	case 0:
		return true
	case 1:
		return t.Object(p.Object()) != nil
	}
	instance := t.Instance(p)
	if instance == nil || p.Len() == 2 {
		return instance != nil
	}
	r, ok := instance.Resource(p.Resource())
	if !ok || p.Len() == 3 {
		return ok
	}
	_, ok = r.Item(p.ResourceInstance())
	return ok && t.Definition(p).Multiple
}

// Put adds an object instance or puts a changed one into the place of the old.
// It panics where the device has no such object.
func (t *Tree) Put(object uint16, instance *Instance) {
	o := t.Object(object)
	i, ok := o.find(instance.ID)
	o.Instances = slices.Clone(o.Instances)
	if ok {
		o.Instances[i] = instance
	} else {
		o.Instances = slices.Insert(o.Instances, i, instance)
		t.structure++
	}
	t.revision++
}

// Remove takes an object instance away, if it is there.
func (t *Tree) Remove(object, instance uint16) {
	o := t.Object(object)
	if o == nil {
		return
	}
	if i, ok := o.find(instance); ok {
		o.Instances = slices.Delete(slices.Clone(o.Instances), i, i+1)
		t.revision++
		t.structure++
	}
}

// Set puts one value. It panics where the device has no such instance, and is
// for the device's own state: it asks nobody whether it may.
func (t *Tree) Set(p lwm2m.Path, v lwm2m.Value) {
	instance := t.Instance(p)
	r, _ := instance.Resource(p.Resource())
	r = r.With(Item{ID: p.ResourceInstance(), Value: v})
	t.Put(p.Object(), instance.With(r))
}

// Value is the value at a resource or resource instance, KindNone where there
// is none.
func (t *Tree) Value(p lwm2m.Path, now time.Time) lwm2m.Value {
	instance := t.Instance(p)
	if instance == nil {
		return lwm2m.Value{}
	}
	r, _ := instance.Resource(p.Resource())
	if i, ok := r.Item(p.ResourceInstance()); ok {
		return t.measure(p, r, i, now)
	}
	return lwm2m.Value{}
}

// measure is the value of an item at a time.
func (t *Tree) measure(p lwm2m.Path, r Resource, item int, now time.Time) lwm2m.Value {
	if r.Signal == SignalNone {
		return r.Items[item].Value
	}
	at := p.Prefix(3).Child(r.Items[item].ID)
	return t.sensors.value(r.Signal, at, r.Items[item].Value, now)
}
