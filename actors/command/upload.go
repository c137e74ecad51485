package command

import (
	"fmt"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// upload is the request of a line that carries values.
func (l *Line) upload(d *Device) (exchange.Request, error) {
	switch l.Verb {
	case WriteComposite:
		return l.writeComposite(d)
	case WriteBinary:
		return l.writeBinary(d)
	case Create:
		return l.create(d)
	}
	return l.write(d)
}

// write replaces (PUT) or updates (POST). A resource is replaced, unless its
// instances are given one by one: those are added to what is there, except by
// a 1.0 client, to which a POST on a resource is an Execute.
func (l *Line) write(d *Device) (exchange.Request, error) {
	target := l.Paths[0]
	nodes, err := l.nodes(d)
	if err != nil {
		return exchange.Request{}, err
	}
	r := blank(coap.PUT, d.uri(target))
	some := target.IsResource() && len(nodes) > 0 && nodes[0].Path.IsResourceInstance() && !d.Version.Less(lwm2m.V1_1)
	if !l.Replace && (target.IsInstance() || some) {
		r.Method = coap.POST
	}
	n, kind := d.need(target)
	switch {
	case n == single:
		kind = nodes[0].Value.Kind()
	case len(nodes) == 0:
		n = empty
	}
	err = d.encode(&r, d.choose(l.Format, n, kind), target, nodes)
	return r, err
}

// writeBinary sends bytes as they are; a client that has no opaque format gets
// them as an Opaque value of another.
func (l *Line) writeBinary(d *Device) (exchange.Request, error) {
	if l.File != "" && l.Payload == nil {
		return exchange.Request{}, fmt.Errorf("write file %s: %w", l.File, ErrFile)
	}
	r := blank(coap.PUT, d.uri(l.Paths[0]))
	nodes := []lwm2m.Node{{Path: l.Paths[0], Value: lwm2m.Opaque(l.Payload)}}
	err := d.encode(&r, d.choose(l.Format, binary, lwm2m.KindOpaque), l.Paths[0], nodes)
	return r, err
}

func (l *Line) writeComposite(d *Device) (exchange.Request, error) {
	nodes, err := l.nodes(d)
	if err != nil {
		return exchange.Request{}, err
	}
	r := blank(coap.IPATCH, d.uri(lwm2m.NewPath()))
	r.Accept = d.choose(l.Format, composite, lwm2m.KindNone)
	err = d.encode(&r, r.Accept, lwm2m.NewPath(), nodes)
	return r, err
}

// create sends the values of an instance: with its ID they are those of the
// object's instance, without it they are those of the instance alone, and
// nothing at all has no payload.
func (l *Line) create(d *Device) (exchange.Request, error) {
	r := blank(coap.POST, d.uri(l.Paths[0]))
	named := l.Instance.Instance() != anyInstance
	if !named && len(l.Values) == 0 {
		return r, nil
	}
	nodes, err := l.nodes(d)
	if err != nil {
		return r, err
	}
	base, n := l.Paths[0], tree
	switch {
	case !named:
		base, n = l.Instance, creation
	case len(nodes) == 0:
		nodes, n = []lwm2m.Node{{Path: l.Instance}}, empty
	}
	err = d.encode(&r, d.choose(l.Format, n, lwm2m.KindNone), base, nodes)
	return r, err
}

// encode puts nodes into the payload. The format is sent under the number that
// was chosen, which may be a provisional one.
func (d *Device) encode(r *exchange.Request, f lwm2m.Format, base lwm2m.Path, nodes []lwm2m.Node) error {
	var err error
	r.Format = f
	if r.Payload, err = content.Append(nil, f.Canonical(), base, nodes, d.options()); err != nil {
		return fmt.Errorf("write %s as %s: %w", base, f, err)
	}
	return nil
}
