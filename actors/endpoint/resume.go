package endpoint

import (
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/coap"
)

// resume takes up the request that a message answers although nothing is under
// way in memory: the node was restarted, a commit failed, or the answer comes
// after its time-out. A device whose answer is reset would not give it again to
// a repetition of the request. false: it answers no such request.
func (e *Endpoint) resume(now time.Time, m *coap.Message) bool {
	op := e.attempted(m.Token)
	if op == nil || !m.Code.IsResponse() || op.Line >= len(e.lines(op)) {
		return false
	}
	t := &task{kind: taskOperation, op: op, line: e.lines(op)[op.Line], device: e.device(now)}
	request, err := e.requestOf(&t.line, t.device)
	if err != nil {
		return false
	}
	t.request = request
	t.repeat()
	e.begun(now, t)
	e.client.Start(now, &t.request, &e.mids, e.shard.Env.Random()) // what it sends was sent before
	return true
}

// attempted is the operation whose request has that token, while nothing is
// under way; nil for none.
func (e *Endpoint) attempted(token []byte) *operations.Operation {
	if e.task != nil || len(token) == 0 || !e.at.Registered || e.at.Active == 0 || !e.readQueue() {
		return nil
	}
	for _, op := range e.queue {
		if op.Attempt.Token == string(token) && op.Attempt.Count == e.at.Count {
			return op
		}
	}
	return nil
}

// repeat makes the request that which was sent before.
func (t *task) repeat() {
	t.request.Token = []byte(t.op.Attempt.Token)
	t.request.MessageID, t.request.UseMessageID = t.op.Attempt.MessageID, true
}
