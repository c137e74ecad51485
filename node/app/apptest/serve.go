package apptest

import (
	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// read answers Discover, Read and Observe, in the format that is accepted.
func (d *Device) read(m *coap.Message, p lwm2m.Path) exchange.Answer {
	if m.Accept() == lwm2m.FormatLink {
		return d.discover(p)
	}
	a := d.show(m.Accept(), p, d.below(p))
	if !a.Code.IsSuccess() {
		return a
	}
	switch observe, given := m.Observe(); {
	case given && observe == 0:
		d.observed[p] = &observation{token: m.Token, format: a.Format, sequence: 1}
		a.Options = append(a.Options, coap.Option{ID: coap.OptObserve, Value: []byte{1}})
	case given:
		delete(d.observed, p)
	}
	return a
}

func (d *Device) discover(p lwm2m.Path) exchange.Answer {
	var links []link.Link
	for _, n := range d.below(p) {
		links = append(links, link.Link{Target: n.Path.String()})
	}
	return exchange.Answer{Code: coap.Content, Format: lwm2m.FormatLink, Payload: link.Append(nil, links)}
}

// show encodes values: 4.04 where there are none, 4.06 where the format cannot
// carry them.
func (d *Device) show(f lwm2m.Format, base lwm2m.Path, nodes []lwm2m.Node) exchange.Answer {
	if len(nodes) == 0 {
		return exchange.Answer{Code: coap.NotFound, Format: lwm2m.FormatNone}
	}
	if f == lwm2m.FormatNone {
		f = lwm2m.FormatSenMLJSON
	}
	payload, err := content.Append(nil, f, base, nodes, options())
	if err != nil {
		return exchange.Answer{Code: coap.NotAcceptable, Format: lwm2m.FormatNone}
	}
	return exchange.Answer{Code: coap.Content, Format: f, Payload: payload}
}

// write answers Write, Write-Composite and, without a payload, Write-Attributes.
func (d *Device) write(m *coap.Message, p lwm2m.Path) exchange.Answer {
	if len(m.Payload) > 0 {
		nodes, err := content.Decode(m.ContentFormat(), p, m.Payload, options())
		if err != nil {
			return exchange.Answer{Code: coap.BadRequest, Format: lwm2m.FormatNone}
		}
		for _, n := range nodes {
			d.values[n.Path] = n.Value
		}
	}
	return exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}
}

func (d *Device) execute(m *coap.Message, p lwm2m.Path) exchange.Answer {
	text := p.String()
	if len(m.Payload) > 0 {
		text += " " + string(m.Payload)
	}
	d.executed = append(d.executed, text)
	return exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}
}

// fetch answers Read-Composite.
func (d *Device) fetch(m *coap.Message) exchange.Answer {
	paths, err := content.DecodePaths(m.ContentFormat(), m.Payload, options())
	if err != nil {
		return exchange.Answer{Code: coap.BadRequest, Format: lwm2m.FormatNone}
	}
	var nodes []lwm2m.Node
	for _, p := range paths {
		nodes = append(nodes, d.below(p)...)
	}
	return d.show(m.Accept(), lwm2m.Path{}, nodes)
}
