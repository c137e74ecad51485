package device

import (
	"slices"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/access"
)

// Bounds of Send.
const (
	maxSends   = 8  // that wait to be sent
	maxSamples = 64 // of one
)

// Send tells the server values that it did not ask for, once the device is
// registered and has no other exchange (OMA Core 6.4.6). The error is a sentence
// about what cannot be.
func (c *Client) Send(now time.Time, r Report) ([][]byte, error) {
	if err := r.validate(c.Version()); err != nil {
		return nil, err
	}
	if len(c.sends) == maxSends {
		c.sends = slices.Delete(c.sends, 0, 1)
	}
	c.sends = append(c.sends, r)
	return c.finish(now), nil
}

// sendNext begins the next Send, if there is one and the server has not muted it.
func (c *Client) sendNext(now time.Time) {
	if !c.sendAt.IsZero() && !now.Before(c.sendAt) {
		c.sendAt = now.Add(c.product.options.Send.Every)
		if len(c.sends) < maxSends {
			c.sends = append(c.sends, c.product.options.Send)
		}
	}
	for len(c.sends) > 0 && !c.busy() {
		r := c.sends[0]
		c.sends = c.sends[1:]
		switch payload, f, ok := c.payload(now, r); {
		case c.muted(now):
			c.counters.Muted++
		case ok:
			c.ask(now, toReport, &exchange.Request{Method: coap.POST, Path: "dp", Format: f, Payload: payload})
		}
	}
}

// muted reports Mute Send, which is true where it is absent.
func (c *Client) muted(now time.Time) bool {
	v := c.tree.Value(pathMuteSend, now)
	return v.Kind() == lwm2m.KindNone || v.Bool()
}

// payload is what a Send carries: nothing where none of its paths exists.
func (c *Client) payload(now time.Time, r Report) (b []byte, f lwm2m.Format, ok bool) {
	f = r.Format
	if f == 0 {
		f = c.sendFormat(r)
	}
	var nodes []lwm2m.Node
	if r.History > 1 && timed(f) {
		nodes = c.samples(now, r)
	} else {
		nodes = access.ReadComposite(c.tree, r.Paths, now)
	}
	if len(nodes) == 0 {
		return nil, f, false
	}
	b, err := content.Append(nil, f, lwm2m.Path{}, nodes, c.content())
	return b, f, err == nil
}

// sendFormat is the best format of the device that can carry a Send.
func (c *Client) sendFormat(r Report) lwm2m.Format {
	for _, f := range c.model.formats {
		if slices.Contains(sendFormats, f) && (r.History <= 1 || timed(f)) {
			return f
		}
	}
	return lwm2m.FormatSenMLCBOR // every server of 1.1 reads it
}

// samples are the last values of what is measured, oldest first, each with the
// time of its sample.
func (c *Client) samples(now time.Time, r Report) (nodes []lwm2m.Node) {
	sensors := c.tree.Sensors()
	last := sensors.Sample(now)
	for sample := last - int64(r.History) + 1; sample <= last; sample++ {
		at := sensors.SampledAt(sample)
		for _, n := range access.ReadComposite(c.tree, r.Paths, at) {
			n.At = lwm2m.Stamp(at.UnixNano())
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// sendAnswered registers again where the server does not know the device.
func (c *Client) sendAnswered(now time.Time, code coap.Code) {
	switch {
	case code.IsSuccess():
		c.counters.Sends++
		c.tell(Event{Kind: Sent})
	case code == coap.NotFound && c.phase == registered:
		c.wait(now, 0)
	}
}
