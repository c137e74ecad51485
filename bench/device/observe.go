package device

import (
	"bytes"
	"errors"
	"slices"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"

	"dormouse/bench/device/access"
	"dormouse/bench/device/report"
)

// maxWatches bounds the observations of a device. Beyond, an Observe is answered
// like a Read (RFC 7641 section 4.1).
const maxWatches = 64

// watch is an observation and what its notifications need.
type watch struct {
	report.Observation
	key      key  // of its representation, see sliced
	measured bool // something of it changes by itself
}

// read is Read, Observe and Cancel Observation of one path.
func (c *Client) read(r request) exchange.Answer {
	nodes, code := access.Read(c.tree, r.path, r.now)
	if code != coap.Content {
		return exchange.Answer{Code: code}
	}
	f, ok := c.choose(r.Accept(), r.path)
	if !ok {
		return exchange.Answer{Code: coap.NotAcceptable}
	}
	a := c.encode(f, r.path, nodes)
	w := &watch{key: r.key()}
	w.Paths, w.Format = []lwm2m.Path{r.path}, f
	return c.readOrObserve(r, w, nodes, a)
}

// readComposite is Read-Composite, Observe-Composite and its cancellation.
func (c *Client) readComposite(r request) exchange.Answer {
	if !c.supports(r.ContentFormat()) {
		return exchange.Answer{Code: coap.UnsupportedContentFormat}
	}
	paths, err := content.DecodePaths(r.ContentFormat(), r.body, c.content())
	switch {
	case errors.Is(err, content.ErrFormat):
		return exchange.Answer{Code: coap.UnsupportedContentFormat}
	case err != nil:
		return exchange.Answer{Code: coap.BadRequest}
	}
	f, ok := c.choose(r.Accept(), lwm2m.Path{})
	if !ok {
		return exchange.Answer{Code: coap.NotAcceptable}
	}
	nodes := access.ReadComposite(c.tree, paths, r.now)
	a := c.encode(f, lwm2m.Path{}, nodes)
	w := &watch{key: r.key()}
	w.Paths, w.Composite, w.Format = paths, true, f
	return c.readOrObserve(r, w, nodes, a)
}

// readOrObserve is the answer to what was read, which w observes if the request
// says so.
func (c *Client) readOrObserve(r request, w *watch, nodes []lwm2m.Node, a exchange.Answer) exchange.Answer {
	value, observe := r.Observe()
	if !observe || a.Code != coap.Content {
		return a
	}
	var err error
	if w.Overrides, err = c.overrides(r); err != nil {
		return exchange.Answer{Code: coap.BadRequest}
	}
	return c.observe(r, value, w, nodes, a)
}

// overrides are the attributes in the query of an Observe (LwM2M 1.2); before,
// such a query means nothing. Thresholds belong to one resource.
func (c *Client) overrides(r request) ([]query.Attribute, error) {
	if c.Version().Less(lwm2m.V1_2) || len(r.Queries()) == 0 {
		return nil, nil
	}
	set, err := query.ParseAttributes(r.Queries())
	if err != nil {
		return nil, err
	}
	return set, report.Check(r.path, set, c.kindOf(r.path))
}

// observe begins or ends an observation, and answers with the values and, where
// it began, with the Observe option.
func (c *Client) observe(r request, value uint32, w *watch, nodes []lwm2m.Node, a exchange.Answer) exchange.Answer {
	w.Token = bytes.Clone(r.Token)
	for _, old := range slices.Clone(c.watches) {
		token, same := bytes.Equal(old.Token, w.Token), old.Same(w.Paths, w.Composite)
		if value == exchange.CancelObserve && token && same || value == exchange.RegisterObserve && (token || same) {
			w.Sequence = old.Sequence
			c.drop(old)
		}
	}
	if value != exchange.RegisterObserve || len(c.watches) == maxWatches {
		return a
	}
	w.Confirmed = r.now
	c.remeasure(w)
	w.Told(r.now, nodes, c.stateOf(w, r.now))
	c.watches = append(c.watches, w)
	var m coap.Message
	m.AddUint(coap.OptObserve, w.Next())
	a.Options = append(a.Options, m.Options...)
	return a
}
