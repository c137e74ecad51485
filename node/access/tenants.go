package access

import (
	"context"

	"dormouse/actors/access"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// NewTenant is what a tenant is made of.
type NewTenant struct {
	ID, Name string
	Quotas   access.Quotas
}

// TenantChange is what of a tenant changes; nil stays.
type TenantChange struct {
	Name   *string
	Status *access.Status
	Quotas *access.Quotas
}

// Tenants lists tenants by ID, behind the one called after, at most limit of them.
// Who is no platform-admin has the one that he acts in.
func (s *Service) Tenants(by *access.Principal, after string, limit int) (list []access.Tenant, err error) {
	if by.Must(access.PlatformAdmin) != nil {
		t, err := s.Tenant(by, by.Tenant)
		if err != nil || after >= t.ID {
			return nil, err
		}
		return []access.Tenant{t}, nil
	}
	err = s.page(wire.ClassTenant, nil, access.TenantKey(after), limit, func(key, value []byte) error {
		t, err := access.ParseTenant(string(key), value)
		list = append(list, t)
		return err
	})
	return list, err
}

// page calls f for at most limit records whose key begins with prefix and is above
// after.
func (s *Service) page(class wire.Class, prefix, after []byte, limit int, f func(key, value []byte) error) error {
	if limit <= 0 {
		return nil
	}
	var from []byte
	if len(after) > 0 {
		from = append(append([]byte(nil), after...), 0)
	}
	return s.scan(class, prefix, from, false, func(key, value []byte) (bool, error) {
		limit--
		return limit > 0, f(key, value)
	})
}

// Tenant is the one that he acts in, or for a platform-admin any.
func (s *Service) Tenant(by *access.Principal, id string) (access.Tenant, error) {
	if err := by.Must(access.TenantRead); err != nil {
		return access.Tenant{}, err
	}
	id, err := access.ParseTenantID(id)
	if err != nil || id != by.Tenant && by.Must(access.PlatformAdmin) != nil {
		return access.Tenant{}, notFound("tenant", id) // whether or not there is
	}
	t, found, err := s.tenant(id)
	if err == nil && !found {
		err = notFound("tenant", id)
	}
	return t, err
}

// CreateTenant makes a tenant without users.
func (s *Service) CreateTenant(ctx context.Context, by *access.Principal, n NewTenant) (t access.Tenant, err error) {
	if err := by.Must(access.PlatformAdmin); err != nil {
		return access.Tenant{}, err
	}
	id, err := access.ParseTenantID(n.ID)
	if err != nil {
		return access.Tenant{}, translate(err)
	}
	err = s.turn(ctx, by, func(c *change) error {
		if _, found, err := c.tenant(id); err != nil {
			return err
		} else if found {
			return admin.Refuse(admin.ErrConflict, "There is a tenant %q already.", id)
		}
		if n, err := c.count(wire.ClassTenant, nil); err != nil {
			return err
		} else if n >= MaxTenants {
			return admin.Refuse(admin.ErrLimit, "There are %d tenants, which is the most.", n)
		}
		t = access.Tenant{ID: id, Name: n.Name, Status: access.Active, Quotas: n.Quotas, Created: c.now}
		return c.putTenant(&t, "tenant.created", nil)
	})
	return t, err
}

// putTenant checks and writes a tenant; changes of tenants are in the audit of
// Management.
func (c *change) putTenant(t *access.Tenant, activity string, before any) (err error) {
	if t.Revision, err = c.revision(access.Management); err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	c.batch.Put(wire.ClassTenant, access.TenantKey(t.ID), t.Append(nil))
	return c.audit(access.Management, activity, "tenant/"+t.ID, before, t)
}

// ChangeTenant changes any tenant. Its name alone a tenant-admin may change, of the one
// that he acts in.
func (s *Service) ChangeTenant(ctx context.Context, by *access.Principal, id string, n TenantChange, revision uint64) (t access.Tenant, err error) {
	needs := access.PlatformAdmin
	if id, err = access.ParseTenantID(id); err == nil && id == by.Tenant && n.Status == nil && n.Quotas == nil {
		needs = access.TenantAdmin
	}
	if err := by.Must(needs); err != nil {
		return access.Tenant{}, err
	}
	err = s.turn(ctx, by, func(c *change) (err error) {
		if t, err = c.tenantToChange(id, revision); err != nil {
			return err
		}
		before := t
		set(&t.Name, n.Name)
		set(&t.Status, n.Status)
		set(&t.Quotas, n.Quotas)
		if t == before {
			return nil
		}
		return c.putTenant(&t, "tenant.changed", before)
	})
	return t, err
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func (c *change) tenantToChange(id string, revision uint64) (access.Tenant, error) {
	t, found, err := c.tenant(id)
	if err == nil && !found {
		err = notFound("tenant", id)
	}
	if err == nil {
		err = expect(t.Revision, revision)
	}
	return t, err
}

// RemoveTenant removes a tenant with its users, their tokens and its audit. What else
// belongs to it the caller removes before.
func (s *Service) RemoveTenant(ctx context.Context, by *access.Principal, id string, revision uint64) error {
	if err := by.Must(access.PlatformAdmin); err != nil {
		return err
	}
	id, err := access.ParseTenantID(id)
	switch {
	case err != nil:
		return notFound("tenant", id)
	case id == access.Management:
		return admin.Refuse(admin.ErrConflict, "The tenant %s cannot be removed.", id)
	}
	err = s.turn(ctx, by, func(c *change) error {
		t, err := c.tenantToChange(id, revision)
		if err != nil {
			return err
		}
		c.batch.Delete(wire.ClassTenant, access.TenantKey(id))
		c.batch.DeleteRange(wire.ClassUser, access.UsersOf(id), wire.PrefixEnd(access.UsersOf(id)))
		c.batch.DeleteRange(wire.ClassAudit, access.AuditOf(id), wire.PrefixEnd(access.AuditOf(id)))
		if err := c.dropTokens(id, ""); err != nil {
			return err
		}
		return c.audit(access.Management, "tenant.removed", "tenant/"+id, t, nil)
	})
	if err == nil {
		s.mu.Lock()
		delete(s.buckets, id)
		s.mu.Unlock()
	}
	return err
}
