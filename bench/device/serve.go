package device

import (
	"strings"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// serverPeer stands for the server in the memory of answers: it is the only one.
const serverPeer = 0

// serve answers a request, a repeated one as before and without doing it again.
func (c *Client) serve(now time.Time, m *coap.Message) {
	if answer, repeated := c.answers.Lookup(now, serverPeer, m.MessageID); repeated {
		c.counters.Duplicates++
		if m.Type == coap.Confirmable && len(answer) > 0 {
			c.sendEncoded(now, answer)
		}
		return
	}
	if m.BadOption != 0 && m.Type != coap.Confirmable {
		return
	}
	a := c.answer(now, m)
	c.counters.Requests++
	encoded := c.send(now, exchange.Reply(m, a, &c.mids))
	c.answers.Remember(now, serverPeer, m.MessageID, m.Type == coap.Confirmable, encoded)
	c.tell(Event{Kind: Served, Method: m.Code, Path: "/" + m.Path(), Code: a.Code})
}

// request is a request of the server with its whole body.
type request struct {
	*coap.Message
	path lwm2m.Path
	body []byte
	now  time.Time
}

// answer finds the path, gathers the body and does what is asked.
func (c *Client) answer(now time.Time, m *coap.Message) exchange.Answer {
	_, uri := m.Option(coap.OptProxyUri)
	_, scheme := m.Option(coap.OptProxyScheme)
	switch {
	case uri || scheme:
		return exchange.Answer{Code: coap.ProxyingNotSupported}
	case m.BadOption != 0:
		return exchange.Answer{Code: coap.BadOption}
	}
	path, ok := c.localPath(m.Path())
	if !ok {
		return exchange.Answer{Code: coap.NotFound}
	}
	body, done, early := c.upload.Handle(now, m, c.product.options.MaxBody)
	if !done {
		return *early
	}
	if path.IsRoot() && m.Code != coap.FETCH && m.Code != coap.IPATCH {
		return exchange.Answer{Code: coap.MethodNotAllowed}
	}
	return c.do(request{m, path, body, now})
}

// do calls the operation that the method means.
func (c *Client) do(r request) exchange.Answer {
	old := c.Version() == lwm2m.V1_0
	switch {
	case r.Code == coap.GET && r.Accept() == lwm2m.FormatLink:
		return c.sliced(r, c.discover)
	case r.Code == coap.GET:
		return c.sliced(r, c.read)
	case r.Code == coap.FETCH && !old && r.path.IsRoot():
		return c.sliced(r, c.readComposite)
	case r.Code == coap.PUT && len(r.body) == 0 && r.ContentFormat() == lwm2m.FormatNone && len(r.Queries()) > 0:
		return c.writeAttributes(r)
	case r.Code == coap.PUT:
		return c.write(r, true)
	case r.Code == coap.POST:
		return c.post(r)
	case r.Code == coap.DELETE:
		return c.remove(r)
	case r.Code == coap.IPATCH && !old && r.path.IsRoot():
		return c.writeComposite(r)
	}
	return exchange.Answer{Code: coap.MethodNotAllowed}
}

// post is Create on an object, a partial Write on an instance and on a resource
// with instances, Execute on any other resource.
func (c *Client) post(r request) exchange.Answer {
	switch d := c.tree.Definition(r.path); {
	case r.path.IsObject():
		return c.create(r)
	case r.path.IsInstance():
		return c.write(r, false)
	case r.path.IsResource() && d != nil && d.Multiple && structured(r.ContentFormat()):
		return c.write(r, false)
	case r.path.IsResource():
		return c.execute(r)
	}
	return exchange.Answer{Code: coap.MethodNotAllowed}
}

// structured reports a format that carries more than one value.
func structured(f lwm2m.Format) bool {
	switch f.Canonical() {
	case lwm2m.FormatNone, lwm2m.FormatText, lwm2m.FormatOpaque, lwm2m.FormatCBOR:
		return false
	}
	return true
}

// localPath takes the root of the device away from a request path. Composite
// requests may come with it or with nothing.
func (c *Client) localPath(s string) (lwm2m.Path, bool) {
	root := strings.TrimPrefix(c.product.options.Root, "/")
	rest := s
	if root != "" && s != "" {
		var ok bool
		if rest, ok = strings.CutPrefix(s, root); !ok || rest != "" && rest[0] != '/' {
			return lwm2m.Path{}, false
		}
	}
	p, err := lwm2m.ParsePath(rest)
	return p, err == nil
}
