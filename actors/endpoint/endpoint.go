package endpoint

import (
	"fmt"
	"net/netip"
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// Endpoint is the state of one LwM2M client. One goroutine owns it.
type Endpoint struct {
	shard *Shard
	id    ids.Endpoint

	known bool // there is a record
	at    Contact
	whole *Registration // nil: not read yet; see reg

	answers exchange.Answers
	mids    exchange.MIDs
	upload  *exchange.Upload // nil until a body comes in blocks
	client  *exchange.Client // nil until something is asked
	task    *task            // what client is busy with, nil for nothing
	fetches []fetch          // notifications whose rest is to be fetched

	queue  []*operations.Operation // those that have not ended, oldest first; nil: not read yet
	queued bool                    // queue is read
	script *script                 // the command of the oldest one; nil: not parsed
	tried  []ids.Operation         // acknowledged and not answered in this wake-up: younger ones go first
	values map[lwm2m.Path]int64    // stored resources and the time of their value in ns; nil: not read yet

	secure secure       // what DTLS needs, nothing for others
	proof  *Credentials // those that were changed since it is in memory; nil: what is stored counts

	signed bool // the signpost of the address was set since it is in memory, or is about to be

	saveRegistration, saveContact bool
}

// New is an endpoint that nothing is known of.
func New(s *Shard, id ids.Endpoint) *Endpoint {
	return &Endpoint{shard: s, id: id, whole: &Registration{Settings: Settings{Format: lwm2m.FormatNone}}}
}

// Load builds an endpoint from its contact. The registration is read when it
// is needed: an Update without parameters does not.
func Load(s *Shard, id ids.Endpoint, contact []byte) (e *Endpoint, err error) {
	e = &Endpoint{shard: s, id: id}
	if err := e.at.Parse(contact); err != nil {
		return nil, fmt.Errorf("endpoint %016x: contact: %w", uint64(id), err)
	}
	if e.known = !e.at.Bare; !e.known {
		e.whole = New(s, id).whole
	}
	e.answers, err = exchange.ParseAnswers(e.at.Answers)
	if err != nil {
		return nil, fmt.Errorf("endpoint %016x: answers: %w", uint64(id), err)
	}
	e.at.Answers = nil
	e.mids.Last = e.at.MessageID
	return e, nil
}

// LoadFrom reads the contact of an endpoint and builds it; one that has none
// is New.
func LoadFrom(s *Shard, id ids.Endpoint) (*Endpoint, error) {
	key := wire.EndpointKey(id)
	contact, found, err := s.Env.State.Get(s.ID, wire.ClassContact, key, nil)
	if err != nil {
		return nil, fmt.Errorf("endpoint %016x: read contact: %w", uint64(id), err)
	}
	if !found {
		return New(s, id), nil
	}
	return Load(s, id, contact)
}

// reg is the registration. Where it cannot be read the endpoint cannot go on:
// the panic stops its actor, and the next event tries again.
func (e *Endpoint) reg() *Registration {
	if e.whole == nil {
		e.readRegistration()
	}
	return e.whole
}

func (e *Endpoint) readRegistration() {
	raw, found, err := e.shard.Env.State.Get(e.shard.ID, wire.ClassRegistration, wire.EndpointKey(e.id), nil)
	if err == nil && !found {
		err = ErrRecord
	}
	if err == nil {
		e.whole, err = ParseRegistration(raw)
	}
	if err != nil {
		panic(fmt.Sprintf("endpoint %016x: read registration: %v", uint64(e.id), err))
	}
}

// name is the endpoint's name for notices, "" where it was not read.
func (e *Endpoint) name() string {
	if e.whole == nil {
		return ""
	}
	return e.whole.Name
}

// Handle takes one event and adds what is to be done to fx.
func (e *Endpoint) Handle(now time.Time, ev Event, fx *Effects) {
	switch ev := ev.(type) {
	case *Datagram:
		if !e.datagram(now, ev, fx) {
			fx.Wake = e.wake()
			return // what is not the device's sets nothing going
		}
	case Tick:
		e.tick(now, fx)
	case Deadline:
		e.deadline(now, ev, fx)
	case *Submit:
		e.submit(now, ev, fx)
	case *SetOperation:
		e.setOperation(now, ev, fx)
	case *DropOperation:
		e.dropOperation(ev, fx)
	case *SetFragments:
		e.setFragments(ev, fx)
	case *Remove:
		e.remove(ev, fx)
	case Sweep:
		e.sweep(now, fx)
	case *Establish:
		e.establish(now, ev, fx)
	case *SetCredentials:
		e.setCredentials(now, ev, fx)
	case *DropCredentials:
		e.dropCredentials(now, ev, fx)
	case *Reseal:
		e.reseal(ev, fx)
	default:
		panic(fmt.Sprintf("endpoint: unknown event %T", ev))
	}
	e.summarize()
	e.kick(now, fx)
	e.save(now, fx)
	fx.Wake = e.wake()
}

// Busy reports state that lives in memory alone and is worth keeping: the
// endpoint must not be passivated.
func (e *Endpoint) Busy() bool {
	return e.task != nil || len(e.fetches) > 0
}

// Waiting reports a body that comes in blocks and is not whole. It is kept as
// long as there is room: a device that finds it gone (4.08) begins anew.
func (e *Endpoint) Waiting() bool { return e.upload != nil && !e.upload.Deadline().IsZero() }

// Left says that the endpoint has left the memory: what it held of the shard's
// bounds is free.
func (e *Endpoint) Left() {
	if e.upload != nil {
		e.shard.uploads -= e.upload.Len()
		e.upload = nil
	}
}

// Owns reports whether a message with that token may be for this endpoint.
func (e *Endpoint) Owns(token []byte) bool {
	return e.client != nil && e.client.Owns(token) ||
		e.known && (e.reg().Observations.ByToken(token) >= 0 || e.attempted(token) != nil)
}

// save writes the records that changed.
func (e *Endpoint) save(now time.Time, fx *Effects) {
	if !e.known && !e.at.Secured {
		e.saveRegistration, e.saveContact = false, false
		return
	}
	e.secure.keep(&e.at, &e.saveContact)
	b := e.id.Append(e.shard.scratch[:0])
	key := b[:len(b):len(b)]
	if e.saveRegistration {
		b = e.reg().AppendAt(e.shard.Env.level(), b)
		fx.Batch.Put(wire.ClassRegistration, key, b[len(key):])
	}
	if e.saveContact || e.saveRegistration {
		e.summarize()
		e.at.MessageID = e.mids.Last
		b = e.answers.Append(e.at.Append(b[:len(key)]), now, storedAnswers)
		fx.Batch.Put(wire.ClassContact, key, b[len(key):])
	}
	e.shard.scratch = b[:0]
	e.saveRegistration, e.saveContact = false, false
}

// wake is the earliest deadline that lives in memory.
func (e *Endpoint) wake() time.Time {
	var at time.Time
	add := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if e.task != nil {
		add(e.client.Deadline())
		add(e.task.deadline)
	}
	if e.upload != nil {
		add(e.upload.Deadline())
	}
	return at
}

// tick looks at every deadline that lives in memory.
func (e *Endpoint) tick(now time.Time, fx *Effects) {
	if e.upload != nil {
		e.uploading(func() { e.upload.Tick(now) })
	}
	if e.task == nil {
		return
	}
	if !now.Before(e.task.deadline) {
		outcome := exchange.NotAcknowledged
		if e.client.Acknowledged() {
			outcome = exchange.NotAnswered
		}
		e.client.Abort()
		e.finish(now, &exchange.Result{Outcome: outcome, Err: errRequestTimeout}, fx)
		return
	}
	out := e.client.Tick(now)
	if len(out.Send) > 0 && e.task.stale(now) {
		e.client.Abort()
		out = exchange.Out{Result: &exchange.Result{Outcome: exchange.NotAcknowledged}}
	}
	e.exchanged(now, out, e.at.Path, fx)
}

// peerHash shortens a peer address for duplicate detection (FNV-1a: it is
// stored, so it is the same after a restart).
func peerHash(p netip.AddrPort) uint32 {
	b := p.Addr().As16()
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	h = (h ^ uint32(p.Port()>>8)) * 16777619
	return (h ^ uint32(p.Port()&0xff)) * 16777619
}
