package access

import (
	"context"
	"fmt"

	"dormouse/actors/access"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// NewUser is what a user is made of.
type NewUser struct {
	Name                              string
	FirstName, LastName, Email, Phone string
	Roles                             access.Roles
	Password                          access.Secret // "": none, he logs in by others' word
	Disabled                          bool
}

// UserChange is what of a user changes; nil stays.
type UserChange struct {
	FirstName, LastName, Email, Phone *string
	Roles                             *access.Roles
	Enabled                           *bool
	Password                          *access.Secret // "" takes it away
}

// Users lists the users of the tenant that he acts in, by name.
func (s *Service) Users(by *access.Principal, after string, limit int) (list []access.User, err error) {
	if err := by.Must(access.UserRead); err != nil {
		return nil, err
	}
	var from []byte
	if after != "" {
		from = access.UserKey(by.Tenant, after)
	}
	err = s.page(wire.ClassUser, access.UsersOf(by.Tenant), from, limit, func(key, value []byte) error {
		u, err := access.ParseUser(by.Tenant, access.UserOfKey(by.Tenant, key), value)
		list = append(list, u)
		return err
	})
	return list, err
}

// User is one of the tenant that he acts in.
func (s *Service) User(by *access.Principal, name string) (access.User, error) {
	if err := by.Must(access.UserRead); err != nil {
		return access.User{}, err
	}
	return s.found(by.Tenant, name)
}

// Self is the record of who is logged in.
func (s *Service) Self(by *access.Principal) (access.User, error) { return s.found(by.Home, by.User) }

func (s *Service) found(tenant, name string) (access.User, error) {
	name, err := access.ParseUserName(name)
	if err != nil {
		return access.User{}, notFound("user", name)
	}
	u, found, err := s.user(tenant, name)
	if err == nil && !found {
		err = notFound("user", name)
	}
	return u, err
}

// CreateUser makes a user in the tenant that he acts in. Nobody gives a role that
// allows more than he may.
func (s *Service) CreateUser(ctx context.Context, by *access.Principal, n NewUser) (u access.User, err error) {
	if err := by.Grants(n.Roles); err != nil {
		return access.User{}, err
	}
	name, err := access.ParseUserName(n.Name)
	if err != nil {
		return access.User{}, translate(err)
	}
	h, err := s.newHash(ctx, name, n.Password)
	if err != nil {
		return access.User{}, err
	}
	err = s.turn(ctx, by, func(c *change) error {
		if err := c.roomForUser(by.Tenant, name); err != nil {
			return err
		}
		u = access.User{
			Tenant: by.Tenant, Name: name, FirstName: n.FirstName, LastName: n.LastName, Email: n.Email, Phone: n.Phone,
			Roles: n.Roles, Enabled: !n.Disabled, Hash: h, Created: c.now,
		}
		if h != "" {
			u.PasswordChanged = c.now
		}
		return c.saveUser(&u, "user.created", nil)
	})
	return u, err
}

// newHash is that of a password which may be set; "" of none.
func (s *Service) newHash(ctx context.Context, user string, password access.Secret) (access.Secret, error) {
	if password == "" {
		return "", nil
	}
	if err := access.CheckPassword(user, password); err != nil {
		return "", translate(err)
	}
	return s.hash(ctx, password)
}

func (c *change) roomForUser(tenant, name string) error {
	if _, found, err := c.tenant(tenant); err != nil || !found {
		return orNotFound(err, "tenant", tenant)
	}
	if _, found, err := c.user(tenant, name); err != nil {
		return err
	} else if found {
		return admin.Refuse(admin.ErrConflict, "There is a user %q already.", name)
	}
	n, err := c.count(wire.ClassUser, access.UsersOf(tenant))
	if err == nil && n >= MaxUsers {
		err = admin.Refuse(admin.ErrLimit, "The tenant has %d users, which is the most.", n)
	}
	return err
}

// ChangeUser changes a user of the tenant that he acts in.
func (s *Service) ChangeUser(ctx context.Context, by *access.Principal, name string, n UserChange, revision uint64) (u access.User, err error) {
	if err := by.Must(access.UserAdmin); err != nil {
		return access.User{}, err
	}
	var h access.Secret
	if n.Password != nil {
		if h, err = s.newHash(ctx, name, *n.Password); err != nil {
			return access.User{}, err
		}
	}
	err = s.turn(ctx, by, func(c *change) (err error) {
		if u, err = c.userToChange(name, revision); err != nil {
			return err
		}
		before := u
		set(&u.FirstName, n.FirstName)
		set(&u.LastName, n.LastName)
		set(&u.Email, n.Email)
		set(&u.Phone, n.Phone)
		set(&u.Roles, n.Roles)
		set(&u.Enabled, n.Enabled)
		if n.Password != nil {
			u.Hash, u.PasswordChanged = h, c.now
		}
		return c.changeUser(&before, &u, "user.changed")
	})
	return u, err
}

// userToChange is one whom he may change.
func (c *change) userToChange(name string, revision uint64) (access.User, error) {
	u, err := c.found(c.by.Tenant, name)
	if err == nil {
		err = c.by.Grants(u.Roles)
	}
	if err == nil {
		err = expect(u.Revision, revision)
	}
	return u, err
}

// changeUser writes a user who was another before.
func (c *change) changeUser(before, u *access.User, activity string) error {
	if *u == *before {
		return nil
	}
	if err := c.by.Grants(u.Roles); u.Roles != before.Roles && err != nil {
		return err
	}
	if err := c.keepAdmin(before, u); err != nil {
		return err
	}
	return c.saveUser(u, activity, before)
}

// keepAdmin refuses to take away the last platform-admin who can log in with a password;
// after is nil where he is removed.
func (c *change) keepAdmin(before, after *access.User) error {
	if !admits(before) || after != nil && admits(after) {
		return nil
	}
	another := false
	err := c.scan(wire.ClassUser, access.UsersOf(access.Management), nil, false, func(key, value []byte) (bool, error) {
		name := access.UserOfKey(access.Management, key)
		u, err := access.ParseUser(access.Management, name, value)
		another = err == nil && name != before.Name && admits(&u)
		return !another, err
	})
	if err == nil && !another {
		err = admin.Refuse(admin.ErrConflict, "%s is the last platform-admin who can log in with a password.", before.Name)
	}
	return err
}

func admits(u *access.User) bool {
	return u.Tenant == access.Management && u.Enabled && u.Hash != "" && u.Roles&access.RolePlatformAdmin != 0
}

// RemoveUser removes a user and his tokens.
func (s *Service) RemoveUser(ctx context.Context, by *access.Principal, name string, revision uint64) error {
	return s.turn(ctx, by, func(c *change) error {
		u, err := c.userToChange(name, revision)
		if err == nil {
			err = c.keepAdmin(&u, nil)
		}
		if err == nil {
			err = c.dropTokens(u.Tenant, u.Name)
		}
		if err != nil {
			return err
		}
		c.batch.Delete(wire.ClassUser, access.UserKey(u.Tenant, u.Name))
		return c.audit(u.Tenant, "user.removed", "user/"+u.Name, u, nil)
	})
}

// ChangePassword gives who is logged in another password. He says the one that he has,
// and a wrong one counts as a failed login.
func (s *Service) ChangePassword(ctx context.Context, by *access.Principal, old, password access.Secret) error {
	if by.Token != 0 {
		return access.Forbid("%s logged in with a token, which changes no password", by.Actor())
	}
	if password == "" {
		return admin.Refuse(admin.ErrUnprocessable, "There is no new password.")
	}
	l := access.Login{Tenant: by.Home, Home: by.Home, User: by.User, Password: old}
	before, err := s.proveUser(ctx, &l, by.Source)
	if err == access.ErrUnauthorized {
		return access.Forbid("the old password is another one")
	}
	if err != nil {
		return err
	}
	h, err := s.newHash(ctx, by.User, password)
	if err != nil {
		return err
	}
	return s.turn(ctx, by, func(c *change) error {
		u, err := c.found(by.Home, by.User)
		if err != nil {
			return err
		}
		if u.Hash != before.Hash {
			return admin.Refuse(admin.ErrConflict, "The password was changed meanwhile.")
		}
		was := u
		u.Hash, u.PasswordChanged = h, c.now
		return c.saveUser(&u, "user.password", was)
	})
}

// UnlockUser lets a user try again who failed too often: everywhere, but for nodes
// that counted failures of their own.
func (s *Service) UnlockUser(ctx context.Context, by *access.Principal, name string) error {
	if err := by.Must(access.UserAdmin); err != nil {
		return err
	}
	u, err := s.found(by.Tenant, name)
	if err != nil {
		return err
	}
	subject := access.Name(u.Tenant, u.Name)
	s.mu.Lock()
	s.limiter.Forget(subject)
	s.mu.Unlock()
	if err := s.Unlock(ctx, subject); err != nil {
		return fmt.Errorf("access: unlocking %s/%s: %w", u.Tenant, u.Name, err)
	}
	return nil
}
