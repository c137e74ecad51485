package endpoint

import (
	"slices"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/observe"
	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/query"
	"dormouse/codec/wire"
)

// operationNext starts or ends the next line of the oldest operation; false:
// there is none, or the cap of this wake-up is reached.
func (e *Endpoint) operationNext(now time.Time, fx *Effects) bool {
	if e.at.Active == 0 || !e.readQueue() || len(e.queue) == 0 {
		return false
	}
	op := e.queue[0]
	lines, err := command.Parse(op.Text)
	if err != nil || op.Line >= len(lines) {
		e.end(now, op, operations.Failed, "the command cannot be read any more", fx)
		return true
	}
	line := lines[op.Line]
	if line.Local() {
		e.runLocal(now, op, &line, len(lines), fx)
		return true
	}
	if op.Attempt.Delivered {
		if e.at.Redelivered >= uint32(e.shard.Env.Config.MaxPending) {
			return false
		}
		e.at.Redelivered++
		e.saveContact = true
	}
	e.startLine(now, op, line, len(lines), fx)
	return true
}

// startLine sends the request of a line, by the redelivery rule (platform 10):
// within the device's memory of message IDs the very same message goes out;
// after that only what may run twice, or what never left.
func (e *Endpoint) startLine(now time.Time, op *operations.Operation, line command.Line, of int, fx *Effects) {
	t := &task{kind: taskOperation, op: op, line: line, device: e.device(now)}
	request, err := e.requestOf(&line, t.device)
	if err != nil {
		e.answerLine(now, t, line.Failed(err.Error()), of, fx)
		return
	}
	t.request = request
	switch {
	case op.Attempt.Repeats(now, e.reg().Count):
		t.request.Token = []byte(op.Attempt.Token)
		t.request.MessageID, t.request.UseMessageID = op.Attempt.MessageID, true
	case op.Attempt.Sent.IsZero() || op.Retry || line.Idempotent():
		t.request.Token = e.lineToken(&line)
	default:
		e.answerLine(now, t, line.Failed(operations.Unknown), of, fx)
		return
	}
	e.attempt(now, t, fx)
}

// attempt sends t's request; that it may have left is durable before it does.
func (e *Endpoint) attempt(now time.Time, t *task, fx *Effects) {
	op := t.op
	if t.request.Observe == exchange.RegisterObserve {
		t.request.RestToken = e.newToken()
	}
	op.Status, op.Updated = operations.Executing, now
	e.ask(now, t, fx)
	if e.task != t {
		return // it cannot be sent: the line is answered already
	}
	if !t.request.UseMessageID { // else the device's memory counts from the first time
		op.Attempt = operations.Attempt{Sent: now, Count: e.reg().Count, MessageID: e.client.MessageID(), Token: string(t.request.Token)}
	}
	e.putOperation(op, fx)
}

// lineToken is a new one, but that of the observation which the line makes
// again or ends (RFC 7641 section 3.1, 3.6).
func (e *Endpoint) lineToken(line *command.Line) []byte {
	if _, _, ok := line.Observation(); ok && line.Verb != command.WriteAttributes {
		if i := e.observationOf(line); i >= 0 && !e.reg().Observations[i].Pending {
			return append([]byte(nil), e.reg().Observations[i].Token[:]...)
		}
	}
	return e.newToken()
}

// requestOf is what a line sends. The end of an observation that is known is
// its own request, byte for byte, with the other Observe value.
func (e *Endpoint) requestOf(line *command.Line, d *command.Device) (exchange.Request, error) {
	if line.Verb == command.CancelObservation {
		if i := e.observationOf(line); i >= 0 {
			o := &e.reg().Observations[i]
			r, err := lineOf(o, o.Format).Request(d)
			r.Observe = exchange.CancelObserve
			return r, err
		}
	}
	return line.Request(d)
}

// observationOf finds what a line makes or ends. `cancelobservation /p` ends
// the plain observation of the path, or else the composite of it alone.
func (e *Endpoint) observationOf(line *command.Line) int {
	paths, _, _ := line.Observation()
	set := e.reg().Observations
	if line.Verb == command.ObserveComposite {
		return set.ByPaths(paths, true)
	}
	if len(paths) == 1 {
		if i := set.ByPaths(paths, false); i >= 0 || line.Verb == command.Observe {
			return i
		}
	}
	return set.ByPaths(paths, true)
}

