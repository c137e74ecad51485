package access

import (
	"context"
	"fmt"

	"dormouse/actors/access"
	"dormouse/codec/wire"
)

// maxSwept bounds the records that one sweep removes; the next one goes on.
const maxSwept = 4096

// Sweep removes what is over: locks and tokens, and audit entries that are too old. It
// is called now and then, where the system group is led, and when this node begins to
// lead it.
func (s *Service) Sweep(ctx context.Context) error {
	for _, sweep := range []func(*change) error{(*change).sweepLocks, (*change).sweepTokens, (*change).sweepAudit} {
		if err := s.turn(ctx, nil, sweep); err != nil {
			return fmt.Errorf("access: sweeping: %w", err)
		}
	}
	return nil
}

func (c *change) sweepLocks() error {
	left := 0
	err := c.scan(wire.ClassLock, nil, nil, false, func(key, value []byte) (bool, error) {
		count, err := access.ParseCount(value)
		if len(key) != len(access.Subject{}) || err != nil {
			return false, fmt.Errorf("%w: %v", access.ErrRecord, err)
		}
		subject := access.Subject(key)
		if subject.Past(count, c.now) && c.batch.Len() < maxSwept {
			c.batch.Delete(wire.ClassLock, key)
		} else {
			left++
		}
		return true, nil
	})
	if err == nil {
		c.mu.Lock()
		c.locks = left
		c.mu.Unlock()
	}
	return err
}

func (c *change) sweepTokens() error {
	return c.scan(wire.ClassToken, []byte{'i'}, nil, false, func(key, value []byte) (bool, error) {
		t, err := access.ParseToken(access.TokenOfKey(key), value)
		if err == nil && !c.now.Before(t.Expires) {
			c.dropToken(&t)
		}
		return c.batch.Len() < maxSwept, err
	})
}

func (c *change) sweepAudit() error {
	oldest := access.FirstAudit(c.now.Add(-c.o.AuditFor))
	return c.scan(wire.ClassTenant, nil, nil, false, func(key, _ []byte) (bool, error) {
		first, found, err := c.edge(string(key), false)
		if err == nil && found && first.ID < oldest {
			c.batch.DeleteRange(wire.ClassAudit, access.AuditOf(string(key)), access.AuditKey(string(key), oldest))
		}
		return true, err
	})
}
