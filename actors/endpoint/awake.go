package endpoint

import (
	"time"

	"dormouse/codec/exchange"
	"dormouse/codec/wire"
)

// window is the awake time that the device's setting or else its registration
// gives; 0 means for ever.
func (r *Registration) window() (awake time.Duration, given bool) {
	if r.Settings.HasAwake {
		return r.Settings.AwakeTime, true
	}
	return r.AwakeTime, r.HasAwake
}

// Listens reports that a device which is registered is believed to listen: it can
// be reached, and its window is not over.
func (c *Contact) Listens(now time.Time, node *Config) bool {
	if c.Asleep || c.Secured && c.Session == nil {
		return false
	}
	window := c.awakeFor(node)
	return window == 0 || now.Sub(c.LastContact) <= window
}

// awakeFor is how long the device listens after a message; 0 means for ever.
// What its setting or registration say counts before the node's value.
func (c *Contact) awakeFor(node *Config) time.Duration {
	switch {
	case c.HasWindow:
		return c.Window
	case node.AwakeTime >= 0:
		return node.AwakeTime
	case c.Queue:
		return exchange.MaxTransmitWait // OMA Transport 6.5
	}
	return 0
}

// awake reports that the device is believed to listen now.
func (e *Endpoint) awake(now time.Time) bool {
	return e.known && e.at.Registered && e.at.Listens(now, e.shard.Env.Settings())
}

// wakesUp begins a new wake-up: what was tried in vain may go out again.
func (e *Endpoint) wakesUp() {
	e.at.Redelivered = 0
	e.tried = nil
}

// contacted takes note of a message from the device. A new wake-up begins if
// it was not awake.
func (e *Endpoint) contacted(now time.Time) {
	if !e.awake(now) {
		e.wakesUp()
	}
	e.at.LastContact = now
	e.at.Asleep = false
	e.saveContact = true
}

// Expiry is when the registration ends unless it is updated; zero for never.
// Outages of its shard put it off: Outages.Defer, from LastUpdate.
func Expiry(c *Contact, grace time.Duration) time.Time {
	if !c.Registered || c.Lifetime <= 0 {
		return time.Time{}
	}
	return c.LastUpdate.Add(time.Duration(min(c.Lifetime, maxLifetime))*time.Second + grace)
}

// expiry is Expiry with the grace, in time in which the device could be heard.
func (e *Endpoint) expiry() time.Time {
	end := Expiry(&e.at, e.shard.Env.Settings().LifetimeGrace)
	if end.IsZero() {
		return end
	}
	return e.shard.Served.Outages.Defer(e.at.LastUpdate, end)
}

// maxLifetime keeps an expiry within what a Duration holds: 200 years.
const maxLifetime = 200 * 365 * 86400

// arm makes sure that a durable timer fires at the registration's end or
// before. The timer is lazy: an update that moves the end away leaves it.
func (e *Endpoint) arm(now time.Time, fx *Effects) {
	e.summarize()
	end := e.expiry()
	if end.IsZero() {
		return
	}
	ms := max(end.UnixMilli(), now.UnixMilli()+1000)
	if e.at.Timer != 0 && e.at.Timer <= ms {
		return
	}
	e.at.Timer = ms
	e.saveContact = true
	fx.Batch.Put(wire.ClassTimer, wire.TimerKey(time.UnixMilli(ms), e.id), nil)
}

// deadline handles a durable timer: one that was superseded is ignored, an
// early one is armed again, a true one ends the registration.
func (e *Endpoint) deadline(now time.Time, ev Deadline, fx *Effects) {
	if !e.known || ev.At != e.at.Timer {
		return
	}
	e.at.Timer = 0
	e.saveContact = true
	end := e.expiry()
	if end.IsZero() || end.After(now) {
		e.arm(now, fx)
		return
	}
	e.unregister(now, fx)
	fx.notice(Expired, e.name(), "")
}

// unregister ends the registration and what runs under it.
func (e *Endpoint) unregister(now time.Time, fx *Effects) {
	e.interrupt(now, fx)
	e.reg().Registered = false
	e.saveRegistration = true
	e.fetches = nil
	if e.at.Signposted {
		fx.Signposts = append(fx.Signposts, Signpost{Sign: wire.AddressSign(e.at.Path.Peer), Clear: true})
		e.at.Signposted = false
	}
}
