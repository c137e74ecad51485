package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/actors/access"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// maxWaiting bounds the changes that wait for their turn.
const maxWaiting = 64

// change is one turn: what it reads is what is committed, and what it writes is
// committed together.
type change struct {
	*Service
	by    *access.Principal
	now   time.Time
	batch wire.Batch
}

// turn decides a change where the system group is led, and waits for the commit. The
// next turn begins when the fate of this one is known, even where ctx is done before:
// then the outcome is unknown to the caller.
func (s *Service) turn(ctx context.Context, by *access.Principal, f func(c *change) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	term, leads := s.o.Store.Lead()
	if !leads {
		s.leave()
		return elsewhere()
	}
	c := &change{Service: s, by: by, now: s.o.Now().Truncate(time.Millisecond)}
	if err := f(c); err != nil || c.batch.Len() == 0 {
		s.leave()
		return translate(err)
	}
	done := make(chan error, 1)
	s.o.Store.Propose(term, &c.batch, func(err error) {
		s.leave()
		done <- err
	})
	select {
	case err := <-done:
		if errors.Is(err, ErrElsewhere) {
			return elsewhere()
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %v", admin.ErrUnknown, ctx.Err())
	}
}

func (s *Service) enter(ctx context.Context) error {
	select {
	case s.waiting <- struct{}{}:
	default:
		return admin.Refuse(admin.ErrBusy, "Too many changes of users wait: try again.")
	}
	defer func() { <-s.waiting }()
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) leave() { <-s.turns }

// revision is that of a changed record: the ID of the entry in the audit of a tenant
// that this turn makes of it. So it is another one than the record ever had, even where
// it was removed and made again.
func (c *change) revision(tenant string) (uint64, error) {
	last, _, err := c.edge(tenant, true)
	return uint64(access.NextAudit(c.now, last.ID)), err
}

// expect refuses a change of another revision than the client saw; 0 is any.
func expect(have, want uint64) error {
	if want != 0 && have != want {
		return admin.Refuse(admin.ErrConflict, "It was changed meanwhile: its revision is %d, not %d.", have, want)
	}
	return nil
}

// putUser checks and writes a user whose hash alone is another.
func (c *change) putUser(u *access.User) error {
	if err := u.Check(); err != nil {
		return err
	}
	c.batch.Put(wire.ClassUser, access.UserKey(u.Tenant, u.Name), u.Append(nil))
	return nil
}

// saveUser writes a user under a new revision, with the entry in the audit of his tenant.
func (c *change) saveUser(u *access.User, activity string, before any) (err error) {
	if u.Revision, err = c.revision(u.Tenant); err != nil {
		return err
	}
	if err := c.putUser(u); err != nil {
		return err
	}
	return c.audit(u.Tenant, activity, "user/"+u.Name, before, u)
}

// audit writes the entry of the change in the audit of a tenant. One turn has at most
// one entry for each tenant.
func (c *change) audit(tenant, activity, what string, before, after any) error {
	e := access.Entry{Tenant: tenant, Activity: activity, What: what, Before: access.Shown(before), After: access.Shown(after), Actor: "node"}
	if c.by != nil {
		e.Actor, e.Token = c.by.Actor(), c.by.Token
		if c.by.Source.IsValid() {
			e.Source = c.by.Source.String()
		}
	}
	first, _, err := c.edge(tenant, false)
	if err != nil {
		return err
	}
	last, found, err := c.edge(tenant, true)
	if err != nil {
		return err
	}
	e.ID, e.Number = access.NextAudit(c.now, last.ID), last.Number+1
	c.batch.Put(wire.ClassAudit, access.AuditKey(tenant, e.ID), e.Append(nil))
	if found && last.Number-first.Number+1 >= uint64(c.o.AuditMost) {
		return c.prune(tenant)
	}
	return nil
}

// edge is the oldest entry of a tenant, or the newest; false: there is none.
func (s *Service) edge(tenant string, newest bool) (e access.Entry, found bool, err error) {
	err = s.scan(wire.ClassAudit, access.AuditOf(tenant), nil, newest, func(key, value []byte) (bool, error) {
		_, id, ok := access.AuditOfKey(key)
		if !ok {
			return false, access.ErrRecord
		}
		found = true
		e, err = access.ParseEntry(tenant, id, value)
		return false, err
	})
	return e, found, err
}

// pruned is how many entries go at a time when there are too many.
const pruned = 64

func (c *change) prune(tenant string) error {
	left := min(pruned, c.o.AuditMost)
	var end []byte
	err := c.scan(wire.ClassAudit, access.AuditOf(tenant), nil, false, func(key, _ []byte) (bool, error) {
		end = append(end[:0], key...)
		left--
		return left >= 0, nil
	})
	if err == nil && left < 0 {
		c.batch.DeleteRange(wire.ClassAudit, access.AuditOf(tenant), end)
	}
	return err
}
