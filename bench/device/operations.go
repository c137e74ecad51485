package device

import (
	"errors"
	"strconv"
	"strings"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/query"

	"dormouse/bench/device/access"
)

// write is Write: PUT replaces, POST updates.
func (c *Client) write(r request, replace bool) exchange.Answer {
	nodes, code := c.decode(r)
	if code != coap.Empty {
		return exchange.Answer{Code: code}
	}
	if code = access.Write(c.tree, r.path, nodes, replace, r.now); code == coap.Changed {
		access.Received(c.tree, nodes)
	}
	return exchange.Answer{Code: code}
}

// writeComposite is Write-Composite.
func (c *Client) writeComposite(r request) exchange.Answer {
	nodes, code := c.decode(r)
	if code != coap.Empty {
		return exchange.Answer{Code: code}
	}
	if code = access.WriteComposite(c.tree, nodes, r.now); code == coap.Changed {
		access.Received(c.tree, nodes)
	}
	return exchange.Answer{Code: code}
}

// decode reads the values of a request. The code is that of a path before that
// of a payload, so that a server learns first what it may not touch.
func (c *Client) decode(r request) ([]lwm2m.Node, coap.Code) {
	if !r.path.IsRoot() {
		if _, code := access.Discover(c.tree, r.path.Prefix(1), 0, c.attached); code != coap.Content {
			return nil, code
		}
	}
	f := r.ContentFormat()
	if f != lwm2m.FormatNone && (!c.supports(f) || r.path.Len() < 3 && !structured(f)) {
		return nil, coap.UnsupportedContentFormat
	}
	nodes, err := content.Decode(f, r.path, r.body, c.content())
	switch {
	case errors.Is(err, content.ErrFormat) && f == lwm2m.FormatNone:
		return nil, coap.BadRequest
	case errors.Is(err, content.ErrFormat):
		return nil, coap.UnsupportedContentFormat
	case err != nil:
		return nil, coap.BadRequest
	}
	return nodes, coap.Empty
}

// create is Create. It answers with the location of the first new instance.
func (c *Client) create(r request) exchange.Answer {
	var nodes []lwm2m.Node
	if len(r.body) > 0 || r.ContentFormat() != lwm2m.FormatNone {
		var code coap.Code
		if nodes, code = c.decode(r); code != coap.Empty {
			return exchange.Answer{Code: code}
		}
	}
	ids, code := access.Create(c.tree, r.path, nodes, r.now)
	if code != coap.Created {
		return exchange.Answer{Code: code}
	}
	var m coap.Message
	m.AddLocation(c.product.options.Root + r.path.Child(ids[0]).String())
	return exchange.Answer{Code: code, Options: m.Options}
}

// remove is Delete. What was attached to an instance goes with it.
func (c *Client) remove(r request) exchange.Answer {
	code := access.Delete(c.tree, r.path)
	if code == coap.Deleted {
		c.attributes.Forget(r.path)
	}
	return exchange.Answer{Code: code}
}

// execute is Execute; what it sets off happens after the answer is out.
func (c *Client) execute(r request) exchange.Answer {
	d := c.tree.Definition(r.path)
	if f := r.ContentFormat(); f != lwm2m.FormatNone && f != lwm2m.FormatText && d != nil && d.Operations&model.Execute != 0 {
		return exchange.Answer{Code: coap.UnsupportedContentFormat}
	}
	arguments, err := query.ParseArguments(string(r.body))
	if err != nil {
		return exchange.Answer{Code: coap.BadRequest}
	}
	effect, code := access.Execute(c.tree, r.path, arguments, r.now)
	if code != coap.Changed {
		return exchange.Answer{Code: code}
	}
	if c.executed == nil {
		c.executed = map[lwm2m.Path]int{}
	}
	c.executed[r.path]++
	if effect != access.NoEffect {
		c.effect, c.effectAt = effect, r.now.Add(actDelay)
		if effect == access.Update {
			c.effectAt = r.now
		}
	}
	return exchange.Answer{Code: code}
}

// discover is Discover; depth is a parameter of LwM2M 1.2.
func (c *Client) discover(r request) exchange.Answer {
	depth := access.DefaultDepth(r.path)
	for _, q := range r.Queries() {
		s, ok := strings.CutPrefix(q, "depth=")
		if !ok || c.Version().Less(lwm2m.V1_2) {
			continue
		}
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || n > 3 {
			return exchange.Answer{Code: coap.BadRequest}
		}
		depth = int(n)
	}
	found, code := access.Discover(c.tree, r.path, depth, c.attached)
	if code != coap.Content {
		return exchange.Answer{Code: code}
	}
	return exchange.Answer{Code: code, Format: lwm2m.FormatLink, Payload: link.AppendDiscover(nil, found, c.product.options.Root)}
}

// attached are the attributes that Discover shows.
func (c *Client) attached(p lwm2m.Path, inherited bool) []query.Attribute {
	if inherited {
		return c.attributes.Effective(p)
	}
	return c.attributes.At(p)
}

// writeAttributes is Write-Attributes.
func (c *Client) writeAttributes(r request) exchange.Answer {
	if _, code := access.Discover(c.tree, r.path, 0, c.attached); code != coap.Content {
		return exchange.Answer{Code: code}
	}
	write, err := query.ParseAttributes(r.Queries())
	if err == nil {
		err = c.attributes.Write(r.path, write, c.kindOf(r.path), c.Version())
	}
	if err != nil {
		return exchange.Answer{Code: coap.BadRequest}
	}
	return exchange.Answer{Code: coap.Changed}
}

func (c *Client) kindOf(p lwm2m.Path) lwm2m.Kind {
	if d := c.tree.Definition(p); d != nil {
		return d.Type
	}
	return lwm2m.KindNone
}
