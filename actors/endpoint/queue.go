package endpoint

import (
	"fmt"
	"slices"

	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

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

func (e *Endpoint) unqueue(id ids.Operation, fx *Effects) {
	e.queue = slices.DeleteFunc(e.queue, func(o *operations.Operation) bool { return o.ID == id })
	e.at.Active = uint32(len(e.queue))
	e.saveContact = true
	if e.script != nil && e.script.op == id {
		e.script = nil
	}
	fx.Batch.Delete(wire.ClassActive, wire.DeviceOperationKey(e.id, id))
}

func (e *Endpoint) putOperation(op *operations.Operation, fx *Effects) {
	fx.Batch.Put(wire.ClassOperation, wire.OperationKey(op.ID), op.Append(nil))
}

// active finds an operation that has not ended.
func (e *Endpoint) active(id ids.Operation) *operations.Operation {
	if e.at.Active == 0 || !e.readQueue() {
		return nil
	}
	i := slices.IndexFunc(e.queue, func(o *operations.Operation) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return e.queue[i]
}

func (e *Endpoint) stored(id ids.Operation) (*operations.Operation, error) {
	raw, found, err := e.shard.Env.State.Get(e.shard.ID, wire.ClassOperation, wire.OperationKey(id), nil)
	if err != nil {
		return nil, fmt.Errorf("endpoint: read operation %s: %w", id, err)
	}
	if !found {
		return nil, ErrNotFound
	}
	op, err := operations.Parse(raw)
	if err != nil || op.Endpoint != e.id {
		return nil, ErrNotFound
	}
	return op, nil
}
