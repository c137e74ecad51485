package access

import (
	"context"
	"net/netip"
	"time"

	"dormouse/actors/access"
)

// verifyWithin bounds the wait for a slot to verify a password in.
const verifyWithin = 10 * time.Second

// proveUser verifies a password. A user who is not welcome, or has no password, has the
// decoy, so that he costs and is counted like any other.
func (s *Service) proveUser(ctx context.Context, l *access.Login, from netip.Addr) (access.User, error) {
	u, err := s.welcome(l.Home, l.User)
	switch {
	case err == access.ErrUnauthorized || err == nil && u.Hash == "":
		u = access.User{Tenant: l.Home, Name: l.User, Hash: s.decoy}
	case err != nil:
		return access.User{}, err
	}
	a := &attempt{Service: s, user: &u, password: l.Password, proof: s.verified.Proof(&u, l.Password, from)}
	// Before what is remembered is looked at: else that could be guessed for nothing.
	if a.subject = access.Name(l.Home, l.User); s.remembers(s.known, s.known.From(l.Home, l.User, from)) {
		a.subject = access.Pair(l.Home, l.User, from)
	}
	if a.shared, err = s.open(a.subject); err != nil {
		return access.User{}, err
	}
	if s.remembers(s.verified, a.proof) {
		return u, nil
	}
	ok, err := s.fly(ctx, a.proof, a.begin, func() (bool, error) { return a.verify(ctx) })
	if err != nil {
		return access.User{}, err
	}
	// While it was verified he may have been changed.
	again, err := s.welcome(l.Home, l.User)
	if !ok || err == nil && again.Hash != u.Hash && !s.upgraded(u.Hash, again.Hash) {
		return access.User{}, access.ErrUnauthorized
	}
	return again, err
}

// attempt is one verification of a password.
type attempt struct {
	*Service
	user     *access.User
	password access.Secret
	proof    access.Proof
	subject  access.Subject // that it counts for
	shared   access.Count   // what the cluster knew of it before
}

// begin counts the attempt as failed before it is looked at: many at once are no more
// guesses than one after the other. s.mu is held.
func (a *attempt) begin() error {
	now := a.o.Now()
	if wait := a.limiter.Check(a.subject, a.shared, now); wait > 0 {
		return &access.Throttled{After: wait}
	}
	a.limiter.Fail(a.subject, a.shared, now)
	return nil
}

// verify does it, and counts. It goes on when the request is given up: others may wait
// for it.
func (a *attempt) verify(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyWithin)
	defer cancel()
	ok, err := a.Service.verify(ctx, a.user.Hash, a.password)
	now := a.o.Now()
	a.mu.Lock()
	count := a.limiter.Count(a.subject)
	switch {
	case err != nil:
		a.limiter.Undo(a.subject)
	case ok:
		a.limiter.Forget(a.subject)
		a.verified.Add(a.proof, now)
	}
	a.mu.Unlock()
	switch {
	case err != nil:
	case ok:
		a.succeeded(ctx)
	case count.Until.After(a.shared.Until):
		a.share(ctx, a.subject, count, now)
	}
	return ok, err
}

// upgraded says that the one hash was replaced by a dearer one, of the same password.
func (s *Service) upgraded(before, after access.Secret) bool {
	return access.Weaker(before, s.o.Cost) && !access.Weaker(after, s.o.Cost)
}

// succeeded ends what the cluster knows of failures, and makes a stronger hash where
// the stored one is of a lower cost. Neither keeps anybody out when it fails.
func (a *attempt) succeeded(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaderWithin)
	defer cancel()
	if a.shared != (access.Count{}) {
		if err := a.leader.Unlock(ctx, a.subject); err != nil {
			a.o.Log.Debug("a lock runs out by itself", "error", err)
		}
	}
	if !access.Weaker(a.user.Hash, a.o.Cost) {
		return
	}
	h, err := a.hash(ctx, a.password)
	if err == nil {
		err = a.leader.Upgrade(ctx, Upgrade{a.user.Tenant, a.user.Name, a.user.Hash, h})
	}
	if err != nil {
		a.o.Log.Debug("a password keeps its weaker hash", "user", a.user.Tenant+"/"+a.user.Name, "error", err)
	}
}
