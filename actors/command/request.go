package command

import (
	"errors"
	"fmt"
	"strconv"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// ErrLocal is returned for a line that sends nothing (Line.Local).
var ErrLocal = errors.New("command: the line sends no request")

// ErrFile is returned for a line whose file's bytes were not put in.
var ErrFile = errors.New("command: the bytes of the file are missing")

// blank is a request without options.
func blank(method coap.Code, path string) exchange.Request {
	return exchange.Request{
		Method: method, Path: path,
		Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone, Observe: exchange.NoObserve,
	}
}

// Request is what the line sends to the device, without token. A value that
// does not suit its resource's type is a *SyntaxError; a value that no format
// can carry is an error of codec/content. Cancelling needs the token of the
// observation: the caller puts it in.
func (l *Line) Request(d *Device) (exchange.Request, error) {
	switch l.Verb {
	case Read:
		r := blank(coap.GET, d.uri(l.Paths[0]))
		r.Accept = d.accept(l.Format, l.Paths[0])
		return r, nil
	case ReadComposite:
		return d.fetch(l.Format, l.Paths)
	case Observe:
		return ObserveRequest(d, l.Paths, l.Format, l.Attributes)
	case ObserveComposite:
		return d.observeComposite(PathSet(l.Paths), l.Format, l.Attributes)
	case Discover:
		return l.discover(d), nil
	case Delete:
		return blank(coap.DELETE, d.uri(l.Paths[0])), nil
	case WriteAttributes:
		return AttributesRequest(d, l.Paths[0], l.Attributes), nil
	case Execute, ExecuteLegacy:
		return l.execute(d)
	case Coap:
		return l.Raw.request(), nil
	case CancelObservation:
		if !l.Passive {
			return CancelRequest(d, l.Paths, l.Format, nil)
		}
	case Write, WriteComposite, WriteBinary, Create:
		return l.upload(d)
	}
	return exchange.Request{}, fmt.Errorf("make a request of %q: %w", l.Verb, ErrLocal)
}

func (l *Line) discover(d *Device) exchange.Request {
	r := blank(coap.GET, d.uri(l.Paths[0]))
	r.Accept = lwm2m.FormatLink
	if l.Depth >= 0 {
		r.Queries = []string{"depth=" + strconv.Itoa(l.Depth)}
	}
	return r
}

// execute sends arguments as text (OMA Core 6.3.4); without any there is no
// payload and no format.
func (l *Line) execute(d *Device) (exchange.Request, error) {
	r := blank(coap.POST, d.uri(l.Paths[0]))
	r.Payload = l.Payload
	if len(l.Arguments) > 0 {
		var err error
		if r.Payload, err = query.AppendArguments(nil, l.Arguments); err != nil {
			return r, fmt.Errorf("execute %s: %w", l.Paths[0], err)
		}
	}
	if len(r.Payload) > 0 {
		r.Format = lwm2m.FormatText
	}
	return r, nil
}

func (r *Raw) request() exchange.Request {
	out := blank(r.Method, r.Path)
	out.Queries, out.Format, out.Accept, out.Payload = r.Queries, r.Format, r.Accept, r.Payload
	return out
}

// fetch asks for several paths at once.
func (d *Device) fetch(explicit lwm2m.Format, paths []lwm2m.Path) (exchange.Request, error) {
	r := blank(coap.FETCH, d.uri(lwm2m.NewPath()))
	r.Format = d.choose(explicit, composite, lwm2m.KindNone)
	r.Accept = r.Format
	var err error
	if r.Payload, err = content.AppendPaths(nil, r.Format, paths, d.options()); err != nil {
		return r, fmt.Errorf("list the paths of a composite: %w", err)
	}
	return r, nil
}
