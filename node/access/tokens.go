package access

import (
	"context"
	"time"

	"dormouse/actors/access"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// NewToken is what a token is made of.
type NewToken struct {
	Label   string
	Scope   access.Permissions
	Expires time.Time // within MaxTokenLifetime
}

// Tokens lists the tokens of a user of the tenant that he acts in; his own he may
// always see.
func (s *Service) Tokens(by *access.Principal, name string) ([]access.Token, error) {
	tenant, name, err := s.whose(by, name, access.UserRead)
	if err != nil {
		return nil, err
	}
	return s.tokens(tenant, name)
}

// whose is the user that a name means: who is logged in for "", or another, for which
// a permission is needed.
func (s *Service) whose(by *access.Principal, name string, needs access.Permissions) (tenant, user string, err error) {
	if name == "" || name == by.User && by.Tenant == by.Home {
		return by.Home, by.User, nil
	}
	if err := by.Must(needs); err != nil {
		return "", "", err
	}
	u, err := s.found(by.Tenant, name)
	return u.Tenant, u.Name, err
}

func (s *Service) tokens(tenant, name string) (list []access.Token, err error) {
	var all []access.TokenID
	err = s.scan(wire.ClassToken, access.TokensOf(tenant, name), nil, false, func(key, _ []byte) (bool, error) {
		all = append(all, access.TokenOfKey(key))
		return true, nil
	})
	for _, id := range all {
		t, found, bad := s.token(id)
		if bad != nil {
			return nil, bad
		}
		if found {
			list = append(list, t)
		}
	}
	return list, err
}

// MakeToken makes a token of who is logged in, with a part of what he may. Its text is
// shown this once. A token makes no tokens, or one that was stolen would live for ever;
// and nobody makes one of another user.
func (s *Service) MakeToken(ctx context.Context, by *access.Principal, n NewToken) (t access.Token, text access.Secret, err error) {
	if by.Token != 0 {
		return t, "", access.Forbid("%s logged in with a token, which makes no others", by.Actor())
	}
	if err := by.Must(n.Scope); err != nil {
		return t, "", err
	}
	t = access.Token{
		ID: access.TokenID(max(1, random[uint64]())), Tenant: by.Home, User: by.User, Label: n.Label, Scope: n.Scope,
		Expires: n.Expires.Truncate(time.Millisecond),
	}
	text = t.Issue(random[[access.TokenSecretLen]byte]())
	err = s.turn(ctx, by, func(c *change) error {
		t.Created = c.now
		if t.Expires.After(c.now.Add(MaxTokenLifetime)) {
			return admin.Refuse(admin.ErrUnprocessable, "A token expires within %d days.", MaxTokenLifetime/(24*time.Hour))
		}
		if err := t.Check(); err != nil {
			return err
		}
		if err := c.roomForToken(&t); err != nil {
			return err
		}
		c.batch.Put(wire.ClassToken, access.TokenKey(t.ID), t.Append(nil))
		c.batch.Put(wire.ClassToken, access.TokenIndexKey(&t), nil)
		return c.audit(t.Tenant, "token.created", "user/"+t.User, nil, t)
	})
	if err != nil {
		return access.Token{}, "", err
	}
	return t, text, nil
}

func (c *change) roomForToken(t *access.Token) error {
	if _, err := c.found(t.Tenant, t.User); err != nil {
		return err // he was removed meanwhile
	}
	if _, found, err := c.token(t.ID); err != nil || found {
		return orBusy(err)
	}
	for _, bound := range []struct {
		user string
		most int
	}{{t.User, MaxTokens}, {"", MaxTokensTenant}} {
		n, err := c.count(wire.ClassToken, access.TokensOf(t.Tenant, bound.user))
		if err != nil {
			return err
		}
		if n >= bound.most {
			return admin.Refuse(admin.ErrLimit, "There are %d tokens, which is the most: revoke one.", n)
		}
	}
	return nil
}

func orBusy(err error) error {
	if err != nil {
		return err
	}
	return admin.Refuse(admin.ErrBusy, "The token's ID is another's: try again.")
}

// RevokeToken ends a token: one's own, or that of a user whom he may change.
func (s *Service) RevokeToken(ctx context.Context, by *access.Principal, id access.TokenID) error {
	return s.turn(ctx, by, func(c *change) error {
		t, found, err := c.token(id)
		if err != nil {
			return err
		}
		own := t.Tenant == by.Home && t.User == by.User
		if !found || !own && (t.Tenant != by.Tenant || !by.Permissions.Has(access.UserAdmin)) {
			return notFound("token", id.String()) // whether or not there is
		}
		if !own {
			if _, err := c.userToChange(t.User, 0); err != nil {
				return err
			}
		}
		c.dropToken(&t)
		return c.audit(t.Tenant, "token.revoked", "user/"+t.User, t, nil)
	})
}

func (c *change) dropToken(t *access.Token) {
	c.batch.Delete(wire.ClassToken, access.TokenKey(t.ID))
	c.batch.Delete(wire.ClassToken, access.TokenIndexKey(t))
}

// dropTokens removes the tokens of a user, or for "" of a tenant.
func (c *change) dropTokens(tenant, name string) error {
	list, err := c.tokens(tenant, name)
	for i := range list {
		c.dropToken(&list[i])
	}
	return err
}
