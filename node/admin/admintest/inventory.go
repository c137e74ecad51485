package admintest

import (
	"context"
	"slices"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// object is the index of an object, -1 for none. b.mu is held.
func (b *Backend) object(id ids.Object) int {
	return slices.IndexFunc(b.objects, func(m platform.ManagedObject) bool { return m.ID == id })
}

// Objects implements admin.Inventory.
func (b *Backend) Objects(ctx context.Context, s filter.Selection, p admin.Page) (list admin.List[platform.ManagedObject], err error) {
	if err := b.begin(ctx); err != nil {
		return list, err
	}
	defer b.mu.Unlock()
	var matching []platform.ManagedObject
	for _, m := range b.objects {
		if s.Match(&m) {
			matching = append(matching, m)
		}
	}
	slices.SortStableFunc(matching, func(m, n platform.ManagedObject) int {
		return s.Query.Compare(s.Query.SortKey(filter.Managed{ManagedObject: &m}), s.Query.SortKey(filter.Managed{ManagedObject: &n}))
	})
	return cut(matching, p)
}

// Object implements admin.Inventory.
func (b *Backend) Object(ctx context.Context, id ids.Object) (platform.ManagedObject, error) {
	if err := b.begin(ctx); err != nil {
		return platform.ManagedObject{}, err
	}
	defer b.mu.Unlock()
	if i := b.object(id); i >= 0 {
		return b.objects[i], nil
	}
	return platform.ManagedObject{}, admin.ErrNotFound
}

// CreateObject implements admin.Inventory.
func (b *Backend) CreateObject(ctx context.Context, c platform.ObjectChange, once admin.IdempotencyKey) (m platform.ManagedObject, err error) {
	if err := b.begin(ctx); err != nil {
		return m, err
	}
	defer b.mu.Unlock()
	id, found, err := b.repeated(once)
	if err != nil {
		return m, err
	}
	if found {
		if i := b.object(ids.Object(id)); i >= 0 {
			return b.objects[i], nil
		}
		return m, admin.Refuse(admin.ErrConflict, "what this Idempotency-Key made was deleted since")
	}
	b.made++
	m = platform.ManagedObject{ID: ids.Object(b.made<<40 | b.made), Created: b.Now()}
	if m, err = m.Apply(c, b.Now()); err != nil {
		return platform.ManagedObject{}, err
	}
	b.objects = append(b.objects, m)
	b.keep(once, uint64(m.ID))
	return m, nil
}

// UpdateObject implements admin.Inventory.
func (b *Backend) UpdateObject(ctx context.Context, id ids.Object, c platform.ObjectChange) (m platform.ManagedObject, err error) {
	if err := b.begin(ctx); err != nil {
		return m, err
	}
	defer b.mu.Unlock()
	i := b.object(id)
	if i < 0 {
		return m, admin.ErrNotFound
	}
	if m, err = b.objects[i].Apply(c, b.Now()); err != nil {
		return m, err
	}
	b.objects[i] = m
	return m, nil
}

// DeleteObject implements admin.Inventory.
func (b *Backend) DeleteObject(ctx context.Context, id ids.Object, _ admin.Cascade) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	i := b.object(id)
	if i < 0 {
		return admin.ErrNotFound
	}
	b.objects = slices.Delete(b.objects, i, i+1)
	b.operations = slices.DeleteFunc(b.operations, func(p platform.Operation) bool { return p.Device == id })
	delete(b.values, id)
	return nil
}
