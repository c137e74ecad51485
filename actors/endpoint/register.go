package endpoint

import (
	"errors"
	"time"

	"dormouse/actors/observe"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
	"dormouse/codec/wire"
)

// defaultLifetime is the lifetime of a Register without `lt`, in seconds
// (OMA Core 6.2.1.1).
const defaultLifetime = 86400

// register handles POST /rd (OMA Core 6.2.1): the whole of what is known is
// checked before anything is changed.
func (e *Endpoint) register(now time.Time, d *Datagram, fx *Effects) {
	q, body, ok := e.parameters(now, d, RegisterRefused, lwm2m.Version{}, fx)
	if !ok {
		return
	}
	list, code, reason := e.objectList(&d.Message, &q, body, "")
	switch {
	case e.known && q.Endpoint != e.reg().Name:
		code, reason = coap.Forbidden, "another endpoint has this hash" // once in 2^64
	case !e.known && !e.shard.Env.Config.AcceptUnknown:
		code, reason = coap.Forbidden, "unknown endpoint"
	case !e.known && e.shard.Env.Full():
		code, reason = coap.ServiceUnavailable, "no space for a new registration"
	}
	if reason != "" {
		e.refuse(now, d, code, RegisterRefused, reason, fx)
		return
	}
	if e.reg().Registered {
		fx.notice(Replaced, e.name(), "")
	}
	e.interrupt(now, fx)
	if !e.known {
		e.create(now, q.Endpoint)
	}
	e.begin(now, &q, list)
	e.moved(now, d.Path, fx)
	e.arm(now, fx)
	a := exchange.Answer{Code: coap.Created, Format: lwm2m.FormatNone, Options: []coap.Option{
		{ID: coap.OptLocationPath, Value: []byte("rd")},
		{ID: coap.OptLocationPath, Value: e.reg().Location(e.id).Append(nil)},
	}}
	e.reply(now, d, a, fx)
	fx.notice(Registered, e.name(), "")
}

// parameters reads the query and the body, which may come in blocks, and
// answers what is wrong with them. version is that of the registration for an
// Update, zero for a Register.
func (e *Endpoint) parameters(now time.Time, d *Datagram, kind NoticeKind, version lwm2m.Version, fx *Effects) (q query.Registration, body []byte, ok bool) {
	m := &d.Message
	q, err := query.ParseRegistration(m.Queries())
	if err == nil {
		err = q.Validate(version)
	}
	if err != nil {
		e.refuse(now, d, registrationCode(err), kind, err.Error(), fx)
		return q, nil, false
	}
	body, ok = e.uploaded(now, d, fx)
	return q, body, ok
}

func registrationCode(err error) coap.Code {
	if errors.Is(err, query.ErrVersion) {
		return coap.PreconditionFailed
	}
	return coap.BadRequest
}

// uploaded is the body of a request once it is whole; until then the blocks
// are answered here.
func (e *Endpoint) uploaded(now time.Time, d *Datagram, fx *Effects) (body []byte, done bool) {
	if e.upload == nil {
		if _, blocked := d.Message.Option(coap.OptBlock1); !blocked && len(d.Message.Payload) <= maxBody {
			return d.Message.Payload, true
		}
		e.upload = new(exchange.Upload)
	}
	body, done, a := e.upload.Handle(now, &d.Message, maxBody)
	if a != nil {
		e.reply(now, d, *a, fx)
	}
	return body, done
}

// objectList is the list of a Register, or of the profile it names. An empty
// reason means that all is well. root is the one that an Update's list may
// leave out.
func (e *Endpoint) objectList(m *coap.Message, q *query.Registration, body []byte, root string) (list link.ObjectList, code coap.Code, reason string) {
	if len(body) == 0 {
		if q.ProfileID == "" {
			return list, coap.BadRequest, "a Register needs an object list"
		}
		list, known := e.shard.Env.Config.Profiles[q.ProfileID]
		if !known {
			return list, coap.Conflict, "unknown profile ID"
		}
		return list, 0, ""
	}
	if f := m.ContentFormat(); f != lwm2m.FormatLink && f != lwm2m.FormatNone {
		return list, coap.BadRequest, "the object list is no application/link-format"
	}
	list, err := link.ParseUpdate(body, root)
	if err != nil {
		return list, coap.BadRequest, err.Error()
	}
	return list, 0, ""
}

// create begins the records of a device that was not known.
func (e *Endpoint) create(now time.Time, name string) {
	e.known = true
	e.reg().Name, e.reg().Created = name, now
	e.mids.Last = uint16(e.shard.Env.Random())
	e.at = Contact{MessageID: e.mids.Last}
	e.reg().Count = uint16(e.shard.Env.Random()) // a device that was deleted does not get its old locations
	e.queued, e.values = true, map[lwm2m.Path]int64{}
}

// begin sets what a Register says, and forgets what held for the one before:
// the device dropped its observers, attributes and duplicate detection.
func (e *Endpoint) begin(now time.Time, q *query.Registration, list link.ObjectList) {
	r := e.reg()
	r.Registered, r.Since = true, now
	r.Count++
	r.Version = q.EnablerVersion()
	r.Lifetime = defaultLifetime
	if q.HasLifetime {
		r.Lifetime = q.Lifetime
	}
	r.Binding = "U"
	if q.HasBinding {
		r.Binding = q.Binding
	}
	r.Queue, r.SMS, r.Profile = q.Queue, q.SMS, q.ProfileID
	r.AwakeTime, r.HasAwake = q.AwakeTime, q.HasAwakeTime
	r.Extra, r.Objects, r.Refused = q.Extra, list, nil
	for i := range r.Observations {
		r.Observations[i].Pending = true
	}
	for i := range r.Attributes {
		r.Attributes[i].Pending = true
	}
	e.at.Marks = make([]observe.Mark, len(r.Observations))
	e.saveRegistration = true
	e.client, e.fetches = nil, nil
	e.at.LastUpdate = now
	e.at.Redelivered = 0
	e.contacted(now)
}

// moved takes the path that a Register or Update came by as the way back.
func (e *Endpoint) moved(now time.Time, path wire.ReturnPath, fx *Effects) {
	old := e.at.Path
	e.at.Path = path
	if old.Peer == path.Peer && e.at.Signposted {
		return
	}
	if old.Peer.IsValid() && old.Peer != path.Peer {
		fx.Signposts = append(fx.Signposts, Signpost{Peer: old.Peer, Clear: true})
	}
	fx.Signposts = append(fx.Signposts, Signpost{Peer: path.Peer})
	e.at.Signposted = true
}
