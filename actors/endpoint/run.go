package endpoint

import (
	"slices"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/operations"
	"dormouse/codec/exchange"
)

// operationNext starts or ends the next line of the oldest operation that was
// not tried in this wake-up; false: there is none, or the cap of redeliveries
// is reached.
func (e *Endpoint) operationNext(now time.Time, fx *Effects) bool {
	op := e.untried()
	if op == nil {
		return false
	}
	lines := e.lines(op)
	if op.Line >= len(lines) {
		e.end(now, op, operations.Failed, "the command cannot be read any more", fx)
		return true
	}
	line := lines[op.Line]
	if line.Local() {
		e.runLocal(now, op, &line, fx)
		return true
	}
	if op.Attempt.Delivered {
		if e.at.Redelivered >= uint32(e.shard.Env.Settings().MaxPending) {
			return false
		}
		e.at.Redelivered++
		e.saveContact = true
	}
	e.startLine(now, op, line, fx)
	return true
}

// untried is the oldest operation that may go out in this wake-up. One that the
// device acknowledges and does not answer keeps its place for the next wake-up,
// and does not keep the younger ones from going out in this one.
func (e *Endpoint) untried() *operations.Operation {
	if e.at.Active == 0 || !e.readQueue() {
		return nil
	}
	for _, op := range e.queue {
		if !slices.Contains(e.tried, op.ID) {
			return op
		}
	}
	return nil
}

// startLine sends the request of a line, by the redelivery rule (platform 10):
// within the device's memory of message IDs the very same message goes out;
// after that only what may run twice, or what never left.
func (e *Endpoint) startLine(now time.Time, op *operations.Operation, line command.Line, fx *Effects) {
	t := &task{kind: taskOperation, op: op, line: line, device: e.device(now)}
	request, err := e.requestOf(&line, t.device)
	if err != nil {
		e.answerLine(now, t, line.Failed(err.Error()), fx)
		return
	}
	t.request = request
	switch {
	case op.Attempt.Repeats(now, e.reg().Count):
		t.repeat()
	case op.Attempt.Sent.IsZero() || op.Retry || line.Idempotent():
		t.request.Token = e.lineToken(&line)
	default:
		e.answerLine(now, t, line.Failed(operations.Unknown), fx)
		return
	}
	e.attempt(now, t, fx)
}

// attempt sends t's request; that it may have left is durable before it does.
func (e *Endpoint) attempt(now time.Time, t *task, fx *Effects) {
	op := t.op
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

// stale reports a request that was delivered again and must not be repeated any
// more: the device may have forgotten its message ID, and would do it twice.
func (t *task) stale(now time.Time) bool {
	return t.kind == taskOperation && t.request.UseMessageID && !t.line.Idempotent() && !t.op.Retry &&
		now.Sub(t.op.Attempt.Sent) >= exchange.ExchangeLifetime
}

// operationAnswered takes the end of a line's request.
func (e *Endpoint) operationAnswered(now time.Time, t *task, r *exchange.Result, fx *Effects) {
	switch {
	case lost(r.Outcome):
		e.tried = append(e.tried, t.op.ID)
		return // back to PENDING
	case r.Outcome != exchange.Answered:
		e.answerLine(now, t, t.line.Failed(failureText(r)), fx)
		return
	}
	again, refused, ok := t.line.Fallback(t.device, t.request, r.Response.Code)
	e.refuses(refused)
	if ok {
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
	e.answerLine(now, t, result, fx)
}

func failureText(r *exchange.Result) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return r.Outcome.String()
}

// runLocal does a line that asks nothing of the device.
func (e *Endpoint) runLocal(now time.Time, op *operations.Operation, line *command.Line, fx *Effects) {
	switch line.Verb {
	case command.Serialization:
		e.reg().Settings.Format = line.Format
		e.reg().Refused = nil
		e.saveRegistration = true
	case command.CancelObservation:
		e.ended(line)
	}
	e.answerLine(now, &task{op: op, line: *line}, line.LocalResult(), fx)
}

// answerLine adds a line's result, and ends the operation after its last line.
func (e *Endpoint) answerLine(now time.Time, t *task, result command.Result, fx *Effects) {
	op := t.op
	op.Add(result.AppendJSON(nil), result.Text, result.Error, result.OK)
	if op.Line < len(e.lines(op)) {
		e.executing(now, op, fx)
		return
	}
	status := operations.Successful
	if op.Faults {
		status = operations.Failed
	}
	e.end(now, op, status, op.Failure, fx)
}

func (e *Endpoint) executing(now time.Time, op *operations.Operation, fx *Effects) {
	op.Status, op.Updated = operations.Executing, now
	e.putOperation(op, fx)
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
