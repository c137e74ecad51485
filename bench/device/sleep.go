package device

import (
	"strings"
	"time"

	"dormouse/codec/lwm2m"
)

// queueMode reports a device that sleeps. In LwM2M 1.0 the binding says so, which
// the server may write.
func (c *Client) queueMode(now time.Time) bool {
	if c.Version() == lwm2m.V1_0 {
		return strings.Contains(c.tree.Value(pathBinding, now).Text(), "Q")
	}
	return c.product.options.Queue
}

// Asleep reports a registered device whose awake time is over. It does not sleep
// while it waits for an answer.
func (c *Client) Asleep(now time.Time) bool {
	return c.phase == registered && c.queueMode(now) && !c.busy() && !now.Before(c.awakeUntil)
}

// stayAwake begins the awake time anew: a message came or went.
func (c *Client) stayAwake(now time.Time) { c.awakeUntil = now.Add(c.product.options.Awake) }

// listens reports a device that hears datagrams.
func (c *Client) listens(now time.Time) bool {
	return c.phase != waiting && c.phase != gone && !c.Asleep(now)
}

// busy reports an outstanding exchange of our own: there is one at a time (RFC
// 7252 section 4.7, NSTART 1).
func (c *Client) busy() bool { return c.up.Busy() || c.notice != nil }