// operationAnswered takes the end of a line's request.
func (e *Endpoint) operationAnswered(now time.Time, t *task, r *exchange.Result, fx *Effects) {
	of := e.lineCount(t.op)
	switch {
	case lost(r.Outcome):
		e.putBack(now, t.op, fx)
		return
	case r.Outcome != exchange.Answered:
		e.answerLine(now, t, t.line.Failed(failureText(r)), of, fx)
		return
	}
	if again, refused, ok := t.line.Fallback(t.device, t.request, r.Response.Code); ok {
		e.refuses(refused)
		again.Token = e.lineToken(&t.line)
		t.request = again
		t.device = e.device(now)
		e.attempt(now, t, fx)
		return
	}
	result := t.line.Result(t.device, &r.Response)
	if result.OK && t.line.CancelAfter && e.cancelAfter(now, t, result, fx) {
		return
	}
	e.effectOf(now, t, &r.Response, &result, fx)
	e.answerLine(now, t, result, of, fx)
}

func failureText(r *exchange.Result) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return r.Outcome.String()
}

// effectOf keeps what a line's success changes of the endpoint: values,
// observations, attributes.
func (e *Endpoint) effectOf(now time.Time, t *task, m *coap.Message, result *command.Result, fx *Effects) {
	switch {
	case t.line.Verb == command.CancelObservation:
		e.ended(&t.line) // also where the device says that it knows of none
	case !result.OK:
		return
	case t.line.Verb == command.Observe || t.line.Verb == command.ObserveComposite:
		e.observing(now, t, m, fx)
	case t.line.Verb == command.WriteAttributes:
		e.attributed(&t.line)
	}
	if !result.OK {
		return
	}
	if (t.line.Verb == command.Read || t.line.Verb == command.Observe) && len(t.line.Paths) == 1 {
		e.dropInstances(t.line.Paths[0], result.Nodes, fx)
	}
	e.store(now, result.Nodes, fx)
}

// observing keeps an observation, if the answer says that it is one.
func (e *Endpoint) observing(now time.Time, t *task, m *coap.Message, fx *Effects) {
	sequence, observed := m.Observe()
	i := e.observationOf(&t.line)
	if !observed {
		if i >= 0 {
			e.dropObservation(i)
		}
		return
	}
	if i < 0 {
		if len(e.reg().Observations) >= observe.MaxObservations {
			fx.notice(ObservationEnded, e.name(), "too many observations: the oldest is forgotten")
			e.dropObservation(0)
		}
		e.reg().Observations = append(e.reg().Observations, observe.Observation{
			Paths: slices.Clone(t.line.Paths), Composite: t.line.Verb == command.ObserveComposite,
		})
		i = len(e.reg().Observations) - 1
	}
	o := &e.reg().Observations[i]
	o.Token, _ = ids.ParseToken(t.request.Token)
	o.Format, o.Query = t.request.Accept, attributesText(t.line.Attributes)
	o.Since, o.Pending = now, false
	e.saveRegistration = true
	e.mark(i, observe.Mark{Sequence: sequence, At: now})
}

func (e *Endpoint) ended(line *command.Line) {
	if i := e.observationOf(line); i >= 0 {
		e.dropObservation(i)
	}
}

// attributed merges what was set on the path with what was set before.
func (e *Endpoint) attributed(line *command.Line) {
	path := line.Paths[0]
	i := slices.IndexFunc(e.reg().Attributes, func(a Attributes) bool { return a.Path == path })
	var before []query.Attribute
	if i >= 0 {
		before = attributes(e.reg().Attributes[i].Text)
	}
	text := attributesText(query.MergeAttributes(before, line.Attributes))
	switch {
	case i >= 0 && text == "":
		e.reg().Attributes = slices.Delete(e.reg().Attributes, i, i+1)
	case i >= 0:
		e.reg().Attributes[i].Text = text
	case text != "" && len(e.reg().Attributes) < observe.MaxObservations:
		e.reg().Attributes = append(e.reg().Attributes, Attributes{Path: path, Text: text})
	}
	e.saveRegistration = true
}

