package endpoint

import (
	"errors"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

var errRequestTimeout = errors.New("endpoint: no answer within the request time-out")

// taskKind is why something is asked of the device.
type taskKind uint8

const (
	taskOperation  taskKind = iota + 1 // a line of an operation
	taskCancel                         // the end of the observation that the line asks for
	taskFetch                          // the rest of a notification
	taskAttributes                     // attributes set again after a Register
	taskObserve                        // an observation made again after a Register
)

// task is what the one request under way belongs to (NSTART 1).
type task struct {
	kind     taskKind
	request  exchange.Request
	since    time.Time
	deadline time.Time // of the answer as a whole; the client's own is never before it

	op     *operations.Operation
	line   command.Line
	device *command.Device

	result command.Result // of the line that the cancellation belongs to: taskCancel

	token ids.Token     // of the observation: taskFetch, taskObserve
	first *coap.Message // block 0: taskFetch
	path  int           // index into Attributes: taskAttributes
}

// kick starts what is to be asked next, if the device is awake and nothing is
// under way. It runs after every event, so answers to the device come first.
// Order: what the device sent already, what it forgot, operations.
func (e *Endpoint) kick(now time.Time, fx *Effects) {
	for e.task == nil && (e.at.Active > 0 || e.at.Restore || len(e.fetches) > 0) && e.awake(now) {
		if !e.fetchNext(now, fx) && !e.restoreNext(now, fx) && !e.operationNext(now, fx) {
			return
		}
		e.summarize()
	}
}

// ask starts the request of a task. Its message ID is durable with this
// event's batch, before the datagram leaves.
func (e *Endpoint) ask(now time.Time, t *task, fx *Effects) {
	e.begun(now, t)
	e.saveContact = true
	fx.notice(RequestSent, e.name(), "")
	var out exchange.Out
	if t.kind == taskFetch {
		out = e.client.FetchRest(now, &t.request, t.first, &e.mids, e.shard.Env.Random())
	} else {
		out = e.client.Start(now, &t.request, &e.mids, e.shard.Env.Random())
	}
	e.exchanged(now, out, e.at.Path, fx)
}

// begun makes t what is under way.
func (e *Endpoint) begun(now time.Time, t *task) {
	e.task, t.since = t, now
	t.deadline = now.Add(e.requestTimeout())
	if t.request.Observe == exchange.RegisterObserve {
		t.request.RestToken = e.newToken()
	}
	if e.client == nil {
		e.client = exchange.NewClient(exchange.Params{ResponseTimeout: e.shard.Env.Settings().MaxRequestTimeout, MaxBody: maxBody})
	}
}

// requestTimeout is the device's own within the node's limits.
func (e *Endpoint) requestTimeout() time.Duration {
	c := e.shard.Env.Settings()
	if own := e.reg().Settings.RequestTimeout; own > 0 {
		return min(max(own, minRequestTimeout), c.MaxRequestTimeout)
	}
	return c.RequestTimeout
}

// minRequestTimeout is the least that a device's setting may be (platform 18).
const minRequestTimeout = 10 * time.Second

// newToken is one that nobody can guess, and no observation has.
func (e *Endpoint) newToken() []byte {
	for {
		t := ids.NewToken(e.id, e.shard.Env.Random())
		if e.reg().Observations.ByToken(t[:]) < 0 {
			return e.onWire(t)
		}
	}
}

// onWire is a token as requests carry it.
func (e *Endpoint) onWire(t ids.Token) []byte {
	if e.at.Secured {
		return append([]byte(nil), t.Short()...)
	}
	return append([]byte(nil), t[:]...)
}

// token is what onWire was given.
func (e *Endpoint) token(wire []byte) ids.Token {
	if len(wire) == ids.ShortTokenLen {
		t, _ := ids.ShortToken(e.id, wire)
		return t
	}
	t, _ := ids.ParseToken(wire)
	return t
}

// exchanged does what the client asks for. Requests go where the device is, and
// answers back the way that the message came by: a device that speaks to several
// nodes takes an ACK from none but the one that it spoke to.
func (e *Endpoint) exchanged(now time.Time, out exchange.Out, back wire.ReturnPath, fx *Effects) {
	for _, m := range out.Send {
		if !m.Code.IsRequest() { // an ACK or a Reset
			e.transmit(back, m, fx)
			continue
		}
		e.approach(m, fx)
		if m.Code.IsRequest() && m.MessageID != e.client.MessageID() {
			e.goesOn(fx)
		}
	}
	if e.mids.Last != e.at.MessageID {
		e.saveContact = true // a repetition has the ID that is stored
	}
	if out.Result != nil && e.task != nil {
		e.finish(now, out.Result, fx)
	}
}

// goesOn notes that a request needs more than its first datagram (blocks, Echo):
// the device's memory of that one does not protect the request any more.
func (e *Endpoint) goesOn(fx *Effects) {
	if t := e.task; t.kind == taskOperation && t.op.Attempt.Token != "" {
		t.op.Attempt.Token = ""
		e.putOperation(t.op, fx)
	}
}

// finish takes the end of a request to what it was asked for.
func (e *Endpoint) finish(now time.Time, r *exchange.Result, fx *Effects) {
	t := e.task
	e.task = nil
	if lost(r.Outcome) {
		// A device that is always online and acknowledged an operation listens to
		// the next one; in queue mode any time-out means that it sleeps.
		e.at.Asleep = r.Outcome == exchange.NotAcknowledged || t.kind != taskOperation || e.at.Queue
		e.saveContact = true
		fx.notice(RequestTimedOut, e.name(), r.Outcome.String())
	}
	switch t.kind {
	case taskOperation:
		e.operationAnswered(now, t, r, fx)
	case taskCancel:
		e.cancelAnswered(now, t, r, fx)
	case taskFetch:
		e.fetchAnswered(now, t, r, fx)
	case taskAttributes:
		e.attributesAnswered(now, t, r, fx)
	case taskObserve:
		e.observeAnswered(now, t, r, fx)
	}
	if lost(r.Outcome) {
		e.shelve(now, fx)
	}
}

// interrupt ends what is under way: the registration it belongs to is over.
func (e *Endpoint) interrupt(now time.Time, fx *Effects) {
	if e.task != nil {
		e.client.Abort()
		e.task = nil
	}
	e.shelve(now, fx)
}

// shelve returns what is EXECUTING to PENDING, also between two lines: its
// device is away, and the redelivery rule decides what becomes of the line that
// was under way.
func (e *Endpoint) shelve(now time.Time, fx *Effects) {
	if e.at.Active == 0 || !e.readQueue() {
		return
	}
	for _, op := range e.queue {
		if op.Status == operations.Executing {
			e.putBack(now, op, fx)
		}
	}
}

// lost reports an end after which the request may go out again.
func lost(o exchange.Outcome) bool {
	return o == exchange.NotAcknowledged || o == exchange.NotAnswered
}
