package access

import (
	"strconv"

	"dormouse/codec/coap"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"

	"dormouse/bench/device/objects"
)

// DefaultDepth is how far below its path a Discover without a depth looks: an
// object shows its resources, an instance as well, a resource its instances.
func DefaultDepth(p lwm2m.Path) int {
	if p.IsObject() {
		return 2
	}
	return 1
}

// Attached are the notification attributes that Discover shows: those that are
// attached to a path or, where inherited is set, those that hold there.
type Attached func(p lwm2m.Path, inherited bool) []query.Attribute

// Discover lists what exists at p and up to depth levels below, with the
// attributes of each: 2.05, 4.01, 4.04 or 4.05. The path itself has those that
// it inherits, too (OMA Core 6.3.2). LwM2M 1.0 knows no resource instances.
func Discover(t *objects.Tree, p lwm2m.Path, depth int, attached Attached) ([]link.Discovered, coap.Code) {
	if code := check(t, p); code != coap.Empty {
		return nil, code
	}
	last := min(p.Len()+depth, 4)
	if t.Profile().Version() == lwm2m.V1_0 {
		last = min(last, 3)
	}
	l := lister{tree: t, asked: p, last: last, attached: attached}
	l.object(t.Object(p.Object()))
	return l.found, coap.Content
}

// lister gathers links in the order of their paths.
type lister struct {
	tree     *objects.Tree
	asked    lwm2m.Path
	last     int // the longest path
	attached Attached
	found    []link.Discovered
}

// add lists a path that lies between what was asked for and the last level, and
// reports whether to look below it.
func (l *lister) add(p lwm2m.Path, own ...link.Param) bool {
	if !l.asked.Contains(p) {
		return p.Contains(l.asked)
	}
	if p.Len() > l.last {
		return false
	}
	d := link.Discovered{Path: p, Attributes: own}
	for _, a := range l.attached(p, p == l.asked) {
		d.Attributes = append(d.Attributes, link.Param{Name: a.Name, Value: a.Value})
	}
	l.found = append(l.found, d)
	return true
}

func (l *lister) object(o *objects.Object) {
	at := lwm2m.NewPath(o.Definition.ID)
	var own []link.Param
	if v := l.tree.Profile().Listed(o.Definition.ID); !v.IsZero() {
		own = append(own, link.Param{Name: "ver", Value: v.String()})
	}
	if !l.add(at, own...) {
		return
	}
	for _, instance := range o.Instances {
		if p := at.Child(instance.ID); l.add(p) {
			for _, r := range instance.Resources {
				l.resource(p.Child(r.ID), r)
			}
		}
	}
}

func (l *lister) resource(at lwm2m.Path, r objects.Resource) {
	if !l.tree.Definition(at).Multiple {
		l.add(at)
		return
	}
	if l.add(at, link.Param{Name: "dim", Value: strconv.Itoa(len(r.Items))}) {
		for _, item := range r.Items {
			l.add(at.Child(item.ID))
		}
	}
}
