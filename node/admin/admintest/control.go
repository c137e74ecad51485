package admintest

import (
	"context"
	"slices"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// operation is the index of an operation, -1 for none. b.mu is held.
func (b *Backend) operation(id ids.Operation) int {
	return slices.IndexFunc(b.operations, func(p platform.Operation) bool { return p.ID == id })
}

// Operations implements admin.Control.
func (b *Backend) Operations(ctx context.Context, f admin.OperationFilter, p admin.Page) (list admin.List[platform.Operation], err error) {
	if err := b.begin(ctx); err != nil {
		return list, err
	}
	defer b.mu.Unlock()
	var matching []platform.Operation
	for _, o := range b.operations {
		if operationMatches(&o, f) {
			matching = append(matching, o)
		}
	}
	if f.Revert {
		slices.Reverse(matching)
	}
	return cut(matching, p)
}

func operationMatches(o *platform.Operation, f admin.OperationFilter) bool {
	has := f.FragmentType == "" || f.FragmentType == "c8y_Command" || o.Fragments.Get(f.FragmentType) != nil
	return has && (!f.HasDevice || f.Device == o.Device) &&
		(f.Status == "" || f.Status == o.Status) &&
		(f.From.IsZero() || !o.Created.Before(f.From)) &&
		(f.To.IsZero() || o.Created.Before(f.To))
}

// Operation implements admin.Control.
func (b *Backend) Operation(ctx context.Context, id ids.Operation) (platform.Operation, error) {
	if err := b.begin(ctx); err != nil {
		return platform.Operation{}, err
	}
	defer b.mu.Unlock()
	if i := b.operation(id); i >= 0 {
		return b.operations[i], nil
	}
	return platform.Operation{}, admin.ErrNotFound
}

// CreateOperation implements admin.Control.
func (b *Backend) CreateOperation(ctx context.Context, n platform.NewOperation, once admin.IdempotencyKey) (o platform.Operation, err error) {
	if err := b.begin(ctx); err != nil {
		return o, err
	}
	defer b.mu.Unlock()
	id, found, err := b.repeated(once)
	if err != nil {
		return o, err
	}
	if i := b.operation(ids.Operation(id)); found && i >= 0 {
		return b.operations[i], nil
	}
	device := b.object(n.Device)
	if device < 0 {
		return o, admin.Refuse(admin.ErrUnprocessable, "There is no device with ID %s.", n.Device)
	}
	active := 0
	for _, other := range b.operations {
		if other.Device == n.Device && (other.Status == platform.Pending || other.Status == platform.Executing) {
			active++
		}
	}
	if active >= b.MaxQueued {
		return o, admin.Refuse(admin.ErrLimit, "The device has %d operations in its queue.", active)
	}
	b.last = ids.NextOperation(0, b.Now(), b.last)
	o = platform.Operation{
		ID: b.last, Device: n.Device, DeviceName: b.objects[device].Name, Status: platform.Pending,
		Created: b.Now(), Updated: b.Now(), Text: n.Text, Retry: n.Retry, Fragments: n.Fragments,
	}
	b.operations = append(b.operations, o)
	b.keep(once, uint64(o.ID))
	return o, nil
}

// UpdateOperation implements admin.Control.
func (b *Backend) UpdateOperation(ctx context.Context, id ids.Operation, c platform.OperationChange) (o platform.Operation, err error) {
	if err := b.begin(ctx); err != nil {
		return o, err
	}
	defer b.mu.Unlock()
	i := b.operation(id)
	if i < 0 {
		return o, admin.ErrNotFound
	}
	if b.operations[i].Status != platform.Pending || c.Status != platform.Failed {
		return o, admin.Refuse(admin.ErrConflict, "An operation that is %s does not become %s by request.", b.operations[i].Status, c.Status)
	}
	b.operations[i].Status, b.operations[i].Failure, b.operations[i].Updated = c.Status, c.Reason, b.Now()
	return b.operations[i], nil
}

// DeleteOperation implements admin.Control.
func (b *Backend) DeleteOperation(ctx context.Context, id ids.Operation) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	i := b.operation(id)
	if i < 0 {
		return admin.ErrNotFound
	}
	b.operations = slices.Delete(b.operations, i, i+1)
	return nil
}

// DeleteOperations implements admin.Control.
func (b *Backend) DeleteOperations(ctx context.Context, f admin.OperationFilter) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	b.operations = slices.DeleteFunc(b.operations, func(o platform.Operation) bool { return operationMatches(&o, f) })
	return nil
}

// Move is the device's part: it sets the status and result of an operation.
func (b *Backend) Move(id ids.Operation, to platform.Status, result string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.operation(id); i >= 0 {
		b.operations[i].Status, b.operations[i].Result = to, result
	}
}
