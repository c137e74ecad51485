package device

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/access"
	"dormouse/bench/device/objects"
	"dormouse/bench/device/report"
)

// Client is one device. It starts no goroutine and reads no clock: whoever drives
// it gives it the datagrams of the server and calls Tick when Deadline has come,
// and sends what they return. The datagrams returned are the caller's.
type Client struct {
	product  *Product
	model    *generation // of the version that is spoken now
	endpoint string
	seed     uint64
	random   rand.PCG
	counters Counters
	executed map[lwm2m.Path]int

	tree       *objects.Tree
	traffic    objects.Traffic
	attributes report.Attributes
	watches    []*watch

	mids    exchange.MIDs
	answers exchange.Answers
	upload  exchange.Upload
	long    *representation // nil: none is being fetched
	out     [][]byte        // to be returned

	up     *exchange.Client // Register, Update, De-register, Send
	asked  purpose          // of what up asks
	notice *notice          // Confirmable notification under way, nil for none

	phase      phase
	at         time.Time // waiting: when to register; registered: when to update, zero for never
	attempts   int       // to register, without success
	location   string
	agreed     terms // what the server knows
	offered    terms // what it was told last
	mustUpdate bool
	offline    bool // the server did not acknowledge; notifications are stored
	awakeUntil time.Time
	sends      []Report
	sendAt     time.Time // of Options.Send
	effect     access.Effect
	effectAt   time.Time
	leave      bool          // de-register
	leaveFor   time.Duration // afterwards; negative: for good
}

// Endpoint is the name of the device.
func (c *Client) Endpoint() string { return c.endpoint }

// Tree is what the device has, for those who look at it between two calls.
func (c *Client) Tree() *objects.Tree { return c.tree }

// become makes the device one of a version, as it leaves the factory.
func (c *Client) become(v lwm2m.Version) {
	o := &c.product.options
	c.model = c.product.models[v]
	c.tree = objects.NewTree(c.model.profile, objects.Sensors{
		Serial: c.endpoint, Seed: c.seed, Every: o.Every, Traffic: &c.traffic,
	})
	c.tree.Set(pathLifetime, lwm2m.Integer(o.Lifetime))
	if o.Binding != "U" {
		c.tree.Set(pathBinding, lwm2m.String(o.Binding))
	}
	if o.Queue && v == lwm2m.V1_0 {
		c.tree.Set(pathBinding, lwm2m.String(o.Binding+"Q"))
		c.tree.Set(lwm2m.NewPath(3, 0, 16), lwm2m.String(o.Binding+"Q"))
	}
	if o.Every != DefaultEvery { // notify as often as there is something new
		c.tree.Set(pathMaxPeriod, lwm2m.Integer(int64(max(o.Every, time.Second)/time.Second)))
	}
	if o.Server != "" {
		c.tree.Set(lwm2m.NewPath(0, 0, 0), lwm2m.String(o.Server))
		if strings.HasPrefix(o.Server, secureScheme) {
			c.tree.Set(lwm2m.NewPath(0, 0, 2), lwm2m.Integer(0)) // Pre-Shared Key mode
		}
	}
}

// secureScheme is that of a server's URI over DTLS (RFC 7252 section 6.2).
const secureScheme = "coaps://"

// Resources of the server object that steer the device.
var (
	pathLifetime     = lwm2m.NewPath(1, 0, 1)
	pathMinPeriod    = lwm2m.NewPath(1, 0, 2)
	pathMaxPeriod    = lwm2m.NewPath(1, 0, 3)
	pathDisable      = lwm2m.NewPath(1, 0, 5)
	pathStoring      = lwm2m.NewPath(1, 0, 6)
	pathBinding      = lwm2m.NewPath(1, 0, 7)
	pathRetryCount   = lwm2m.NewPath(1, 0, 17)
	pathRetryTimer   = lwm2m.NewPath(1, 0, 18)
	pathMuteSend     = lwm2m.NewPath(1, 0, 23)
	pathNotification = lwm2m.NewPath(1, 0, 26)
)

// Handle takes a datagram of the server and returns what to send. A device that
// sleeps, restarts or has not begun hears nothing.
func (c *Client) Handle(now time.Time, datagram []byte) [][]byte {
	if !c.listens(now) {
		c.counters.Dropped++
		return c.finish(now)
	}
	if c.traffic.Counting {
		c.traffic.Received += uint64(len(datagram))
	}
	var m coap.Message
	err := coap.Parse(datagram, &m)
	switch {
	case errors.Is(err, coap.ErrVersion):
	case err != nil && m.Type == coap.Confirmable:
		c.send(now, exchange.Rst(&m))
	case err == nil:
		c.receive(now, &m)
	}
	return c.finish(now)
}

// receive sorts messages: requests, answers to our requests, and what names a
// notification by its message ID.
func (c *Client) receive(now time.Time, m *coap.Message) {
	c.stayAwake(now)
	if m.Code.IsRequest() {
		c.serve(now, m)
		return
	}
	if out, mine := c.up.Handle(now, m, &c.mids); mine {
		c.take(now, out)
		return
	}
	switch m.Type {
	case coap.Acknowledgement:
		c.acknowledged(m.MessageID)
	case coap.Reset:
		c.rejected(m.MessageID)
	case coap.Confirmable: // a ping, or an answer to nothing
		c.send(now, exchange.Rst(m))
	}
}

// Tick does what was due at or before now and returns what to send.
func (c *Client) Tick(now time.Time) [][]byte {
	if out := c.up.Tick(now); len(out.Send) > 0 || out.Result != nil {
		c.take(now, out)
	}
	c.repeatNotice(now)
	c.upload.Tick(now)
	if c.long != nil && !now.Before(c.long.until) {
		c.long = nil
	}
	return c.finish(now)
}

// finish does what follows from a changed state, and hands over what is to be
// sent: answers before notifications, those before requests of our own.
func (c *Client) finish(now time.Time) [][]byte {
	c.notify(now)
	c.proceed(now)
	out := c.out
	c.out = nil
	return out
}

// Deadline is when Tick must be called, the zero time for never.
func (c *Client) Deadline() time.Time {
	var next time.Time
	for _, t := range [...]time.Time{c.up.Deadline(), c.upload.Deadline(), c.noticeDeadline(), c.longDeadline(), c.watchDeadline(), c.ownDeadline()} {
		next = earlier(next, t)
	}
	return next
}

// earlier takes the zero time for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// send encodes a message of our own making.
func (c *Client) send(now time.Time, m *coap.Message) []byte {
	if m == nil {
		return nil
	}
	b, err := m.Append(nil)
	if err != nil {
		panic(err) // options are added in order, tokens are eight bytes at most
	}
	c.sendEncoded(now, b)
	return b
}

func (c *Client) sendEncoded(now time.Time, b []byte) {
	c.stayAwake(now)
	c.out = append(c.out, b)
	if c.traffic.Counting {
		c.traffic.Sent += uint64(len(b))
	}
}

func (c *Client) tell(e Event) {
	if f := c.product.options.Listen; f != nil {
		e.Endpoint = c.endpoint
		f(e)
	}
}
