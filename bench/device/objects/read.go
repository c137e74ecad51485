package objects

import (
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// Nodes appends the values at or below p that a server may read, in the order of
// their paths. Containers that hold nothing appear as such, p itself included;
// what does not exist is not there. now may lie in the past: measured values are
// those of that time.
func (t *Tree) Nodes(dst []lwm2m.Node, p lwm2m.Path, now time.Time) []lwm2m.Node {
	before := len(dst)
	for i := range t.objects {
		o := &t.objects[i]
		if at := lwm2m.NewPath(o.Definition.ID); p.Contains(at) || at.Contains(p) {
			dst = t.appendObject(dst, o, p, now)
		}
	}
	if len(dst) == before && t.Exists(p) && p.Len() < 3 {
		dst = append(dst, lwm2m.Node{Path: p})
	}
	return dst
}

func (t *Tree) appendObject(dst []lwm2m.Node, o *Object, p lwm2m.Path, now time.Time) []lwm2m.Node {
	for _, instance := range o.Instances {
		at := lwm2m.NewPath(o.Definition.ID, instance.ID)
		if !p.Contains(at) && !at.Contains(p) {
			continue
		}
		before := len(dst)
		for _, r := range instance.Resources {
			if d := o.Definition.Resource(r.ID); d != nil && d.Operations&model.Read != 0 {
				dst = t.appendResource(dst, d, at.Child(r.ID), r, p, now)
			}
		}
		if len(dst) == before && p.Contains(at) {
			dst = append(dst, lwm2m.Node{Path: at})
		}
	}
	return dst
}

func (t *Tree) appendResource(dst []lwm2m.Node, d *model.Resource, at lwm2m.Path, r Resource, p lwm2m.Path, now time.Time) []lwm2m.Node {
	switch {
	case !p.Contains(at) && !at.Contains(p):
		return dst
	case d.Multiple && len(r.Items) == 0 && p.Contains(at):
		return append(dst, lwm2m.Node{Path: at})
	}
	for i, item := range r.Items {
		leaf := at
		if d.Multiple {
			leaf = at.Child(item.ID)
		}
		if p.Contains(leaf) {
			dst = append(dst, lwm2m.Node{Path: leaf, Value: t.measure(at, r, i, now)})
		}
	}
	return dst
}

// Measured reports whether something at or below p changes by itself.
func (t *Tree) Measured(p lwm2m.Path) bool {
	for i := range t.objects {
		o := &t.objects[i]
		for _, instance := range o.Instances {
			for _, r := range instance.Resources {
				at := lwm2m.NewPath(o.Definition.ID, instance.ID, r.ID)
				if r.Signal.moves() && (p.Contains(at) || at.Contains(p)) {
					return true
				}
			}
		}
	}
	return false
}
