package endpoint

import (
	"fmt"
	"slices"
	"time"

	"dormouse/actors/command"
	"dormouse/actors/operations"
	"dormouse/codec/wire"
)

// maxQueuedText bounds the commands of a device that have not ended, in bytes.
const maxQueuedText = 4 << 20

// submit creates an operation at the end of the queue. A command that cannot
// be read is refused, and nothing is kept of it.
func (e *Endpoint) submit(now time.Time, ev *Submit, fx *Effects) {
	if err := e.admit(ev); err != nil {
		e.replyOperation(ev.Reply, nil, err, fx)
		return
	}
	op := &operations.Operation{
		ID: e.shard.nextOperation(now), Endpoint: e.id, Device: e.id.Object(),
		Status: operations.Pending, Text: ev.Text, Extra: ev.Extra, Retry: ev.Retry, Updated: now,
	}
	key := wire.DeviceOperationKey(e.id, op.ID)
	fx.Batch.Put(wire.ClassByDevice, key, nil)
	if ev.Once != nil {
		fx.Batch.Put(wire.ClassOnce, ev.Once.Key, ev.Once.Value(uint64(op.ID)))
	}
	fx.Batch.Put(wire.ClassActive, key, nil)
	e.putOperation(op, fx)
	e.queue = append(e.queue, op)
	e.at.Active = uint32(len(e.queue))
	e.saveContact = true
	e.replyOperation(ev.Reply, op, nil, fx)
}

// admit checks the bounds of the queue.
func (e *Endpoint) admit(ev *Submit) error {
	switch {
	case !e.known:
		return ErrNotFound
	case e.shard.Env.Full():
		return ErrFull
	case !e.readQueue():
		return ErrBusy
	}
	if _, err := command.Parse(ev.Text); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	if most := e.shard.Env.Settings().MaxQueued; len(e.queue) >= most {
		return fmt.Errorf("%w: %d operations have not ended", ErrQueue, most)
	}
	total := len(ev.Text)
	for _, op := range e.queue {
		total += len(op.Text)
	}
	if total > maxQueuedText {
		return fmt.Errorf("%w: its commands would be %d bytes, at most %d are kept", ErrQueue, total, maxQueuedText)
	}
	return nil
}

// replyOperation answers a caller with a copy, after the commit.
func (e *Endpoint) replyOperation(reply func(OperationView, error), op *operations.Operation, err error, fx *Effects) {
	var view OperationView
	if op != nil {
		view = *op
	}
	fx.Replies = append(fx.Replies, func(failed error) {
		if failed != nil {
			reply(OperationView{}, failed)
			return
		}
		reply(view, err)
	})
}

func replyError(reply func(error), err error, fx *Effects) {
	fx.Replies = append(fx.Replies, func(failed error) {
		if failed != nil {
			err = failed
		}
		reply(err)
	})
}

// setOperation lets a platform client end an operation as FAILED; all other
// changes of status are the server's.
func (e *Endpoint) setOperation(now time.Time, ev *SetOperation, fx *Effects) {
	op := e.active(ev.ID)
	status, known := operations.ParseStatus(ev.Status)
	switch {
	case !known:
		e.replyOperation(ev.Reply, nil, fmt.Errorf("%w: %q is no status", ErrStatus, ev.Status), fx)
	case op == nil:
		e.setEnded(ev, status, fx)
	case status == op.Status:
		e.replyOperation(ev.Reply, op, nil, fx)
	case status != operations.Failed:
		e.replyOperation(ev.Reply, nil, fmt.Errorf("%w: from %s a client may only set FAILED", ErrStatus, op.Status), fx)
	default:
		e.abandon(op)
		reason := ev.Reason
		if reason == "" {
			reason = "cancelled"
		}
		e.end(now, op, operations.Failed, reason, fx)
		e.replyOperation(ev.Reply, op, nil, fx)
	}
}

// setEnded answers a change of an operation that has ended, or never was.
func (e *Endpoint) setEnded(ev *SetOperation, status operations.Status, fx *Effects) {
	op, err := e.stored(ev.ID)
	if err == nil && op.Status != status {
		err = fmt.Errorf("%w: it ended %s", ErrStatus, op.Status)
	}
	e.replyOperation(ev.Reply, op, err, fx)
}

// abandon forgets the request of an operation that is under way.
func (e *Endpoint) abandon(op *operations.Operation) {
	if e.task != nil && e.task.op == op {
		e.client.Abort()
		e.task = nil
	}
}

// dropOperation deletes an operation whatever its status.
func (e *Endpoint) dropOperation(ev *DropOperation, fx *Effects) {
	if op := e.active(ev.ID); op != nil {
		e.abandon(op)
		e.unqueue(op.ID, fx)
	} else if _, err := e.stored(ev.ID); err != nil {
		replyError(ev.Reply, err, fx)
		return
	}
	fx.Batch.Delete(wire.ClassOperation, wire.OperationKey(ev.ID))
	fx.Batch.Delete(wire.ClassByDevice, wire.DeviceOperationKey(e.id, ev.ID))
	replyError(ev.Reply, nil, fx)
}

// sweep puts back what a crash left EXECUTING, and fails what is EXECUTING for
// too long (platform 10: starved operations), outages of the shard not counted.
func (e *Endpoint) sweep(now time.Time, fx *Effects) {
	if e.at.Active == 0 || !e.readQueue() {
		return
	}
	limit := e.shard.Env.Settings().StarvedAfter
	for _, op := range slices.Clone(e.queue) {
		running := e.task != nil && e.task.op == op
		switch {
		case op.Status != operations.Executing:
		case limit > 0 && now.After(e.shard.Served.Outages.Defer(op.Updated, op.Updated.Add(limit))):
			e.abandon(op)
			e.end(now, op, operations.Failed, "no change for longer than "+limit.String(), fx)
		case !running:
			e.putBack(now, op, fx)
		}
	}
}
