package access

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"

	"dormouse/bench/device/objects"
)

// Read is the values at or below a path: 2.05, 4.01, 4.04 or 4.05.
func Read(t *objects.Tree, p lwm2m.Path, now time.Time) ([]lwm2m.Node, coap.Code) {
	if code := check(t, p); code != coap.Empty {
		return nil, code
	}
	if p.Len() >= 3 && !allows(t.Definition(p), model.Read) {
		return nil, coap.MethodNotAllowed
	}
	return t.Nodes(nil, p, now), coap.Content
}

// ReadComposite is the values of all paths that exist and may be read; the
// others are left out without a word (OMA Core 6.3.8). What two of the paths
// share is there once.
func ReadComposite(t *objects.Tree, paths []lwm2m.Path, now time.Time) []lwm2m.Node {
	var out []lwm2m.Node
	for i, p := range paths {
		if covered(paths, i) {
			continue
		}
		if !p.IsRoot() {
			out = append(out, readable(t, p, now)...)
			continue
		}
		for _, o := range t.Objects() {
			out = append(out, readable(t, lwm2m.NewPath(o.Definition.ID), now)...)
		}
	}
	return out
}

func readable(t *objects.Tree, p lwm2m.Path, now time.Time) []lwm2m.Node {
	nodes, code := Read(t, p, now)
	if code != coap.Content {
		return nil
	}
	return nodes
}

// covered reports a path that another one contains, or that was there before.
func covered(paths []lwm2m.Path, i int) bool {
	for j, other := range paths {
		if other.Contains(paths[i]) && (other != paths[i] || j < i) {
			return true
		}
	}
	return false
}
