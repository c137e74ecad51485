package device

import (
	"slices"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// content are the options of every payload.
func (c *Client) content() content.Options {
	return content.Options{Types: c.model.profile.Types(), Root: c.product.options.Root}
}

// supports reports a format of a payload. The formats of composite requests are
// SenML with names of their own (RFC 8790), known since LwM2M 1.2.
func (c *Client) supports(f lwm2m.Format) bool {
	f = f.Canonical()
	if !c.Version().Less(lwm2m.V1_2) {
		switch f {
		case lwm2m.FormatSenMLEtchJSON:
			f = lwm2m.FormatSenMLJSON
		case lwm2m.FormatSenMLEtchCBOR:
			f = lwm2m.FormatSenMLCBOR
		}
	}
	return slices.Contains(c.model.formats, f)
}

// choose is the format for values at base: the one that was asked for, else the
// best that can carry them; ok is false where there is none (4.06).
func (c *Client) choose(accept lwm2m.Format, base lwm2m.Path) (f lwm2m.Format, ok bool) {
	if accept != lwm2m.FormatNone {
		return accept, slices.Contains(c.model.formats, accept.Canonical()) && c.carries(accept, base)
	}
	for _, f := range c.model.formats {
		if c.carries(f, base) {
			return f, true
		}
	}
	return 0, false
}

// carries reports whether a format can hold what is at base.
func (c *Client) carries(f lwm2m.Format, base lwm2m.Path) bool {
	d := c.tree.Definition(base)
	single := base.IsResourceInstance() || base.IsResource() && d != nil && !d.Multiple
	switch f.Canonical() {
	case lwm2m.FormatText, lwm2m.FormatCBOR:
		return single
	case lwm2m.FormatOpaque:
		return single && d.Type == lwm2m.KindOpaque
	case lwm2m.FormatTLV, lwm2m.FormatJSON:
		return !base.IsRoot()
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR:
		return true
	}
	return false
}

// encode is the answer that carries values at base.
func (c *Client) encode(f lwm2m.Format, base lwm2m.Path, nodes []lwm2m.Node) exchange.Answer {
	payload, err := content.Append(nil, f, base, nodes, c.content())
	if err != nil {
		return exchange.Answer{Code: coap.InternalServerError}
	}
	return exchange.Answer{Code: coap.Content, Format: f, Payload: payload}
}
