package exchange

import (
	"time"

	"dormouse/codec/coap"
)

// Client is the one request that may be outstanding to a device. The zero value
// is ready, with default parameters; an idle Client holds three pointers.
type Client struct {
	params *Params
	active *outstanding // nil: idle
	heard  *heard       // nil until the first separate response
}

// NewClient returns an idle client.
func NewClient(p Params) *Client { return &Client{params: &p} }

// Busy reports an outstanding request.
func (c *Client) Busy() bool { return c.active != nil }

// Deadline is when Tick must be called, the zero time for never.
func (c *Client) Deadline() time.Time {
	if c.active == nil {
		return time.Time{}
	}
	return c.active.tx.deadline
}

// MessageID is that of the first datagram of the outstanding request, what
// Request.MessageID takes to deliver it again. It is 0 when idle.
func (c *Client) MessageID() uint16 {
	if c.active == nil {
		return 0
	}
	return c.active.first
}

// Token is that of the outstanding request, nil when idle.
func (c *Client) Token() []byte {
	if c.active == nil {
		return nil
	}
	return c.active.req.Token
}

// Owns reports that a message with that token may be for the outstanding
// request: its own, or the one under which further blocks are asked for.
func (c *Client) Owns(token []byte) bool {
	return c.active != nil && (string(c.active.token) == string(token) || string(c.active.req.Token) == string(token))
}

// Start sends a request. It panics while another one is outstanding. random
// spreads the timeouts; any value will do that the device cannot choose.
func (c *Client) Start(now time.Time, req *Request, mids *MIDs, random uint32) Out {
	x := c.open(req, random)
	var out Out
	if err := x.up.begin(len(req.Payload), x.params.szx()); err != nil {
		c.end(&out, Result{Outcome: Broken, Err: err})
		return out
	}
	m := x.transmit(now, mids)
	x.first = m.MessageID
	out.Send = []*coap.Message{m}
	return out
}

// FetchRest asks for the blocks behind first, the notification or response that
// carried block 0, with req under a fresh token and without Observe. The result
// is the whole; it comes at once if first is not the beginning of a body.
func (c *Client) FetchRest(now time.Time, req *Request, first *coap.Message, mids *MIDs, random uint32) Out {
	x := c.open(req, random)
	x.rest = true
	var out Out
	next, err := x.down.take(now, first, true)
	c.proceed(now, next, err, mids, &out)
	if c.active != nil {
		x.first = x.tx.message.MessageID
	}
	return out
}

// Acknowledged reports that the device has acknowledged the outstanding request
// (of several blocks, the one under way).
func (c *Client) Acknowledged() bool { return c.active != nil && c.active.tx.acked }

// Repeat is the message under way that is not acknowledged, nil for none: for a
// caller that held it back when it was due.
func (c *Client) Repeat() *coap.Message {
	if c.active == nil || c.active.tx.acked {
		return nil
	}
	return c.active.tx.message
}

// Abort forgets the outstanding request: no result will come.
func (c *Client) Abort() { c.active = nil }

// Handle takes a message of the device. Not mine are requests, notifications,
// and whatever belongs to no request: the caller rejects those (RFC 7252
// section 4.2, 4.3). The message is not kept.
func (c *Client) Handle(now time.Time, m *coap.Message, mids *MIDs) (out Out, mine bool) {
	x := c.active
	switch {
	case m.Code == coap.Empty:
		return c.handleEmpty(now, m)
	case !m.Code.IsResponse() || m.Type == coap.Reset:
		return Out{}, false
	case c.heard.has(now, m):
		return acknowledgement(m), true
	case x == nil || !x.owns(m):
		return Out{}, false
	case m.Type == coap.Acknowledgement && m.MessageID != x.tx.message.MessageID:
		return Out{}, true // repeated answer to an earlier block
	case m.Type == coap.Acknowledgement:
		x.tx.acknowledge(now, x.params.ResponseTimeout)
	}
	if m.BadOption != 0 {
		return rejection(m), true
	}
	return c.handleResponse(now, m, mids), true
}

// handleEmpty takes ACK and RST, which name a request by its message ID.
func (c *Client) handleEmpty(now time.Time, m *coap.Message) (out Out, mine bool) {
	x := c.active
	if x == nil || m.MessageID != x.tx.message.MessageID {
		return Out{}, false
	}
	switch m.Type {
	case coap.Acknowledgement:
		x.tx.acknowledge(now, x.params.ResponseTimeout)
		return Out{}, true
	case coap.Reset:
		c.end(&out, Result{Outcome: ResetByPeer})
		return out, true
	}
	return Out{}, false
}

// handleResponse takes a response that is neither repeated nor rejected.
func (c *Client) handleResponse(now time.Time, m *coap.Message, mids *MIDs) Out {
	out := acknowledgement(m)
	if m.Type != coap.Acknowledgement {
		if c.heard == nil {
			c.heard = new(heard)
		}
		c.heard.add(now, m)
	}
	next, err := c.active.deliver(now, m)
	c.proceed(now, next, err, mids, &out)
	return out
}

// Tick repeats or ends what was due at or before now.
func (c *Client) Tick(now time.Time) (out Out) {
	if c.active == nil {
		return Out{}
	}
	again, ended := c.active.tx.tick(now)
	if again != nil {
		out.Send = []*coap.Message{again}
	}
	if ended != 0 {
		c.end(&out, Result{Outcome: ended})
	}
	return out
}

func (c *Client) open(req *Request, random uint32) *outstanding {
	if c.active != nil {
		panic("exchange: request started while another is outstanding")
	}
	var p Params
	if c.params != nil {
		p = *c.params
	}
	c.active = newOutstanding(req, p.withDefaults(), random)
	return c.active
}

// proceed does what a response led to.
func (c *Client) proceed(now time.Time, next step, err error, mids *MIDs, out *Out) {
	x := c.active
	switch {
	case err != nil:
		c.end(out, Result{Outcome: Broken, Err: err})
	case next == stepSend:
		out.Send = append(out.Send, x.transmit(now, mids))
	case next == stepDone:
		c.end(out, Result{Outcome: Answered, Response: *x.down.response()})
	}
}

func (c *Client) end(out *Out, r Result) {
	c.active = nil
	out.Result = &r
}

// acknowledgement is the ACK that a Confirmable response asks for.
func acknowledgement(m *coap.Message) (out Out) {
	if m.Type == coap.Confirmable {
		out.Send = []*coap.Message{Ack(m)}
	}
	return out
}

// rejection resets a Confirmable response and ignores any other.
func rejection(m *coap.Message) (out Out) {
	if m.Type == coap.Confirmable {
		out.Send = []*coap.Message{Rst(m)}
	}
	return out
}
