package access

import (
	"context"

	"dormouse/actors/access"
	"dormouse/codec/wire"
)

// Upgrade implements Leader.
func (s *Service) Upgrade(ctx context.Context, up Upgrade) error {
	return s.turn(ctx, nil, func(c *change) error {
		u, found, err := c.user(up.Tenant, up.User)
		if err != nil || !found || u.Hash != up.Before {
			return err
		}
		u.Hash = up.After
		return c.putUser(&u) // the revision stays: nothing that a client sees has changed
	})
}

// Lock implements Leader. Beyond MaxLocks a lock holds where it was made.
func (s *Service) Lock(ctx context.Context, subject access.Subject, count access.Count) error {
	return s.turn(ctx, nil, func(c *change) error {
		before, found, err := c.shared(subject)
		if err != nil {
			return err
		}
		if !found && !c.roomForLock() {
			return nil
		}
		if subject.Past(before, c.now) {
			before = access.Count{}
		}
		if count = count.Merge(before); count != before {
			c.batch.Put(wire.ClassLock, subject[:], count.Append(nil))
		}
		return nil
	})
}

func (c *change) roomForLock() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locks >= MaxLocks {
		return false
	}
	c.locks++
	return true
}

// Unlock implements Leader.
func (s *Service) Unlock(ctx context.Context, subject access.Subject) error {
	return s.turn(ctx, nil, func(c *change) error {
		if _, found, err := c.shared(subject); err != nil || !found {
			return err
		}
		c.batch.Delete(wire.ClassLock, subject[:])
		return nil
	})
}
