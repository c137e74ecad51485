package device

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/report"
)

// notice is a Confirmable notification under way. It is repeated like a request
// (RFC 7252 section 4.2); a newer state waits until it is acknowledged.
type notice struct {
	encoded  []byte
	id       uint16
	watch    *watch
	record   report.Record // to be stored if nobody hears it
	timeout  time.Duration
	left     int
	deadline time.Time
}

// watchAcknowledgement begins to wait for the ACK of the notification that was
// sent last.
func (c *Client) watchAcknowledgement(now time.Time, m *coap.Message, w *watch, r report.Record) {
	p := c.product.options.Params
	n := &notice{encoded: c.out[len(c.out)-1], id: m.MessageID, watch: w, record: r, timeout: p.AckTimeout, left: p.MaxRetransmit}
	if n.timeout == 0 {
		n.timeout = exchange.DefaultAckTimeout
	}
	if n.left == 0 {
		n.left = exchange.DefaultMaxRetransmit
	}
	n.timeout += time.Duration(c.random.Uint64() % uint64(n.timeout/2+1)) // up to 1.5 times
	n.deadline = now.Add(n.timeout)
	c.notice = n
}

func (c *Client) noticeDeadline() time.Time {
	if c.notice == nil {
		return time.Time{}
	}
	return c.notice.deadline
}

// acknowledged ends the notification that an ACK names.
func (c *Client) acknowledged(id uint16) {
	if c.notice != nil && c.notice.id == id {
		c.notice = nil
	}
}

// rejected ends the observation whose last notification a Reset names: the
// passive cancellation.
func (c *Client) rejected(id uint16) {
	for _, w := range c.watches {
		if w.MessageID == id && w.Sequence > 1 {
			c.drop(w)
			return
		}
	}
}

// repeatNotice repeats or gives up a Confirmable notification. A server that
// does not acknowledge is not there: the device asks by an Update, and stores
// what it has to tell until that is answered.
func (c *Client) repeatNotice(now time.Time) {
	n := c.notice
	switch {
	case n == nil || now.Before(n.deadline):
	case n.left > 0:
		n.left--
		n.timeout *= 2
		n.deadline = now.Add(n.timeout)
		c.sendEncoded(now, n.encoded)
	default:
		c.notice = nil
		c.offline, c.mustUpdate = true, true
		set := n.watch.Settings(&c.attributes, c.periods(now))
		c.store(now, n.watch, n.record, set)
	}
}

// store keeps a record that cannot be sent, if the server wants that (/1/0/6,
// which is true where it is absent).
func (c *Client) store(now time.Time, w *watch, r report.Record, set report.Settings) {
	if v := c.tree.Value(pathStoring, now); v.Kind() == lwm2m.KindNone || v.Bool() {
		w.Keep(r, set)
	}
}

// sendStored sends what was stored, oldest first: with times in one
// notification where the format has them, else one after the other. It reports
// whether nothing is left.
func (c *Client) sendStored(now time.Time, w *watch, con bool) bool {
	for len(w.Stored) > 0 {
		if con && c.busy() {
			return false
		}
		r := w.Stored[0]
		if timed(w.Format) {
			r = report.Record{At: now, Nodes: history(w.Stored)}
			w.Stored = nil
		} else {
			w.Stored = w.Stored[1:]
		}
		c.sendNotification(now, w, con, r)
	}
	return true
}

// timed reports a format that carries times.
func timed(f lwm2m.Format) bool { return f == lwm2m.FormatSenMLCBOR || f == lwm2m.FormatSenMLJSON }

// history is the values of all records with their times.
func history(records []report.Record) (nodes []lwm2m.Node) {
	for _, r := range records {
		for _, n := range r.Nodes {
			n.At = lwm2m.Stamp(r.At.UnixNano())
			nodes = append(nodes, n)
		}
	}
	return nodes
}
