package access

import (
	"context"
	"encoding/base32"

	"dormouse/actors/access"
	"dormouse/codec/wire"
)

// AdminName is the user of Management whom the first start makes.
const AdminName = "admin"

// First makes the tenant Management and its user admin, a platform-admin, where there
// is no platform-admin yet who can log in. given is his password, "" for a random one,
// which is returned: this once, for it is stored nowhere. Where there is one already,
// nothing is done and "" returned, whatever was given. It is called where the system
// group is led.
func (s *Service) First(ctx context.Context, given access.Secret) (password access.Secret, err error) {
	if _, found, err := s.anyAdmin(); err != nil || found {
		return "", err
	}
	password = given
	if given == "" {
		password = access.Secret(base32.StdEncoding.EncodeToString(randomBytes(15))) // 120 bits, 24 characters
	}
	h, err := s.newHash(ctx, AdminName, password)
	if err != nil {
		return "", err
	}
	made := false
	err = s.turn(ctx, nil, func(c *change) error {
		if _, found, err := c.anyAdmin(); err != nil || found {
			return err
		}
		made = true
		return c.makeAdmin(h)
	})
	if err != nil || !made || given != "" {
		return "", err
	}
	return password, nil
}

// anyAdmin finds a platform-admin who can log in with a password.
func (s *Service) anyAdmin() (u access.User, found bool, err error) {
	err = s.scan(wire.ClassUser, access.UsersOf(access.Management), nil, false, func(key, value []byte) (bool, error) {
		u, err = access.ParseUser(access.Management, access.UserOfKey(access.Management, key), value)
		found = err == nil && admits(&u)
		return !found, err
	})
	return u, found, err
}

func (c *change) makeAdmin(h access.Secret) error {
	if _, found, err := c.tenant(access.Management); err != nil {
		return err
	} else if !found {
		t := access.Tenant{ID: access.Management, Status: access.Active, Created: c.now, Revision: 1}
		c.batch.Put(wire.ClassTenant, access.TenantKey(t.ID), t.Append(nil))
	}
	u, found, err := c.user(access.Management, AdminName) // one who cannot log in
	if err != nil {
		return err
	}
	if !found {
		u = access.User{Tenant: access.Management, Name: AdminName, Created: c.now}
	}
	u.Enabled, u.Hash, u.PasswordChanged = true, h, c.now
	u.Roles |= access.RolePlatformAdmin
	return c.saveUser(&u, "user.created", nil)
}
