package access

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"

	"dormouse/bench/device/objects"
)

// MaxInstances bounds the instances of an object on a device.
const MaxInstances = 64

// Create makes the object instances that nodes hold, all of them or none: 2.01
// with their IDs, 4.00, 4.01, 4.04, 4.05, and 5.00 beyond MaxInstances. Instance
// 65535 takes the lowest ID that is free.
func Create(t *objects.Tree, object lwm2m.Path, nodes []lwm2m.Node, now time.Time) ([]uint16, coap.Code) {
	if code := check(t, object); code != coap.Empty {
		return nil, code
	}
	o := t.Object(object.Object())
	if !object.IsObject() || !manageable(o) {
		return nil, coap.MethodNotAllowed
	}
	if len(nodes) == 0 {
		nodes = []lwm2m.Node{{Path: object.Child(lwm2m.MaxID)}}
	}
	groups, ids := group(nodes)
	made := make([]*objects.Instance, 0, len(ids))
	for _, id := range ids {
		instance, code := newInstance(t, object.Child(id), groups[id], now)
		if code != coap.Empty {
			return nil, code
		}
		made = append(made, instance)
	}
	if len(o.Instances)+len(made) > MaxInstances {
		return nil, coap.InternalServerError
	}
	return commit(t, o, made), coap.Created
}

// manageable reports an object of which a server may create and delete
// instances: one with several, but for the account of the server itself.
func manageable(o *objects.Object) bool {
	return o.Definition.Multiple && o.Definition.ID != 1
}

// group sorts nodes by object instance, in the order of their first appearance.
// An object that holds nothing is one instance without values.
func group(nodes []lwm2m.Node) (groups map[uint16][]lwm2m.Node, ids []uint16) {
	groups = map[uint16][]lwm2m.Node{}
	for _, n := range nodes {
		id := uint16(lwm2m.MaxID)
		if n.Path.Len() > 1 {
			id = n.Path.Instance()
		}
		if _, ok := groups[id]; !ok {
			ids = append(ids, id)
		}
		groups[id] = append(groups[id], n)
	}
	return groups, ids
}

// newInstance is an instance with the values of nodes and those that only the
// device can give. Mandatory writable resources must be among them.
func newInstance(t *objects.Tree, at lwm2m.Path, nodes []lwm2m.Node, now time.Time) (*objects.Instance, coap.Code) {
	o := t.Object(at.Object())
	if at.Instance() != lwm2m.MaxID && o.Instance(at.Instance()) != nil {
		return nil, coap.BadRequest
	}
	w := &writer{tree: t, at: at, instance: &objects.Instance{ID: at.Instance()}, now: now}
	for i := range o.Definition.Resources {
		if r, ok := objects.Default(o.Definition.ID, &o.Definition.Resources[i]); ok {
			w.instance = w.instance.With(r)
		}
	}
	if code := w.apply(at, nodes, false); code != coap.Empty {
		return nil, code
	}
	for _, d := range o.Definition.Resources {
		_, given := w.instance.Resource(d.ID)
		if d.Mandatory && allows(&d, model.Write) && allows(&d, model.Read) && !given {
			return nil, coap.BadRequest
		}
	}
	return objects.Complete(o.Definition, w.instance), coap.Empty
}

// commit puts new instances into the tree and returns their IDs.
func commit(t *objects.Tree, o *objects.Object, made []*objects.Instance) (ids []uint16) {
	for _, instance := range made {
		if instance.ID == lwm2m.MaxID {
			instance = &objects.Instance{ID: free(o), Resources: instance.Resources}
		}
		t.Put(o.Definition.ID, instance)
		ids = append(ids, instance.ID)
	}
	return ids
}

func free(o *objects.Object) (id uint16) {
	for o.Instance(id) != nil {
		id++
	}
	return id
}