// cancelAfter ends our observation of the path after a Write-Attributes with
// `cancel`; the line is answered when that is done. false: nothing is observed.
func (e *Endpoint) cancelAfter(now time.Time, t *task, result command.Result, fx *Effects) bool {
	i := e.observationOf(&t.line)
	if i < 0 {
		return false
	}
	o := &e.reg().Observations[i]
	cancel := &task{kind: taskCancel, op: t.op, line: t.line, device: t.device, result: result}
	request, err := lineOf(o, o.Format).Request(t.device)
	if err != nil {
		e.dropObservation(i)
		return false
	}
	cancel.request = request
	cancel.request.Observe = exchange.CancelObserve
	cancel.request.Token = append([]byte(nil), o.Token[:]...)
	e.attributed(&t.line)
	e.dropObservation(i) // from here on its notifications are reset
	e.ask(now, cancel, fx)
	return true
}

// cancelAnswered ends the line whatever came of it: a device that did not hear
// is told by a reset to its next notification.
func (e *Endpoint) cancelAnswered(now time.Time, t *task, _ *exchange.Result, fx *Effects) {
	e.answerLine(now, t, t.result, e.lineCount(t.op), fx)
}

// runLocal does a line that asks nothing of the device.
func (e *Endpoint) runLocal(now time.Time, op *operations.Operation, line *command.Line, of int, fx *Effects) {
	switch line.Verb {
	case command.Serialization:
		e.reg().Settings.Format = line.Format
		e.reg().Refused = nil
		e.saveRegistration = true
	case command.CancelObservation:
		e.ended(line)
	}
	e.answerLine(now, &task{op: op, line: *line}, line.LocalResult(), of, fx)
}

// answerLine adds a line's result, and ends the operation after its last line.
func (e *Endpoint) answerLine(now time.Time, t *task, result command.Result, of int, fx *Effects) {
	op := t.op
	op.Add(result.AppendJSON(nil), result.Text, result.Error, result.OK)
	if op.Line < of {
		op.Status, op.Updated = operations.Executing, now
		e.putOperation(op, fx)
		return
	}
	status := operations.Successful
	if op.Faults {
		status = operations.Failed
	}
	e.end(now, op, status, op.Failure, fx)
}

func (e *Endpoint) lineCount(op *operations.Operation) int {
	lines, err := command.Parse(op.Text)
	if err != nil {
		return 0
	}
	return len(lines)
}

// putBack returns an operation to PENDING: its request may have arrived.
func (e *Endpoint) putBack(now time.Time, op *operations.Operation, fx *Effects) {
	op.Status, op.Updated = operations.Pending, now
	op.Attempt.Delivered = true
	e.putOperation(op, fx)
	fx.notice(OperationPending, e.name(), op.ID.String())
}

// end gives an operation its last status and takes it off the queue.
func (e *Endpoint) end(now time.Time, op *operations.Operation, s operations.Status, failure string, fx *Effects) {
	op.Status, op.Updated, op.Failure = s, now, failure
	e.putOperation(op, fx)
	e.unqueue(op.ID, fx)
	kind := OperationSuccessful
	if s == operations.Failed {
		kind = OperationFailed
	}
	fx.notice(kind, e.name(), op.ID.String())
}

func (e *Endpoint) unqueue(id ids.Operation, fx *Effects) {
	e.queue = slices.DeleteFunc(e.queue, func(o *operations.Operation) bool { return o.ID == id })
	e.at.Active = uint32(len(e.queue))
	e.saveContact = true
	fx.Batch.Delete(wire.ClassActive, wire.DeviceOperationKey(e.id, id))
}

func (e *Endpoint) putOperation(op *operations.Operation, fx *Effects) {
	fx.Batch.Put(wire.ClassOperation, wire.OperationKey(op.ID), op.Append(nil))
}

// readQueue reads the operations that have not ended; false: the store failed,
// and they wait for the next event.
func (e *Endpoint) readQueue() bool {
	if e.queued {
		return true
	}
	var queue []*operations.Operation
	var failed error
	prefix := wire.EndpointKey(e.id)
	err := e.shard.Env.State.Scan(e.shard.ID, wire.ClassActive, prefix, wire.PrefixEnd(prefix), false, func(key, _ []byte) bool {
		raw, found, err := e.shard.Env.State.Get(e.shard.ID, wire.ClassOperation, key[len(prefix):], nil)
		if err != nil {
			failed = err
			return false
		}
		if op, err := operations.Parse(raw); found && err == nil {
			op.Attempt.Delivered = op.Attempt.Delivered || !op.Attempt.Sent.IsZero()
			queue = append(queue, op)
		}
		return true
	})
	if err != nil || failed != nil {
		return false
	}
	e.queue, e.queued = queue, true
	return true
}
