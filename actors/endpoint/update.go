package endpoint

import (
	"slices"
	"time"

	"dormouse/actors/intake"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// located reports whether the request names the registration that is alive.
func (e *Endpoint) located(m *coap.Message) bool {
	return e.known && e.at.Registered && intake.Location(m) == ids.Location{Endpoint: e.id, Count: uint8(e.at.Count)}
}

// update handles POST /rd/{location} (OMA Core 6.2.2). What it does not name
// stays; an object list replaces the whole list. Without parameters it only
// refreshes, and only the small record is written.
func (e *Endpoint) update(now time.Time, d *Datagram, fx *Effects) {
	m := &d.Message
	if !e.located(m) {
		e.misplaced(now, d, fx)
		return
	}
	if len(m.Payload) > 0 || hasQuery(m) {
		if !e.change(now, d, fx) {
			return
		}
	}
	e.at.LastUpdate = now
	e.wakesUp()
	e.contacted(now)
	e.moved(d.Path, fx)
	e.arm(now, fx)
	e.reply(now, d, exchange.Answer{Code: coap.Changed, Format: lwm2m.FormatNone}, fx)
	e.repeatSlept(now, fx)
	fx.notice(Updated, e.name(), "")
}

// repeatSlept sends the request under way again that a device in queue mode has
// slept through: by the next repetition it may sleep again.
func (e *Endpoint) repeatSlept(now time.Time, fx *Effects) {
	if e.task == nil || !e.at.Queue || now.Sub(e.task.since) < exchange.DefaultAckTimeout || e.task.stale(now) {
		return
	}
	e.repeat(fx)
}

// repeat sends the request under way again, if it is not acknowledged.
func (e *Endpoint) repeat(fx *Effects) {
	if m := e.client.Repeat(); m != nil {
		e.approach(m, fx)
	}
}

// misplaced refuses a location that is not the device's present one.
func (e *Endpoint) misplaced(now time.Time, d *Datagram, fx *Effects) {
	if d.Sealed && intake.Location(&d.Message).Endpoint != e.id {
		e.refuse(now, d, coap.Forbidden, UpdateRefused, "the registration belongs to another identity", fx)
		return
	}
	e.refuse(now, d, coap.NotFound, UpdateRefused, "no such registration", fx)
}

func hasQuery(m *coap.Message) bool {
	_, ok := m.Option(coap.OptUriQuery)
	return ok
}

// change takes the parameters of an Update; false: it was answered.
func (e *Endpoint) change(now time.Time, d *Datagram, fx *Effects) bool {
	q, ok := e.query(now, d, UpdateRefused, e.reg().Version, fx)
	if !ok {
		return false
	}
	body, ok := e.uploaded(now, d, fx)
	if !ok {
		return false
	}
	if len(body) > 0 {
		list, code, reason := objectList(&d.Message, body, e.reg().Objects.Root)
		if reason != "" {
			e.refuse(now, d, code, UpdateRefused, reason, fx)
			return false
		}
		e.setObjects(list)
	}
	e.merge(&q)
	return true
}

// setObjects replaces the object list. Formats stay where the new list does
// not repeat the root link: clients leave it out.
func (e *Endpoint) setObjects(list link.ObjectList) {
	old := &e.reg().Objects
	if list.Formats == nil {
		list.Formats = old.Formats
	}
	if list.Root == old.Root && slices.Equal(list.Formats, old.Formats) && slices.Equal(list.Objects, old.Objects) {
		return
	}
	e.reg().Objects = list
	e.saveRegistration = true
}

// merge sets the parameters that are given.
func (e *Endpoint) merge(q *query.Registration) {
	r := e.reg()
	set(e, &r.Lifetime, q.Lifetime, q.HasLifetime)
	set(e, &r.Binding, q.Binding, q.HasBinding)
	set(e, &r.Queue, q.Queue, q.Queue || q.HasBinding && r.Version == lwm2m.V1_0)
	set(e, &r.SMS, q.SMS, q.SMS != "")
	set(e, &r.AwakeTime, q.AwakeTime, q.HasAwakeTime)
	set(e, &r.HasAwake, true, q.HasAwakeTime)
	for _, p := range q.Extra {
		i := slices.IndexFunc(r.Extra, func(o query.Pair) bool { return o.Name == p.Name })
		switch {
		case i < 0 && len(r.Extra) < query.MaxParameters:
			r.Extra = append(r.Extra, p)
			e.saveRegistration = true
		case i >= 0:
			set(e, &r.Extra[i], p, true)
		}
	}
}

// set writes the record only where something changes.
func set[T comparable](e *Endpoint, field *T, value T, given bool) {
	if given && *field != value {
		*field = value
		e.saveRegistration = true
	}
}

// deregister handles DELETE /rd/{location} (OMA Core 6.2.3).
func (e *Endpoint) deregister(now time.Time, d *Datagram, fx *Effects) {
	if !e.located(&d.Message) {
		e.misplaced(now, d, fx)
		return
	}
	e.contacted(now)
	e.unregister(now, fx)
	e.reg().Observations, e.reg().Attributes, e.at.Marks = nil, nil, nil
	e.reply(now, d, exchange.Answer{Code: coap.Deleted, Format: lwm2m.FormatNone}, fx)
	fx.notice(Deregistered, e.name(), "")
}
