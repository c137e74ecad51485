package endpoint

import (
	"slices"

	"dormouse/codec/coap"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// registeredList is the object list of a Register: its payload, the list of the
// profile that it names, or both together (OMA Core 1.2, 6.2.1). An empty reason
// means that all is well.
func (e *Endpoint) registeredList(m *coap.Message, q *query.Registration, body []byte) (list link.ObjectList, code coap.Code, reason string) {
	profile, known := e.shard.Env.Settings().Profiles[q.ProfileID]
	switch {
	case q.ProfileID != "" && !known:
		return list, coap.Conflict, "unknown profile ID"
	case len(body) == 0 && q.ProfileID == "":
		return list, coap.BadRequest, "a Register needs an object list"
	case len(body) == 0:
		return profile, 0, ""
	}
	list, code, reason = objectList(m, body, "")
	return mergeLists(list, profile), code, reason
}

// objectList reads the list of a Register or an Update. root is the one that an
// Update's list may leave out.
func objectList(m *coap.Message, body []byte, root string) (list link.ObjectList, code coap.Code, reason string) {
	if f := m.ContentFormat(); f != lwm2m.FormatLink && f != lwm2m.FormatNone {
		return list, coap.BadRequest, "the object list is no application/link-format"
	}
	list, err := link.ParseUpdate(body, root)
	if err != nil {
		return list, coap.BadRequest, err.Error()
	}
	return list, 0, ""
}

// mergeLists adds to a list what a profile has besides; what both name is as
// the list says.
func mergeLists(list, profile link.ObjectList) link.ObjectList {
	if list.Root == "" {
		list.Root = profile.Root
	}
	if list.Formats == nil {
		list.Formats = profile.Formats
	}
	listed := len(list.Objects)
	for _, o := range profile.Objects {
		if !slices.ContainsFunc(list.Objects[:listed], func(l link.Object) bool { return l.Path == o.Path }) {
			list.Objects = append(list.Objects, o)
		}
	}
	slices.SortFunc(list.Objects, func(a, b link.Object) int { return a.Path.Compare(b.Path) })
	return list
}
