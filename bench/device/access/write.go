package access

import (
	"slices"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"

	"dormouse/bench/device/objects"
)

// Write replaces (PUT) or updates (POST) an object instance, a resource or a
// resource instance by values at or below p: 2.04, 4.00, 4.01, 4.04 or 4.05.
func Write(t *objects.Tree, p lwm2m.Path, nodes []lwm2m.Node, replace bool, now time.Time) coap.Code {
	if code := check(t, p.Prefix(2)); code != coap.Empty {
		return code
	}
	if p.Len() < 2 {
		return coap.MethodNotAllowed
	}
	if code := checkTarget(t, p); code != coap.Empty {
		return code
	}
	w := newWriter(t, p, now)
	if code := w.apply(p, nodes, replace); code != coap.Empty {
		return code
	}
	t.Put(p.Object(), w.instance)
	return coap.Changed
}

// WriteComposite updates resources anywhere, all of them or none: 2.04, 4.00,
// 4.01, 4.04 or 4.05. Resource instances may be new, object instances not (OMA
// Core 6.3.9).
func WriteComposite(t *objects.Tree, nodes []lwm2m.Node, now time.Time) coap.Code {
	var writers []*writer
	for _, n := range nodes {
		if forbidden(n.Path) {
			return coap.Unauthorized
		}
		if n.Path.Len() < 3 {
			return coap.BadRequest
		}
		if !t.Exists(n.Path.Prefix(2)) {
			return coap.NotFound
		}
		i := slices.IndexFunc(writers, func(w *writer) bool { return w.at == n.Path.Prefix(2) })
		if i < 0 {
			i = len(writers)
			writers = append(writers, newWriter(t, n.Path, now))
		}
		if code := writers[i].apply(n.Path.Prefix(2), []lwm2m.Node{n}, false); code != coap.Empty {
			return code
		}
	}
	for _, w := range writers {
		t.Put(w.at.Object(), w.instance)
	}
	return coap.Changed
}

// checkTarget is the code for a resource that cannot be written. One that the
// definition has may be written although the instance lacks it; a resource
// instance must be there, as its own path makes none.
func checkTarget(t *objects.Tree, p lwm2m.Path) coap.Code {
	if p.Len() < 3 {
		return coap.Empty
	}
	d := t.Definition(p)
	switch {
	case d == nil:
		return coap.NotFound
	case !allows(d, model.Write):
		return coap.MethodNotAllowed
	case p.IsResourceInstance() && t.Profile().Version() == lwm2m.V1_0:
		return coap.MethodNotAllowed
	case p.IsResourceInstance() && !t.Exists(p):
		return coap.NotFound
	}
	return coap.Empty
}

// binding is the resource /1/x/7.
const binding = 7

// writer changes a copy of one object instance.
type writer struct {
	tree     *objects.Tree
	at       lwm2m.Path // of the instance
	instance *objects.Instance
	now      time.Time
}

func newWriter(t *objects.Tree, p lwm2m.Path, now time.Time) *writer {
	return &writer{tree: t, at: p.Prefix(2), instance: t.Instance(p), now: now}
}

// apply puts the values of nodes, which lie at or below p. coap.Empty: done.
func (w *writer) apply(p lwm2m.Path, nodes []lwm2m.Node, replace bool) coap.Code {
	for _, n := range nodes {
		if n.Path.Len() < 3 && n.Value.Kind() == lwm2m.KindNone {
			continue // an instance without resources
		}
		if code := w.checkNode(n); code != coap.Empty {
			return code
		}
	}
	if replace {
		if code := w.clear(p, nodes); code != coap.Empty {
			return code
		}
	}
	for _, n := range nodes {
		if n.Path.Len() >= 3 {
			w.put(n)
		}
	}
	return checkLimits(w.instance)
}

// checkNode is the code for a value that its resource cannot take.
func (w *writer) checkNode(n lwm2m.Node) coap.Code {
	d := w.tree.Definition(n.Path)
	switch {
	case n.Path.Prefix(2) != w.at || n.Path.Len() < 3:
		return coap.BadRequest
	case d == nil:
		return coap.NotFound
	case !allows(d, model.Write):
		return coap.MethodNotAllowed
	}
	if code := checkValue(d, n); code != coap.Empty {
		return code
	}
	if n.Path.Object() == 1 && n.Path.Resource() == binding {
		return checkBinding(n, w.tree.Profile().Version())
	}
	return coap.Empty
}

// clear takes away what a Write that replaces does not name: the other items of
// a resource, the other writable resources of an instance. An instance keeps
// those that are mandatory, so all of them must be named (OMA Core 6.3.3).
func (w *writer) clear(p lwm2m.Path, nodes []lwm2m.Node) coap.Code {
	if p.IsResourceInstance() {
		return coap.Empty
	}
	for _, r := range w.instance.Resources {
		at := w.at.Child(r.ID)
		d := w.tree.Definition(at)
		if !p.Contains(at) || !allows(d, model.Write) {
			continue
		}
		named := slices.ContainsFunc(nodes, func(n lwm2m.Node) bool { return at.Contains(n.Path) })
		switch {
		case named:
			r.Items = clearItems(d, r)
			w.instance = w.instance.With(r)
		case d.Mandatory && allows(d, model.Read):
			return coap.BadRequest
		case !d.Mandatory:
			w.instance = w.instance.Without(r.ID)
		}
	}
	return coap.Empty
}

// clearItems keeps the parameter of a signal, and the slot of a single resource.
func clearItems(d *model.Resource, r objects.Resource) []objects.Item {
	if d.Multiple && r.Signal == objects.SignalNone {
		return nil
	}
	return r.Items
}

// put writes one value that was checked. Values that only go in, like a firmware
// image, are not kept: nobody can read them.
func (w *writer) put(n lwm2m.Node) {
	d := w.tree.Definition(n.Path)
	r, _ := w.instance.Resource(n.Path.Resource())
	switch {
	case !allows(d, model.Read):
	case n.Value.Kind() == lwm2m.KindNone && d.Multiple:
	case r.Signal.Writable():
		r = r.With(objects.Item{ID: n.Path.ResourceInstance(), Value: r.Signal.Written(n.Value, w.now)})
	default:
		r = r.With(objects.Item{ID: n.Path.ResourceInstance(), Value: n.Value})
	}
	w.instance = w.instance.With(r)
}
