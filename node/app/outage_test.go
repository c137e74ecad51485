package app_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/coap"
	"dormouse/codec/wire"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
	"dormouse/persistence/store"
)

// TestOutage switches a node off for two days: instead of the clock, what is
// stored is moved. A device whose lifetime was over before that is gone; one that
// had most of it left is there, and its next Update is answered, though its
// deadline came two days ago.
func TestOutage(t *testing.T) {
	t.Parallel() // it waits more than it works
	const off = 48 * time.Hour
	c := settings(t.TempDir())
	c.Shards, c.LifetimeGrace = 1, time.Minute
	first := must[*app.App](t)(app.New(c, app.Options{Store: small}))
	check(t, first.Start())
	c.CoAP = []string{first.CoAP()[0].String()}
	lives := device(t, first.CoAP()[0], "lives", "lt=3600")
	gone := device(t, first.CoAP()[0], "gone", "lt=3600")

	// Both timers are due at the start, and handled in one turn.
	check(t, first.Amend(0, func(s *store.Store, b *wire.Batch) error {
		return errors.Join(ageMark(s, b, off), age(s, b, lives, off+59*time.Minute), age(s, b, gone, off+62*time.Minute))
	}))
	check(t, first.Stop())
	n := start(t, c, app.Options{})
	check(t, apptest.Eventually(func() error {
		if n.registration(t, gone).Registered {
			return errors.New("the registration did not end")
		}
		return nil
	}))
	if r := n.registration(t, lives); !r.Registered {
		t.Error("the registration ended")
	} else if left := time.Until(r.Expires); left <= 0 || left > 3*time.Minute {
		t.Errorf("it ends in %s", left)
	}
	update(t, lives)
	if code := must[coap.Code](t)(gone.Update()); code != coap.NotFound {
		t.Errorf("Update of the one that is gone: %s", code)
	}
}

// ageMark makes the mark of shard 0 older than it is.
func ageMark(s *store.Store, b *wire.Batch, by time.Duration) error {
	served, err := endpoint.ReadServed(s, 0)
	if err != nil {
		return err
	}
	if age := time.Since(served.Until); age < 0 || age > time.Hour {
		return fmt.Errorf("the mark is %s old", age) // it came with the first device
	}
	served.Mark(served.Until.Add(-by))
	b.Put(wire.ClassMeta, endpoint.ServedKey, served.Append(nil))
	return nil
}

// age makes what is known of a device older than it is, with its timer.
func age(s *store.Store, b *wire.Batch, d *apptest.Device, by time.Duration) error {
	id, err := apptest.EndpointOf(d.Location)
	if err != nil {
		return err
	}
	raw, found, err := s.Get(0, wire.ClassContact, wire.EndpointKey(id), nil)
	if err != nil || !found {
		return fmt.Errorf("contact of %s: found %v, %w", d.Name, found, err)
	}
	var at endpoint.Contact
	if err := at.Parse(raw); err != nil {
		return err
	}
	timer := time.UnixMilli(at.Timer)
	at.LastContact, at.LastUpdate, at.Timer = at.LastContact.Add(-by), at.LastUpdate.Add(-by), timer.Add(-by).UnixMilli()
	b.Delete(wire.ClassTimer, wire.TimerKey(timer, id))
	b.Put(wire.ClassTimer, wire.TimerKey(timer.Add(-by), id), nil)
	b.Put(wire.ClassContact, wire.EndpointKey(id), at.Append(nil))
	return nil
}
