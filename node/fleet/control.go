package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/listing"
)

// Operation shows one operation.
func (f *Fleet) Operation(_ context.Context, id ids.Operation) (platform.Operation, error) {
	op, err := f.stored(id)
	if err != nil {
		return platform.Operation{}, err
	}
	return f.show(op)
}

func (v view) stored(id ids.Operation) (*operations.Operation, error) {
	if id.Shard() >= ids.Shard(v.env.Shards) {
		return nil, noOperation(id)
	}
	value, found, err := v.get(id.Shard(), wire.ClassOperation, wire.OperationKey(id))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, noOperation(id)
	}
	return operations.Parse(value)
}

func noOperation(id ids.Operation) error {
	return admin.Refuse(admin.ErrNotFound, "There is no operation with ID %s.", id)
}

// show turns an operation into the platform's shape.
func (v view) show(op *operations.Operation) (platform.Operation, error) {
	p := platform.Operation{
		ID: op.ID, Device: op.Device, Status: platform.Status(op.Status.String()),
		Created: op.Created(), Updated: op.Updated, Text: op.Text, Result: op.Output,
		Results: json.RawMessage(op.Results), Failure: op.Failure, Retry: op.Retry,
	}
	r, found, err := v.records(op.Endpoint)
	if err != nil {
		return p, err
	}
	if found {
		p.DeviceName = v.managedObject(r, time.Now()).Name
	}
	if op.Extra != "" {
		p.Fragments, err = platform.ParseFragments([]byte(op.Extra))
	}
	return p, err
}

// CreateOperation queues an operation at its device.
func (f *Fleet) CreateOperation(ctx context.Context, n platform.NewOperation, key admin.IdempotencyKey) (platform.Operation, error) {
	held := f.hold(key)
	defer held.leave()
	if !key.IsZero() {
		if id, found, err := f.used(f.env.Shards.OfObject(n.Device), key); err != nil || found {
			if err != nil {
				return platform.Operation{}, err
			}
			return f.Operation(ctx, ids.Operation(id))
		}
		if err := f.usedElsewhere(ctx, f.env.Shards.OfObject(n.Device), key); err != nil {
			return platform.Operation{}, err
		}
	}
	e, err := f.endpointOf(n.Device)
	if err != nil {
		if errors.Is(err, admin.ErrNotFound) {
			err = admin.Refuse(admin.ErrUnprocessable, "deviceId %s is no device.", n.Device)
		}
		return platform.Operation{}, err
	}
	submit := &endpoint.Submit{Text: n.Text, Retry: n.Retry, Once: once(key, time.Now())}
	if len(n.Fragments) > 0 {
		submit.Extra = string(n.Fragments.Append(nil))
	}
	answer := make(chan operationAnswer, 1)
	submit.Reply = func(op operations.Operation, err error) {
		answer <- operationAnswer{op, err}
		held.release()
	}
	err = f.gate.Post(e, submit)
	held.passed = err == nil
	return f.awaitOperation(ctx, answer, err)
}

type operationAnswer struct {
	op  operations.Operation
	err error
}

func (f *Fleet) awaitOperation(ctx context.Context, answer <-chan operationAnswer, posted error) (platform.Operation, error) {
	if posted != nil {
		return platform.Operation{}, translate(posted)
	}
	a, err := wait(ctx, answer)
	if err != nil {
		return platform.Operation{}, err
	}
	if a.err != nil {
		return platform.Operation{}, answered(a.err)
	}
	return f.show(&a.op)
}

// UpdateOperation changes the status.
func (f *Fleet) UpdateOperation(ctx context.Context, id ids.Operation, c platform.OperationChange) (platform.Operation, error) {
	op, err := f.stored(id)
	if err != nil {
		return platform.Operation{}, err
	}
	answer := make(chan operationAnswer, 1)
	return f.awaitOperation(ctx, answer, f.gate.Post(op.Endpoint, &endpoint.SetOperation{
		ID: id, Status: string(c.Status), Reason: c.Reason,
		Reply: func(op operations.Operation, err error) { answer <- operationAnswer{op, err} },
	}))
}

// DeleteOperation ends and removes one operation.
func (f *Fleet) DeleteOperation(ctx context.Context, id ids.Operation) error {
	op, err := f.stored(id)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	err = f.gate.Post(op.Endpoint, &endpoint.DropOperation{ID: id, Reply: func(err error) { done <- err }})
	return f.settled(ctx, done, err)
}

// deleteChunk bounds the operations that are collected before they are
// deleted.
const deleteChunk = 1000

// DeleteOperations removes all that match, in chunks.
func (f *Fleet) DeleteOperations(ctx context.Context, filter admin.OperationFilter) error {
	return f.deleteOperations(ctx, filter, func(v view) ([]*operationStream, error) { return v.streams(filter, 0) })
}

// DeleteOperationsOf does so in one shard.
func (f *Fleet) DeleteOperationsOf(ctx context.Context, shard ids.Shard, filter admin.OperationFilter) error {
	if filter.HasDevice {
		return f.DeleteOperations(ctx, filter)
	}
	return f.deleteOperations(ctx, filter, func(v view) ([]*operationStream, error) {
		return []*operationStream{v.streamOf(shard, filter, 0)}, nil
	})
}

func (f *Fleet) deleteOperations(ctx context.Context, filter admin.OperationFilter, streams func(view) ([]*operationStream, error)) error {
	for {
		v := f.request()
		from, err := streams(v)
		if err != nil {
			return err
		}
		var found []ids.Operation
		err = v.visit(ctx, from, filter, func(op *operations.Operation) (bool, error) {
			found = append(found, op.ID)
			return len(found) < deleteChunk, nil
		})
		if err != nil || len(found) == 0 {
			return err
		}
		for _, id := range found {
			if err := f.DeleteOperation(ctx, id); err != nil && !errors.Is(err, admin.ErrNotFound) {
				return err
			}
		}
	}
}

// Operations lists by time of creation.
func (f *Fleet) Operations(ctx context.Context, filter admin.OperationFilter, p admin.Page) (admin.List[platform.Operation], error) {
	var list admin.List[platform.Operation]
	var behind ids.Operation
	if p.Cursor != "" {
		id, err := ids.ParseOperation(p.Cursor)
		if err != nil {
			return list, admin.Refuse(admin.ErrBadRequest, "The cursor %q is none of this list.", p.Cursor)
		}
		behind = id
	}
	start := behind
	if p.Total {
		start = 0
	}
	pager := listing.Pager[platform.Operation]{Page: p, List: &list}
	v := f.request()
	err := v.eachOperation(ctx, filter, start, func(op *operations.Operation) (bool, error) {
		if c := compareOperations(op.ID, behind); behind != 0 && (c == 0 || c < 0 != filter.Revert) {
			return pager.Before(), nil
		}
		if !pager.Wanted() {
			return pager.Pass(), nil
		}
		shown, err := v.show(op)
		if err != nil {
			return false, err
		}
		return pager.Add(shown, func() string { return op.ID.String() }), nil
	})
	return list, err
}
