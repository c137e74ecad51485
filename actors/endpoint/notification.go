package endpoint

import (
	"time"

	"dormouse/actors/observe"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// fetch is a notification of which only the first block is here.
type fetch struct {
	observation int
	first       *coap.Message
}

// response handles what is no request: answers to ours, notifications, and
// strays. Plain CoAP trusts only the registered address; of a sealed datagram
// the path is the session's already.
func (e *Endpoint) response(now time.Time, d *Datagram, fx *Effects) {
	m := &d.Message
	if !e.known || d.Path.Peer != e.at.Path.Peer {
		fx.notice(StrayMessage, e.name(), "not from the registered address")
		return
	}
	resumed := e.resume(now, m)
	if e.client != nil { // it claims only what belongs to its request
		if out, mine := e.client.Handle(now, m, &e.mids); mine {
			e.contacted(now)
			if resumed {
				e.executing(now, e.task.op, fx)
			}
			e.exchanged(now, out, d.Path, fx)
			return
		}
	}
	if resumed {
		e.abandon(e.task.op)
	}
	if !m.Code.IsResponse() || m.Type == coap.Acknowledgement {
		if e.pinged(d) {
			e.contacted(now)
		}
		return // late: its request is over
	}
	if i := e.reg().Observations.ByToken(m.Token); i >= 0 && e.at.Registered {
		e.notification(now, d, i, fx)
		return
	}
	e.transmit(d.Path, exchange.Rst(m), fx) // ends an observation that we do not have (RFC 7641 section 3.6)
	fx.notice(StrayMessage, e.name(), "unknown token")
}

// notification takes one message of an observation (RFC 7641 section 3.4; OMA
// Core 6.4.2): old ones are acknowledged and dropped, an error ends the
// observation, an undecodable one is an event and no end.
func (e *Endpoint) notification(now time.Time, d *Datagram, i int, fx *Effects) {
	m := &d.Message
	sequence, observed := m.Observe()
	switch {
	case !m.Code.IsSuccess() || !observed:
		e.acknowledge(d, fx)
		e.contacted(now)
		fx.notice(ObservationEnded, e.name(), m.Code.String())
		e.dropObservation(i)
		return
	case m.BadOption != 0:
		e.transmit(d.Path, exchange.Rst(m), fx)
		return
	case !e.fresh(i, sequence, now):
		e.acknowledge(d, fx)
		fx.notice(NotificationOld, e.name(), "")
		return
	case e.shard.Env.Full():
		return // not acknowledged: the device repeats it, or its next value comes
	}
	e.contacted(now)
	e.acknowledge(d, fx)
	e.dropFetch(i)
	e.mark(i, observe.Mark{Sequence: sequence, At: now})
	if b, ok, err := m.Block(coap.OptBlock2); err == nil && ok && b.More {
		e.fetches = append(e.fetches, fetch{i, m.Clone()})
		return
	}
	e.notified(now, i, m, fx)
}

func (e *Endpoint) acknowledge(d *Datagram, fx *Effects) {
	if d.Message.Type == coap.Confirmable {
		e.transmit(d.Path, exchange.Ack(&d.Message), fx)
	}
}

func (e *Endpoint) fresh(i int, sequence uint32, now time.Time) bool {
	if i >= len(e.at.Marks) || e.at.Marks[i].At.IsZero() {
		return true
	}
	last := e.at.Marks[i]
	return exchange.Fresher(last.Sequence, last.At, sequence, now)
}

func (e *Endpoint) mark(i int, m observe.Mark) {
	for len(e.at.Marks) <= i {
		e.at.Marks = append(e.at.Marks, observe.Mark{})
	}
	e.at.Marks[i] = m
	e.saveContact = true
}

// notified keeps the values of a whole notification.
func (e *Endpoint) notified(now time.Time, i int, m *coap.Message, fx *Effects) {
	o := &e.reg().Observations[i]
	nodes, err := e.observed(o, m)
	if err != nil {
		fx.notice(NotificationBad, e.name(), err.Error())
		return
	}
	if !o.Composite {
		e.dropInstances(o.Paths[0], nodes, fx)
	}
	e.store(now, nodes, fx)
	fx.notice(Notified, e.name(), "")
}

// observed decodes a notification and checks that it holds what was asked for.
func (e *Endpoint) observed(o *observe.Observation, m *coap.Message) ([]lwm2m.Node, error) {
	var base lwm2m.Path
	if !o.Composite && len(o.Paths) == 1 {
		base = o.Paths[0]
	}
	nodes, err := e.decode(m.ContentFormat(), base, m.Payload)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if !o.Covers(n.Path) && !(n.Value.Kind() == lwm2m.KindNone && containsAny(n.Path, o.Paths)) {
			return nil, foreignPath(n.Path)
		}
	}
	return nodes, nil
}

// containsAny allows the empty container above an observed path.
func containsAny(p lwm2m.Path, paths []lwm2m.Path) bool {
	for _, q := range paths {
		if p.Contains(q) {
			return true
		}
	}
	return false
}

type foreignPath lwm2m.Path

func (p foreignPath) Error() string {
	return "endpoint: notification holds " + lwm2m.Path(p).String() + ", which is not observed"
}

// dropObservation forgets one; those behind it move up, with their marks and
// fetches.
func (e *Endpoint) dropObservation(i int) {
	e.dropFetch(i)
	e.reg().Observations = append(e.reg().Observations[:i:i], e.reg().Observations[i+1:]...)
	if i < len(e.at.Marks) {
		e.at.Marks = append(e.at.Marks[:i:i], e.at.Marks[i+1:]...)
	}
	for k := range e.fetches {
		if e.fetches[k].observation > i {
			e.fetches[k].observation--
		}
	}
	e.saveRegistration = true
}

// dropFetch forgets the rest of an older notification: a newer one is here.
func (e *Endpoint) dropFetch(i int) {
	kept := e.fetches[:0]
	for _, f := range e.fetches {
		if f.observation != i {
			kept = append(kept, f)
		}
	}
	e.fetches = kept
	if t := e.task; t != nil && t.kind == taskFetch && t.token == e.reg().Observations[i].Token {
		e.client.Abort()
		e.task = nil
	}
}
