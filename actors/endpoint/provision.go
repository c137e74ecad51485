package endpoint

import (
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// credentials are those of the endpoint, their key sealed: also those whose commit
// is under way.
func (e *Endpoint) credentials() (c Credentials, found bool, err error) {
	switch {
	case !e.at.Secured:
		return Credentials{}, false, nil
	case e.proof != nil:
		return *e.proof, true, nil
	}
	raw, found, err := e.shard.Env.State.Get(e.shard.ID, wire.ClassCredentials, wire.EndpointKey(e.id), nil)
	if err != nil || !found {
		return Credentials{}, false, err
	}
	if c, err = ParseCredentials(raw); err != nil {
		return Credentials{}, false, fmt.Errorf("endpoint %016x: credentials: %w", uint64(e.id), err)
	}
	return c, true, nil
}

// boundName is the name of the endpoint that the session's identity belongs to.
func (e *Endpoint) boundName() (string, error) {
	if e.known {
		return e.reg().Name, nil
	}
	c, found, err := e.credentials()
	if err == nil && !found {
		err = ErrCredentials
	}
	return c.Endpoint, err
}

// setCredentials gives the endpoint credentials. Other ones end its session, the
// first ones its registration too, which was made over plain CoAP.
func (e *Endpoint) setCredentials(now time.Time, ev *SetCredentials, fx *Effects) {
	old, found, err := e.credentials()
	same := err == nil && found && e.sameCredentials(&old, ev)
	switch {
	case err != nil:
	case !ev.Until.IsZero() && now.After(ev.Until):
		err = fmt.Errorf("%w: the change of credentials came too late", ErrBusy)
	case e.known && e.reg().Name != ev.Endpoint, found && old.Endpoint != ev.Endpoint:
		err = fmt.Errorf("%w: another endpoint has this hash", ErrCredentials) // once in 2^64
	case same:
	case found && !ev.Replace:
		err = fmt.Errorf("%w: the endpoint has others", ErrCredentials)
	case !found && e.shard.Env.Full(): // a key that is known to others must not stay
		err = ErrFull
	}
	before := old.Identity
	switch {
	case same:
		before = ""
	case err == nil:
		e.provision(now, ev, &old, fx)
	}
	replyIdentity(ev.Reply, before, err, fx)
}

// replyIdentity answers with an identity after the commit.
func replyIdentity(reply func(string, error), identity string, err error, fx *Effects) {
	fx.Replies = append(fx.Replies, func(failed error) {
		if failed != nil {
			err = failed
		}
		reply(identity, err)
	})
}

func (e *Endpoint) sameCredentials(old *Credentials, ev *SetCredentials) bool {
	return old.Endpoint == ev.Endpoint && old.Identity == ev.Identity &&
		old.HasKey(e.shard.Env.Seal, wire.EndpointKey(e.id), ev.Key)
}

func (e *Endpoint) provision(now time.Time, ev *SetCredentials, old *Credentials, fx *Effects) {
	key := wire.EndpointKey(e.id)
	c := Credentials{
		Endpoint: ev.Endpoint, Identity: ev.Identity, Changed: now,
		Key: e.shard.Env.Seal.Seal(nil, ev.Key, SealPlace(wire.ClassCredentials, key)),
		// Not 1 again after credentials that were taken away: a handshake may be
		// under way that was made with those.
		Serial: max(old.Serial+1, uint64(now.UnixMilli())),
	}
	fx.Batch.Put(wire.ClassCredentials, key, c.Append(nil))
	e.proof = &c
	switch {
	case e.at.Secured:
		e.closeSession(now, "other credentials", fx)
	case e.known && e.at.Registered:
		e.unregister(now, fx)
	}
	e.at.Secured, e.at.Bare, e.saveContact = true, !e.known, true
}

// closeSession ends the session by our will. A device that listens is told.
func (e *Endpoint) closeSession(now time.Time, why string, fx *Effects) {
	if e.at.Session == nil {
		return
	}
	if s, err := e.readable(); err == nil && e.awake(now) {
		fx.sendClose(e.at.Path, s)
	}
	e.endSession(now, why, fx)
}

// dropCredentials takes the credentials away: what was proven by them ends.
func (e *Endpoint) dropCredentials(now time.Time, ev *DropCredentials, fx *Effects) {
	c, found, err := e.credentials()
	if err == nil && !found {
		err = ErrNotFound
	}
	if err == nil {
		e.withdraw(now, fx)
	}
	replyIdentity(ev.Reply, c.Identity, err, fx)
}

func (e *Endpoint) withdraw(now time.Time, fx *Effects) {
	key := wire.EndpointKey(e.id)
	e.closeSession(now, "its credentials were taken away", fx)
	fx.Batch.Delete(wire.ClassCredentials, key)
	e.proof = nil
	if !e.known {
		fx.Batch.Delete(wire.ClassContact, key)
		*e = *New(e.shard, e.id)
		return
	}
	if e.at.Registered {
		e.unregister(now, fx)
	}
	e.at.Secured, e.saveContact = false, true
}
