// Package admintest is an admin.Backend in memory: what the contract means,
// in the shortest form, for the tests of whatever stands above it. It has no
// devices, so operations stay PENDING until a test moves them.
package admintest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// Backend is ready when made by New. All methods may be called concurrently.
type Backend struct {
	// Now is the clock. Change it before the first call.
	Now func() time.Time
	// MaxQueued bounds the active operations of a device. As Now.
	MaxQueued int

	mu         sync.Mutex // guards all below
	fault      error      // answers every call while set
	objects    []platform.ManagedObject
	operations []platform.Operation
	values     map[ids.Object][]platform.LastValue
	secrets    []secret
	kept       map[[16]byte]kept
	last       ids.Operation
	made       uint64
}

// kept is what an idempotency key did.
type kept struct {
	body [16]byte
	id   uint64
}

// New is an empty backend whose clock stands still.
func New() *Backend {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	return &Backend{
		Now: func() time.Time { return at }, MaxQueued: 1000,
		values: map[ids.Object][]platform.LastValue{}, kept: map[[16]byte]kept{},
	}
}

var _ admin.Backend = (*Backend)(nil)

// Fail makes every call answer err until it is called with nil.
func (b *Backend) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = err
}

// begin locks, unless the context or the test says that nothing works.
func (b *Backend) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if b.fault != nil {
		defer b.mu.Unlock()
		return b.fault
	}
	return nil
}

// repeated finds what a key did before: found is false for a new one.
func (b *Backend) repeated(once admin.IdempotencyKey) (id uint64, found bool, err error) {
	k, found := b.kept[once.Name]
	if once.IsZero() || !found {
		return 0, false, nil
	}
	if k.body != once.Body {
		return 0, true, admin.ErrKeyReused
	}
	return k.id, true, nil
}

func (b *Backend) keep(once admin.IdempotencyKey, id uint64) {
	if !once.IsZero() {
		b.kept[once.Name] = kept{once.Body, id}
	}
}

// Values implements admin.Backend.
func (b *Backend) Values(ctx context.Context, device ids.Object, below lwm2m.Path, p admin.Page) (list admin.List[platform.LastValue], err error) {
	if err := b.begin(ctx); err != nil {
		return list, err
	}
	defer b.mu.Unlock()
	if b.object(device) < 0 {
		return list, admin.ErrNotFound
	}
	matching := slices.DeleteFunc(slices.Clone(b.values[device]), func(v platform.LastValue) bool { return !below.Contains(v.Path) })
	slices.SortFunc(matching, func(v, w platform.LastValue) int { return v.Path.Compare(w.Path) })
	return cut(matching, p)
}

// Say is a device saying a value.
func (b *Backend) Say(device ids.Object, v platform.LastValue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[device] = append(b.values[device], v)
}

// cut is one page of a list; a cursor is the number of items before it.
func cut[T any](all []T, p admin.Page) (list admin.List[T], err error) {
	from := p.Skip
	if p.Cursor != "" {
		if from, err = strconv.ParseInt(p.Cursor, 10, 64); err != nil || from < 0 {
			return list, admin.Refuse(admin.ErrBadRequest, "the cursor %q is none of ours", p.Cursor)
		}
	}
	from = min(from, int64(len(all)))
	to := min(from+int64(p.Size), int64(len(all)))
	list.Items = slices.Clone(all[from:to])
	if to < int64(len(all)) {
		list.Cursor = strconv.FormatInt(to, 10)
	}
	if p.Total {
		list.Total = int64(len(all))
	}
	return list, nil
}
