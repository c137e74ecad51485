package access

import (
	"context"
	"errors"
	"fmt"

	"dormouse/actors/access"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Store is the system group as this node has it. persistence/store and
// cluster/shards do it together.
type Store interface {
	Get(shard ids.Shard, class wire.Class, key, dst []byte) (value []byte, found bool, err error)
	Scan(shard ids.Shard, class wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error
	// Lead names this node's present leadership of the group: all that was ever
	// committed is applied here. false: another node leads, or nobody.
	Lead() (term uint64, leads bool)
	// Propose asks for a batch to be committed, unless that leadership is over. done
	// is called once, when the fate is known: nil, it is applied here; ErrElsewhere,
	// it never will be; admin.ErrUnknown, another node knows, and leads by now.
	Propose(term uint64, b *wire.Batch, done func(error))
}

// Leader takes what logins find out to where the system group is led. A Service does
// that where this is here.
type Leader interface {
	// Upgrade stores another hash of the same password, if the user still has the one
	// that it was verified by.
	Upgrade(ctx context.Context, u Upgrade) error
	// Lock lets all nodes know of failures.
	Lock(ctx context.Context, s access.Subject, c access.Count) error
	// Unlock lets them forget.
	Unlock(ctx context.Context, s access.Subject) error
}

// Upgrade is a password's hash that is to be stored in place of another.
type Upgrade struct {
	Tenant, User  string
	Before, After access.Secret
}

// ErrElsewhere says that the system group is led elsewhere, and that nothing was
// done: the request belongs there. It is endpoint.ErrElsewhere, too, by which
// requests are sent on.
var ErrElsewhere = fmt.Errorf("access: the system group is led by another node: %w", endpoint.ErrElsewhere)

func elsewhere() error {
	return fmt.Errorf("%w (%w)", admin.Refuse(admin.ErrBusy, "The cluster has no leader for this right now: try again."), ErrElsewhere)
}

// translate turns what actors/access refuses into errors of the API. ErrForbidden,
// ErrUnauthorized and Throttled stay as they are.
func translate(err error) error {
	if errors.Is(err, access.ErrInvalid) {
		return admin.Refuse(admin.ErrUnprocessable, "%v.", err)
	}
	return err
}

func notFound(what, name string) error {
	return admin.Refuse(admin.ErrNotFound, "There is no %s %q.", what, name)
}

func (s *Service) get(class wire.Class, key []byte) (value []byte, found bool, err error) {
	value, found, err = s.o.Store.Get(ids.System, class, key, nil)
	if err != nil {
		err = fmt.Errorf("access: reading a record of class %q: %w", class, err)
	}
	return value, found, err
}

// scan calls f for the records whose key begins with prefix, from key from on. f's
// error ends it.
func (s *Service) scan(class wire.Class, prefix, from []byte, reverse bool, f func(key, value []byte) (more bool, err error)) error {
	var bad error
	end := wire.PrefixEnd(prefix)
	if len(from) == 0 {
		from = prefix
	} else if reverse {
		from, end = prefix, from
	}
	err := s.o.Store.Scan(ids.System, class, from, end, reverse, func(key, value []byte) (more bool) {
		more, bad = f(key, value)
		return more && bad == nil
	})
	if err = errors.Join(err, bad); err != nil {
		return fmt.Errorf("access: scanning class %q: %w", class, err)
	}
	return nil
}

func (s *Service) count(class wire.Class, prefix []byte) (n int, err error) {
	err = s.scan(class, prefix, nil, false, func(_, _ []byte) (bool, error) { n++; return true, nil })
	return n, err
}

func (s *Service) tenant(id string) (t access.Tenant, found bool, err error) {
	value, found, err := s.get(wire.ClassTenant, access.TenantKey(id))
	if err == nil && found {
		t, err = access.ParseTenant(id, value)
	}
	return t, found && err == nil, err
}

func (s *Service) user(tenant, name string) (u access.User, found bool, err error) {
	value, found, err := s.get(wire.ClassUser, access.UserKey(tenant, name))
	if err == nil && found {
		u, err = access.ParseUser(tenant, name, value)
	}
	return u, found && err == nil, err
}

func (s *Service) token(id access.TokenID) (t access.Token, found bool, err error) {
	value, found, err := s.get(wire.ClassToken, access.TokenKey(id))
	if err == nil && found {
		t, err = access.ParseToken(id, value)
	}
	return t, found && err == nil, err
}

// shared is what the cluster knows of a subject's failures.
func (s *Service) shared(subject access.Subject) (c access.Count, found bool, err error) {
	value, found, err := s.get(wire.ClassLock, subject[:])
	if err == nil && found {
		c, err = access.ParseCount(value)
	}
	return c, found && err == nil, err
}
