package device

import (
	"slices"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/access"
	"dormouse/bench/device/report"
)

// confirmEvery is how often at least a notification is Confirmable, so that a
// server that is gone is noticed (RFC 7641 section 4.5).
const confirmEvery = 24 * time.Hour

// notify looks at all observations and sends what is due.
func (c *Client) notify(now time.Time) {
	if c.phase != registered || len(c.watches) == 0 {
		return
	}
	for _, w := range slices.Clone(c.watches) {
		if c.phase == registered && slices.Contains(c.watches, w) {
			c.check(now, w)
		}
	}
}

// check looks at one observation.
func (c *Client) check(now time.Time, w *watch) {
	set := w.Settings(&c.attributes, c.periods(now))
	if state := c.stateOf(w, now); w.Looks(now, set, state) {
		c.remeasure(w)
		nodes, code := c.observed(w, now)
		if code != coap.Content {
			c.end(now, w, code)
			return
		}
		w.Look(now, nodes, c.stateOf(w, now), w.Conditions(&c.attributes))
	}
	con := c.confirms(now, w, set)
	if !c.offline && !c.sendStored(now, w, con) {
		return
	}
	if !w.Due(now, set) || con && c.busy() && !c.offline {
		return
	}
	nodes, code := c.observed(w, now)
	if code != coap.Content {
		c.end(now, w, code)
		return
	}
	w.Told(now, nodes, c.stateOf(w, now))
	if c.offline {
		c.store(now, w, report.Record{At: now, Nodes: nodes}, set)
		return
	}
	c.sendNotification(now, w, con, report.Record{At: now, Nodes: nodes})
}

// observed are the values of an observation.
func (c *Client) observed(w *watch, now time.Time) ([]lwm2m.Node, coap.Code) {
	if w.Composite {
		return access.ReadComposite(c.tree, w.Paths, now), coap.Content
	}
	return access.Read(c.tree, w.Paths[0], now)
}

// stateOf tells what an observation would see change.
func (c *Client) stateOf(w *watch, now time.Time) report.State {
	s := report.State{Revision: c.tree.Revision()}
	if w.measured {
		s.Sample = c.tree.Sensors().Sample(now)
	}
	return s
}

// remeasure finds out whether an observation has values that change by
// themselves. It may after every write.
func (c *Client) remeasure(w *watch) {
	w.measured = slices.ContainsFunc(w.Paths, c.tree.Measured)
}

// periods are the defaults of the server object.
func (c *Client) periods(now time.Time) report.Default {
	return report.Default{
		MinPeriod: time.Duration(c.tree.Value(pathMinPeriod, now).Int()) * time.Second,
		MaxPeriod: time.Duration(c.tree.Value(pathMaxPeriod, now).Int()) * time.Second,
	}
}

// confirms reports whether the next notification is Confirmable: as con says, else
// as the server object (1.2), else as the device is made; and once a day anyhow.
func (c *Client) confirms(now time.Time, w *watch, set report.Settings) bool {
	switch {
	case !now.Before(w.Confirmed.Add(confirmEvery)):
		return true
	case set.Confirmable != nil:
		return *set.Confirmable
	}
	return c.product.options.Confirmable || c.tree.Value(pathNotification, now).Int() == 1
}

// sendNotification sends a record as the newest state.
func (c *Client) sendNotification(now time.Time, w *watch, con bool, r report.Record) {
	base := lwm2m.Path{}
	if !w.Composite {
		base = w.Paths[0]
	}
	a := c.encode(w.Format, base, r.Nodes)
	if a.Code != coap.Content {
		c.end(now, w, a.Code)
		return
	}
	c.keep(now, w.key, a, c.product.options.BlockSize)
	m := c.notification(w, con, exchange.Slice(&coap.Message{}, a, c.product.options.BlockSize))
	m.AddUint(coap.OptObserve, w.Next())
	w.MessageID = m.MessageID
	c.send(now, m)
	if con {
		w.Confirmed = now
		c.watchAcknowledgement(now, m, w, r)
	}
	c.counters.Notifications++
	c.tell(Event{Kind: Notified, Path: w.Paths[0].String()})
}

// end tells of the end of an observation by an error (RFC 7641 section 4.2).
func (c *Client) end(now time.Time, w *watch, code coap.Code) {
	c.drop(w)
	c.send(now, c.notification(w, false, exchange.Answer{Code: code}))
	c.counters.Notifications++
}

// drop forgets an observation and a notification of it that is under way.
func (c *Client) drop(w *watch) {
	if c.notice != nil && c.notice.watch == w {
		c.notice = nil
	}
	c.watches = slices.DeleteFunc(c.watches, func(other *watch) bool { return other == w })
}

// notification is a message to an observer without the Observe option.
func (c *Client) notification(w *watch, con bool, a exchange.Answer) *coap.Message {
	m := &coap.Message{Type: coap.NonConfirmable, Code: a.Code, MessageID: c.mids.Next(), Token: w.Token, Payload: a.Payload}
	if con {
		m.Type = coap.Confirmable
	}
	for _, o := range a.Options {
		m.Add(o.ID, o.Value)
	}
	if len(a.Payload) > 0 {
		m.AddUint(coap.OptContentFormat, uint32(a.Format))
	}
	return m
}

// watchDeadline is when notify has something to do.
func (c *Client) watchDeadline() time.Time {
	var next time.Time
	if c.phase != registered {
		return next
	}
	for _, w := range c.watches {
		now := w.LookedAt()
		set := w.Settings(&c.attributes, c.periods(now))
		if w.measured {
			sensors := c.tree.Sensors()
			next = earlier(next, w.LooksAt(set, sensors.SampledAt(w.Seen().Sample+1)))
		}
		if c.busy() && !c.offline && c.confirms(now, w, set) {
			continue // it waits for the exchange that is under way
		}
		next = earlier(next, w.DueAt(set))
	}
	return next
}
