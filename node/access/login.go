package access

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"dormouse/actors/access"
)

// Request is what of an HTTP request says who makes it.
type Request struct {
	Authorization string     // the header
	Tenant        string     // that is acted in, from a header of its own; "": as Authorization says
	Source        netip.Addr // the peer
}

// Login says who makes a request. access.ErrUnauthorized says that nobody does,
// *access.Throttled that it was not looked at, access.ErrForbidden that he may not act
// in that tenant. What the user may do is read anew each time.
func (s *Service) Login(ctx context.Context, r Request) (access.Principal, error) {
	login, err := access.ParseAuthorization(r.Authorization)
	if err != nil {
		return access.Principal{}, err
	}
	u, scope, token, err := s.prove(ctx, &login, r.Source)
	if err != nil {
		return access.Principal{}, err
	}
	tenant, err := s.actedIn(r.Tenant, login.Tenant, u.Tenant)
	if err != nil {
		return access.Principal{}, err
	}
	p, err := access.Act(&u, tenant, scope)
	if err != nil {
		return access.Principal{}, err
	}
	if _, found, err := s.tenant(tenant); err != nil || !found {
		return access.Principal{}, orNotFound(err, "tenant", tenant)
	}
	p.Source, p.Token = r.Source, token
	return p, nil
}

func orNotFound(err error, what, name string) error {
	if err != nil {
		return err
	}
	return notFound(what, name)
}

// actedIn is the tenant that a request names, at one place or at two alike.
func (s *Service) actedIn(header, login, home string) (string, error) {
	if header == "" {
		if login == "" {
			return home, nil
		}
		return login, nil
	}
	id, err := access.ParseTenantID(header)
	if err == nil && login != "" && login != home && login != id {
		err = fmt.Errorf("%w: the request names two tenants", access.ErrInvalid)
	}
	return id, translate(err)
}

// errStale is the ErrUnauthorized of a secret that was right once: it is no guess.
var errStale = fmt.Errorf("%w any more", access.ErrUnauthorized)

// prove finds the user, who exists and is welcome, with what he may at most, and the
// token. ErrUnauthorized is bare.
func (s *Service) prove(ctx context.Context, l *access.Login, from netip.Addr) (u access.User, scope access.Permissions, id access.TokenID, err error) {
	presented, ours := access.ParsePresented(l.Bearer)
	tenant, name := l.Home, l.User
	if l.Bearer != "" {
		tenant, name = "", presented.ID.String() // which is no name of a user: he has a tenant
	}
	pair := s.known.From(tenant, name, from)
	source := access.Source(from)
	// Whoever was let in from there before is not locked out with his neighbours.
	if !s.remembers(s.known, pair) {
		if _, err := s.open(source); err != nil {
			return u, 0, 0, err
		}
	}
	scope = access.AllPermissions
	switch {
	case l.Bearer == "":
		u, err = s.proveUser(ctx, l, from)
	case ours:
		id = presented.ID
		u, scope, err = s.proveToken(presented)
	default:
		u, err = s.proveForeign(ctx, l.Bearer)
	}
	switch {
	case err == nil:
		s.remember(s.known, pair)
	case errors.Is(err, access.ErrUnauthorized):
		if err != errStale {
			s.failed(ctx, source)
		}
		err = access.ErrUnauthorized
	}
	return u, scope, id, err
}

func (s *Service) proveToken(p access.Presented) (access.User, access.Permissions, error) {
	t, found, err := s.token(p.ID)
	switch {
	case err != nil:
		return access.User{}, 0, err
	case !found || !t.Is(p):
		return access.User{}, 0, access.ErrUnauthorized
	case !t.Opens(p, s.o.Now()):
		return access.User{}, 0, errStale
	}
	u, err := s.welcome(t.Tenant, t.User)
	if err == access.ErrUnauthorized {
		err = errStale
	}
	return u, t.Scope, err
}

func (s *Service) proveForeign(ctx context.Context, token access.Secret) (access.User, error) {
	if s.o.Bearer == nil {
		return access.User{}, access.ErrUnauthorized
	}
	tenant, name, err := s.o.Bearer.Verify(ctx, token, s.o.Now())
	if err != nil {
		return access.User{}, err
	}
	return s.welcome(tenant, name)
}

func (s *Service) remembers(v *access.Verified, p access.Proof) bool {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return v.Has(p, now)
}

func (s *Service) remember(v *access.Verified, p access.Proof) {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Add(p, now)
}

// welcome is a user who is enabled, of a tenant that is active.
func (s *Service) welcome(tenant, name string) (access.User, error) {
	u, found, err := s.user(tenant, name)
	if err != nil {
		return access.User{}, err
	}
	t, known, err := s.tenant(tenant)
	if err != nil {
		return access.User{}, err
	}
	if !found || !u.Enabled || !known || t.Status != access.Active {
		return access.User{}, access.ErrUnauthorized
	}
	return u, nil
}
