// Package access is what a server may do with the objects of a simulated device:
// Read, Write, Execute, Create, Delete and Discover, with the codes of OMA
// Transport 6.7 as answers.
//
//	4.01  the objects of credentials (/0, /21, /23)      4.04  what does not exist
//	4.05  an operation that the definition does not allow  4.00  a value or a set of values that is wrong
//
// Every operation is done whole or not at all. A device of this kind has one
// server, so that access control lists are data like any other (OMA Core 8.2).
package access

import (
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"

	"dormouse/bench/device/objects"
)

// forbidden reports the objects of credentials, which only a bootstrap server
// sees (OMA Core 6.3).
func forbidden(p lwm2m.Path) bool {
	return p.Len() > 0 && (p.Object() == 0 || p.Object() == 21 || p.Object() == 23)
}

// check is the code for a path that no operation can have, coap.Empty for one
// that exists.
func check(t *objects.Tree, p lwm2m.Path) coap.Code {
	switch {
	case forbidden(p):
		return coap.Unauthorized
	case p.IsRoot() || p.IsResourceInstance() && t.Profile().Version() == lwm2m.V1_0:
		return coap.MethodNotAllowed
	case !t.Exists(p):
		return coap.NotFound
	}
	return coap.Empty
}

// allows reports an operation that the definition of a resource has.
func allows(d *model.Resource, o model.Operations) bool { return d != nil && d.Operations&o != 0 }
