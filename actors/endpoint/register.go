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

// register handles POST /rd (OMA Core 6.2.1): the whole of what is known is
// checked before anything is changed.
func (e *Endpoint) register(now time.Time, d *Datagram, fx *Effects) {
	q, ok := e.query(now, d, RegisterRefused, lwm2m.Version{}, fx)
	if !ok {
		return
	}
	code, reason := e.barred(d, &q)
	if reason != "" {
		e.refuse(now, d, code, RegisterRefused, reason, fx)
		return
	}
	body, ok := e.uploaded(now, d, fx)
	if !ok {
		e.hold(now, fx)
		return
	}
	list, code, reason := e.registeredList(&d.Message, &q, body)
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
	e.at.Signposted = false // another device may have had our address meanwhile
	e.moved(d.Path, fx)
	e.arm(now, fx)
	a := exchange.Answer{Code: coap.Created, Format: lwm2m.FormatNone, Options: []coap.Option{
		{ID: coap.OptLocationPath, Value: []byte("rd")},
		{ID: coap.OptLocationPath, Value: e.reg().Location(e.id).Append(nil)},
	}}
	e.reply(now, d, a, fx)
	fx.notice(Registered, e.name(), "")
}

// hold keeps requests back while a Register comes in blocks: the device may
// have restarted, and its memory of message IDs is of no use then.
func (e *Endpoint) hold(now time.Time, fx *Effects) {
	if e.known && e.at.Registered {
		e.interrupt(now, fx)
		e.at.Asleep, e.saveContact = true, true
	}
}

// barred tells why a device may not register, before anything of its body is
// kept. Where the session says who it is, q need not.
func (e *Endpoint) barred(d *Datagram, q *query.Registration) (code coap.Code, reason string) {
	if d.Sealed {
		name, err := e.boundName()
		switch {
		case err != nil:
			return coap.Forbidden, "no credentials"
		case q.HasEndpoint && q.Endpoint != name:
			return coap.Forbidden, "the endpoint belongs to another identity"
		}
		q.Endpoint = name
	}
	switch {
	case q.Endpoint == "":
		return coap.BadRequest, "a Register needs ep"
	case e.known && q.Endpoint != e.reg().Name:
		return coap.Forbidden, "another endpoint has this hash" // once in 2^64
	case e.known:
		return 0, ""
	case !e.shard.Env.Settings().AcceptUnknown && !d.Sealed:
		return coap.Forbidden, "unknown endpoint"
	case e.shard.Env.Full():
		return coap.ServiceUnavailable, "no space for a new registration"
	}
	return 0, ""
}

// query reads the parameters, and answers what is wrong with them. version is
// that of the registration for an Update, zero for a Register.
func (e *Endpoint) query(now time.Time, d *Datagram, kind NoticeKind, version lwm2m.Version, fx *Effects) (q query.Registration, ok bool) {
	q, err := query.ParseRegistration(d.Message.Queries())
	if err == nil {
		err = q.Validate(version)
	}
	if err != nil {
		e.refuse(now, d, registrationCode(err), kind, err.Error(), fx)
		return q, false
	}
	return q, true
}

func registrationCode(err error) coap.Code {
	if errors.Is(err, query.ErrVersion) {
		return coap.PreconditionFailed
	}
	return coap.BadRequest
}

// maxUploads bounds the bodies of a shard that are not whole, in bytes: strangers
// could begin one for each name that they invent.
const maxUploads = 4 << 20

// uploaded is the body of a request once it is whole; until then the blocks
// are answered here.
func (e *Endpoint) uploaded(now time.Time, d *Datagram, fx *Effects) (body []byte, done bool) {
	if _, blocked := d.Message.Option(coap.OptBlock1); !blocked && len(d.Message.Payload) <= maxBody {
		return d.Message.Payload, true
	}
	if e.upload == nil {
		e.upload = new(exchange.Upload)
	}
	if e.shard.uploads+len(d.Message.Payload) > maxUploads {
		e.reply(now, d, exchange.Answer{Code: coap.ServiceUnavailable, Format: lwm2m.FormatNone}, fx)
		return nil, false
	}
	var a *exchange.Answer
	e.uploading(func() { body, done, a = e.upload.Handle(now, &d.Message, maxBody) })
	if a != nil {
		e.reply(now, d, *a, fx)
	}
	return body, done
}

// uploading counts what f changes of the body that is not whole.
func (e *Endpoint) uploading(f func()) {
	before := e.upload.Len()
	f()
	e.shard.uploads += e.upload.Len() - before
}

// create begins the records of a device that was not known.
func (e *Endpoint) create(now time.Time, name string) {
	e.known = true
	e.reg().Name, e.reg().Created = name, now
	e.mids.Last = uint16(e.shard.Env.Random())
	e.at = Contact{MessageID: e.mids.Last, Secured: e.at.Secured,
		Session: e.at.Session, Secret: e.at.Secret, Path: e.at.Path, Unproven: e.at.Unproven}
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
	r.Lifetime = query.DefaultLifetime
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
	e.wakesUp()
	e.contacted(now)
}

// moved takes the path that a Register or Update came by as the way back.
func (e *Endpoint) moved(path wire.ReturnPath, fx *Effects) {
	if e.at.Secured {
		return // the session's path is the way back
	}
	old := e.at.Path
	e.at.Path = path
	if old.Peer == path.Peer && e.at.Signposted {
		return
	}
	if old.Peer.IsValid() && old.Peer != path.Peer {
		fx.Signposts = append(fx.Signposts, Signpost{Sign: wire.AddressSign(old.Peer), Clear: true})
	}
	fx.Signposts = append(fx.Signposts, Signpost{Sign: wire.AddressSign(path.Peer)})
	e.at.Signposted, e.signed = true, true
}

// signpostAgain sets the signpost that the answer to a duplicate presumes. It lies in
// another shard as a rule, and with the leadership of this one it may have been lost
// though the record that says so was committed.
func (e *Endpoint) signpostAgain(d *Datagram, fx *Effects) {
	if !e.signed && e.known && e.at.Registered && e.at.Signposted && !d.Sealed && d.Path.Peer == e.at.Path.Peer {
		fx.Signposts = append(fx.Signposts, Signpost{Sign: wire.AddressSign(d.Path.Peer)})
		e.signed = true
	}
}
