package fleet

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Object shows one managed object.
func (f *Fleet) Object(_ context.Context, id ids.Object) (platform.ManagedObject, error) {
	m, found, err := f.object(id, time.Now())
	if err == nil && !found {
		err = noObject(id)
	}
	return m, err
}

func noObject(id ids.Object) error {
	return admin.Refuse(admin.ErrNotFound, "There is no managed object with ID %s.", id)
}

// object is the device of that ID, or else the object that a client created.
func (v view) object(id ids.Object, now time.Time) (m platform.ManagedObject, found bool, err error) {
	r, found, err := v.records(id.Endpoint())
	if err != nil || found {
		if found {
			m = v.managedObject(r, now)
		}
		return m, found, err
	}
	return v.other(id)
}

// other is an object that is no device.
func (v view) other(id ids.Object) (m platform.ManagedObject, found bool, err error) {
	value, found, err := v.get(v.env.Shards.OfObject(id), wire.ClassObject, wire.ObjectKey(id))
	if err != nil || !found {
		return m, false, err
	}
	m, err = parseObject(id, value)
	return m, err == nil, err
}

// CreateObject makes an object that is no device: devices come by registering.
func (f *Fleet) CreateObject(ctx context.Context, c platform.ObjectChange, once admin.IdempotencyKey) (platform.ManagedObject, error) {
	return f.CreateObjectIn(ctx, f.Home(once), c, once)
}

// Home is the shard of a new object: that of the key, so that two requests with
// the same one meet; without a key any, one that is led here if there is one.
func (f *Fleet) Home(once admin.IdempotencyKey) ids.Shard {
	if !once.IsZero() {
		return f.env.Shards.OfHandle(binary.BigEndian.Uint32(once.Name[:]))
	}
	first := ids.Shard(f.env.Random() % uint32(f.env.Shards))
	for i := range ids.Shard(f.env.Shards) {
		if shard := (first + i) % ids.Shard(f.env.Shards); f.gate.Leads(shard) {
			return shard
		}
	}
	return first
}

// CreateObjectIn makes an object in its Home.
func (f *Fleet) CreateObjectIn(ctx context.Context, shard ids.Shard, c platform.ObjectChange, once admin.IdempotencyKey) (platform.ManagedObject, error) {
	held := f.hold(once)
	defer held.leave()
	if !once.IsZero() {
		if id, found, err := f.used(shard, once); err != nil || found {
			if err != nil {
				return platform.ManagedObject{}, err
			}
			return f.Object(ctx, ids.Object(id))
		}
	}
	if f.env.Full() {
		return platform.ManagedObject{}, admin.ErrFull
	}
	now := time.Now().Truncate(time.Millisecond)
	m, err := platform.ManagedObject{Created: now}.Apply(c, now)
	if err != nil {
		return m, err
	}
	if m.ID, err = f.freeID(shard); err != nil {
		return m, err
	}
	held.passed = true
	return m, f.writeObject(ctx, &m, onceOf(once, now, m.ID), held.release)
}

// freeID draws an ID of the shard that names nothing yet.
func (f *Fleet) freeID(shard ids.Shard) (ids.Object, error) {
	for {
		id := ids.Object(f.env.Shards.HandleIn(shard, f.env.Random()))<<32 | ids.Object(f.env.Random())
		_, taken, err := f.object(id, time.Time{})
		if err != nil || !taken && id != 0 {
			return id, err
		}
	}
}

// onceOf is the record of a key with the ID that it made, nil for no key.
func onceOf(key admin.IdempotencyKey, now time.Time, id ids.Object) func(*endpoint.Effects) {
	o := once(key, now)
	if o == nil {
		return nil
	}
	return func(fx *endpoint.Effects) { fx.Batch.Put(wire.ClassOnce, o.Key, o.Value(uint64(id))) }
}

// writeObject stores an object and waits for the commit. ended is called once, when
// its fate is known.
func (f *Fleet) writeObject(ctx context.Context, m *platform.ManagedObject, also func(*endpoint.Effects), ended func()) error {
	done := make(chan error, 1)
	value := appendObject(nil, m)
	err := f.gate.Do(f.env.Shards.OfObject(m.ID), func(_ time.Time, _ *endpoint.Shard, fx *endpoint.Effects) {
		fx.Batch.Put(wire.ClassObject, wire.ObjectKey(m.ID), value)
		if also != nil {
			also(fx)
		}
		fx.Replies = append(fx.Replies, func(err error) { done <- err; ended() })
	}, func(err error) { done <- notRun{err}; ended() })
	if err != nil {
		ended()
	}
	return f.settled(ctx, done, err)
}

// settled waits for the answer to what was posted.
func (f *Fleet) settled(ctx context.Context, done <-chan error, posted error) error {
	if posted != nil {
		return translate(posted)
	}
	err, gaveUp := wait(ctx, done)
	if gaveUp != nil {
		return gaveUp
	}
	if refused := (notRun{}); errors.As(err, &refused) {
		return translate(err)
	}
	return answered(err)
}

// UpdateObject merges a change.
func (f *Fleet) UpdateObject(ctx context.Context, id ids.Object, c platform.ObjectChange) (platform.ManagedObject, error) {
	var name [16]byte
	copy(name[:], wire.ObjectKey(id))
	defer f.objects.lock(name)()
	m, found, err := f.other(id)
	if err != nil {
		return m, err
	}
	if !found {
		if err := f.setFragments(ctx, id.Endpoint(), c); err != nil {
			return m, err
		}
		return f.Object(ctx, id)
	}
	if m, err = m.Apply(c, time.Now().Truncate(time.Millisecond)); err != nil {
		return m, err
	}
	return m, f.writeObject(ctx, &m, nil, func() {})
}

func (f *Fleet) setFragments(ctx context.Context, e ids.Endpoint, c platform.ObjectChange) error {
	fragments := c.Fragments
	for _, t := range []struct {
		name string
		text *string
	}{{"type", c.Type}, {"name", c.Name}, {"owner", c.Owner}} {
		if t.text != nil {
			fragments = append(fragments, platform.Fragment{Name: t.name, Raw: raw(*t.text)})
		}
	}
	done := make(chan error, 1)
	err := f.gate.Post(e, &endpoint.SetFragments{Fragments: fragments, Reply: func(err error) { done <- err }})
	return f.settled(ctx, done, err)
}

// DeleteObject removes an object; a device with all its records.
func (f *Fleet) DeleteObject(ctx context.Context, id ids.Object, _ admin.Cascade) error {
	var name [16]byte
	copy(name[:], wire.ObjectKey(id))
	defer f.objects.lock(name)()
	_, found, err := f.other(id)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	if !found {
		err = f.gate.Post(id.Endpoint(), &endpoint.Remove{Reply: func(err error) { done <- err }})
	} else {
		err = f.gate.Do(f.env.Shards.OfObject(id), func(_ time.Time, _ *endpoint.Shard, fx *endpoint.Effects) {
			fx.Batch.Delete(wire.ClassObject, wire.ObjectKey(id))
			fx.Replies = append(fx.Replies, func(err error) { done <- err })
		}, func(err error) { done <- notRun{err} })
	}
	return f.settled(ctx, done, err)
}
