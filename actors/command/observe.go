package command

import (
	"errors"
	"fmt"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// ErrNoPath is returned for an observation of nothing.
var ErrNoPath = errors.New("command: an observation without a path")

// isComposite reports a set that Observe cannot name: several paths, or the
// root.
func isComposite(paths []lwm2m.Path) bool { return len(paths) > 1 || paths[0].IsRoot() }

// ObserveRequest makes an observation, the first time or again after the
// client has registered anew. format is the one to accept, FormatNone to let
// the device's listing decide; a format that the device refused is replaced by
// the next one. attributes hold for this observation alone (LwM2M 1.2). One
// path is observed by an Observe, more of them by an Observe-Composite whose
// list is in the order of PathSet.
func ObserveRequest(d *Device, paths []lwm2m.Path, format lwm2m.Format, attributes []query.Attribute) (exchange.Request, error) {
	set := PathSet(paths)
	switch {
	case len(set) == 0:
		return exchange.Request{}, fmt.Errorf("observe: %w", ErrNoPath)
	case isComposite(set):
		return d.observeComposite(set, format, attributes)
	}
	r := blank(coap.GET, d.uri(set[0]))
	r.Accept = d.accept(format, set[0])
	r.Observe = exchange.RegisterObserve
	r.Queries = query.AppendAttributes(nil, attributes)
	return r, nil
}

func (d *Device) observeComposite(set []lwm2m.Path, format lwm2m.Format, attributes []query.Attribute) (exchange.Request, error) {
	r, err := d.fetch(format, set)
	r.Observe = exchange.RegisterObserve
	r.Queries = query.AppendAttributes(nil, attributes)
	return r, err
}

// CancelRequest ends an observation actively: the request that made it, with
// the other Observe value and the same token (OMA Core 6.4.3; RFC 7641 section
// 3.6). format must be the one that the observation was made with: a composite
// is recognised by its list, byte for byte.
func CancelRequest(d *Device, paths []lwm2m.Path, format lwm2m.Format, token []byte) (exchange.Request, error) {
	r, err := ObserveRequest(d, paths, format, nil)
	r.Observe = exchange.CancelObserve
	r.Token = token
	return r, err
}

// AttributesRequest attaches notification attributes to a path, the first time
// or again (OMA Core 5.1.2). It has neither payload nor format: this is what
// tells it from a Write.
func AttributesRequest(d *Device, p lwm2m.Path, attributes []query.Attribute) exchange.Request {
	r := blank(coap.PUT, d.uri(p))
	r.Queries = query.AppendAttributes(nil, attributes)
	return r
}
