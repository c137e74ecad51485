package device

import (
	"encoding/binary"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/access"
	"dormouse/bench/device/report"
)

// bootTime is how long a device is deaf while it restarts; actDelay is between
// the answer to an Execute and what it sets off, so that the answer is out first.
const (
	bootTime = 2 * time.Second
	actDelay = time.Second
)

// proceed begins the next thing that the device does by itself, one at a time.
func (c *Client) proceed(now time.Time) {
	if c.effect != access.NoEffect && !now.Before(c.effectAt) {
		c.act(now)
	}
	if c.busy() {
		return
	}
	due := !c.at.IsZero() && !now.Before(c.at)
	switch {
	case c.phase == waiting && due:
		c.register(now)
	case c.phase != registered:
	case c.leave:
		c.deregister(now)
	case due || c.mustUpdate || c.terms(now) != c.agreed:
		c.update(now)
	default:
		c.sendNext(now)
	}
}

// ownDeadline is when proceed has something to do.
func (c *Client) ownDeadline() time.Time {
	var next time.Time
	if c.effect != access.NoEffect {
		next = c.effectAt
	}
	if c.busy() {
		return next
	}
	switch c.phase {
	case waiting:
		next = earlier(next, c.at)
	case registered:
		next = earlier(earlier(next, c.at), c.sendAt)
	}
	return next
}

// act does what an Execute asked for.
func (c *Client) act(now time.Time) {
	effect := c.effect
	c.effect = access.NoEffect
	switch effect {
	case access.Update:
		c.mustUpdate = true
	case access.Disable:
		c.depart(time.Duration(c.tree.Value(pathDisable, now).Int()) * time.Second)
	case access.Reboot, access.FactoryReset:
		c.reboot(now, effect == access.FactoryReset)
	}
}

// reboot forgets what lies in volatile memory: observations, attributes, the
// exchange under way. The last answers are kept, so that a server that did not
// hear the answer to its Execute does not restart the device again and again.
func (c *Client) reboot(now time.Time, factory bool) {
	c.up.Abort()
	c.watches, c.notice, c.long, c.sends = nil, nil, nil, nil
	c.attributes = report.Attributes{}
	c.mids.Last = uint16(c.random.Uint64())
	c.attempts, c.location, c.mustUpdate = 0, "", false
	if factory {
		c.become(c.product.options.Version)
	}
	c.wait(now, bootTime)
	c.counters.Reboots++
	c.tell(Event{Kind: Rebooted})
}

// wait makes the device register after a while.
func (c *Client) wait(now time.Time, d time.Duration) {
	c.phase, c.at = waiting, now.Add(d)
	if c.leave {
		c.left(now)
	}
}

// left ends the registration for a while or for good.
func (c *Client) left(now time.Time) {
	c.location, c.watches = "", nil
	if c.leaveFor < 0 {
		c.phase, c.at = gone, time.Time{}
		return
	}
	c.leave = false
	c.phase, c.at = waiting, now.Add(c.leaveFor)
}

// ask sends a request of our own. The caller knows that none is outstanding.
func (c *Client) ask(now time.Time, p purpose, req *exchange.Request) {
	c.asked = p
	req.Observe, req.Accept = exchange.NoObserve, lwm2m.FormatNone
	req.Token = binary.BigEndian.AppendUint32(nil, uint32(c.random.Uint64()))
	c.take(now, c.up.Start(now, req, &c.mids, uint32(c.random.Uint64())))
}

// take sends what an exchange wants sent, and goes on with its result.
func (c *Client) take(now time.Time, out exchange.Out) {
	for _, m := range out.Send {
		c.send(now, m)
	}
	if out.Result == nil {
		return
	}
	code := coap.Empty // no answer
	switch out.Result.Outcome {
	case exchange.Answered:
		code = out.Result.Response.Code
	case exchange.NotAcknowledged:
		c.counters.Unheard++
	}
	if !code.IsSuccess() {
		c.counters.Refused++
		c.tell(Event{Kind: Refused, Code: code})
	}
	switch c.asked {
	case toRegister:
		c.registerAnswered(now, code, &out.Result.Response)
	case toUpdate:
		c.updateAnswered(now, code)
	case toLeave:
		if code.IsSuccess() {
			c.tell(Event{Kind: Deregistered})
		}
		c.left(now)
	case toReport:
		c.sendAnswered(now, code)
	}
}

func (c *Client) registerAnswered(now time.Time, code coap.Code, m *coap.Message) {
	switch {
	case code == coap.Created && m.LocationPath() != "":
		c.becomeRegistered(now, m.LocationPath())
	case code == coap.PreconditionFailed && lwm2m.V1_0.Less(c.Version()):
		c.become(lwm2m.Version{Major: 1, Minor: c.Version().Minor - 1})
		c.wait(now, 0)
	default:
		c.attempts++
		c.wait(now, c.retryDelay(now, m))
	}
}

func (c *Client) becomeRegistered(now time.Time, location string) {
	c.phase, c.location, c.attempts = registered, location, 0
	c.agreed = c.offered
	c.scheduleUpdate(now)
	if s := c.product.options.Send; s.Every > 0 && c.sendAt.IsZero() {
		c.sendAt = now.Add(s.Every)
	}
	c.counters.Registrations++
	c.tell(Event{Kind: Registered, Path: location})
}

// updateAnswered registers again where the registration is lost. A server that
// says nothing, or that it cannot, is asked to take the whole anew.
func (c *Client) updateAnswered(now time.Time, code coap.Code) {
	if code == coap.Changed {
		c.agreed, c.offline = c.offered, false
		c.scheduleUpdate(now)
		c.counters.Updates++
		c.tell(Event{Kind: Updated, Path: c.location})
		return
	}
	c.wait(now, 0)
}

// scheduleUpdate leaves time for the repetitions of an Update before the
// registration ends, or half of a short lifetime.
func (c *Client) scheduleUpdate(now time.Time) {
	life := time.Duration(c.agreed.lifetime) * time.Second
	c.at = now.Add(max(life/2, life-exchange.MaxTransmitWait))
	if life == 0 {
		c.at = time.Time{}
	}
}

// maxRetryDelay bounds the wait before a Register is tried again.
const maxRetryDelay = 24 * time.Hour

// retryDelay doubles with each failure (/1/0/17 and /1/0/18), up to the length
// that it has after the last of a sequence, or is what the server asks for.
func (c *Client) retryDelay(now time.Time, m *coap.Message) time.Duration {
	if age, ok := m.Uint(coap.OptMaxAge); ok && m.Code == coap.ServiceUnavailable {
		return min(time.Duration(age)*time.Second, maxRetryDelay)
	}
	count, timer := uint64(5), uint64(10)
	if v := c.tree.Value(pathRetryCount, now); v.Kind() == lwm2m.KindUnsigned {
		count = v.Uint()
	}
	if v := c.tree.Value(pathRetryTimer, now); v.Kind() == lwm2m.KindUnsigned {
		timer = min(max(v.Uint(), 1), uint64(maxRetryDelay/time.Second))
	}
	doublings := min(uint64(c.attempts), max(count, 1), 20) - 1
	delay := time.Duration(timer) * time.Second << doublings
	return min(delay, maxRetryDelay) + time.Duration(c.random.Uint64()%uint64(time.Second))
}
