package access

import (
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"

	"dormouse/bench/device/objects"
)

// Delete takes an object instance or, from LwM2M 1.2 on, a resource instance
// away: 2.02, 4.01, 4.04 or 4.05.
func Delete(t *objects.Tree, p lwm2m.Path) coap.Code {
	if code := check(t, p); code != coap.Empty {
		return code
	}
	switch {
	case p.IsInstance() && manageable(t.Object(p.Object())):
		t.Remove(p.Object(), p.Instance())
		return coap.Deleted
	case p.IsResourceInstance() && !t.Profile().Version().Less(lwm2m.V1_2):
		return deleteItem(t, p)
	}
	return coap.MethodNotAllowed
}

// deleteItem refuses the last instance of a mandatory resource.
func deleteItem(t *objects.Tree, p lwm2m.Path) coap.Code {
	d := t.Definition(p)
	instance := t.Instance(p)
	r, _ := instance.Resource(p.Resource())
	if !allows(d, model.Write) || d.Mandatory && len(r.Items) == 1 {
		return coap.MethodNotAllowed
	}
	t.Put(p.Object(), instance.With(r.Without(p.ResourceInstance())))
	return coap.Deleted
}
