package admin

import (
	"context"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// nowhere is a backend in which there is nothing and nothing can be made.
type nowhere struct{ Backend }

func (nowhere) CreateObject(context.Context, platform.ObjectChange, IdempotencyKey) (m platform.ManagedObject, err error) {
	return m, ErrConflict
}

func (nowhere) UpdateObject(context.Context, ids.Object, platform.ObjectChange) (m platform.ManagedObject, err error) {
	return m, ErrNotFound
}

func (nowhere) CreateOperation(context.Context, platform.NewOperation, IdempotencyKey) (o platform.Operation, err error) {
	return o, ErrUnprocessable
}

func (nowhere) UpdateOperation(context.Context, ids.Operation, platform.OperationChange) (o platform.Operation, err error) {
	return o, ErrNotFound
}
