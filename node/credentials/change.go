package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Add implements admin.Credentials. Where it fails between its steps, what it
// reserved is released if nothing can give the endpoint the identity any more;
// else the reservation runs out.
func (s *Store) Add(ctx context.Context, n platform.NewCredentials, replace bool) (shown platform.Credentials, created bool, err error) {
	leave, err := s.enter(n.Endpoint)
	if err != nil {
		return shown, false, err
	}
	defer leave()
	before, found, err := s.record(n.Endpoint)
	if err != nil {
		return shown, false, err
	}
	if found {
		same, err := s.same(&before, n)
		switch {
		case err != nil, same:
			return show(&before), false, err
		case !replace:
			return shown, false, translate(n, endpoint.ErrCredentials)
		}
	} else if s.env.Full() {
		return shown, false, admin.ErrFull
	}
	// Elsewhere is the endpoint: Claims knows where the identity is, or gives up.
	if err := s.give(ctx, n, replace); err != nil {
		return shown, false, translate(n, err)
	}
	shown, err = s.Get(ctx, n.Endpoint)
	return shown, !found, err
}

// same says that the endpoint has these very credentials, and the claim to them.
func (s *Store) same(c *endpoint.Credentials, n platform.NewCredentials) (bool, error) {
	if c.Identity != n.Identity {
		return false, nil
	}
	held, err := s.claim(s.env.Key.Identity([]byte(n.Identity)))
	if err != nil || held.Identity != n.Identity || held.Endpoint != n.Endpoint {
		return false, err
	}
	return c.HasKey(s.env.Seal, wire.EndpointKey(s.env.Key.Endpoint(c.Endpoint)), n.Key), nil
}

// answer is an endpoint's, with the identity that it had before.
type answer struct {
	before string
	err    error
}

// give takes the three steps of Add.
func (s *Store) give(ctx context.Context, n platform.NewCredentials, replace bool) error {
	reserved, err := s.claims.Reserve(ctx, n.Identity, n.Endpoint)
	if err != nil {
		return err
	}
	replied := make(chan answer, 1)
	a, open := s.ask(ctx, n.Endpoint, &endpoint.SetCredentials{
		Endpoint: n.Endpoint, Identity: n.Identity, Key: n.Key, Replace: replace,
		Until: time.Now().Add(claim.ReserveFor / 2), // the reservation that was just made is good for longer
		Reply: func(before string, err error) { replied <- answer{before, err} },
	}, replied)
	if open {
		return lost(a.err)
	}
	// Where it was not asked, a call that was given up before may still give it
	// the identity that was reserved then.
	if asked := a.err == nil || errors.Is(a.err, endpoint.ErrCredentials); asked || reserved.Fresh {
		s.settle(ctx, n.Identity, n.Endpoint, reserved.Until)
	}
	if a.err == nil && a.before != n.Identity {
		s.settle(ctx, a.before, n.Endpoint, time.Time{})
	}
	return a.err
}

// ask posts an event and waits for the answer. open says that there is none, and
// that the event may still have its effect: nobody waits any more, or the node
// stops or loses the shard with the write on its way.
func (s *Store) ask(ctx context.Context, name string, ev endpoint.Event, replied <-chan answer) (a answer, open bool) {
	if err := s.gate.Post(s.env.Key.Endpoint(name), ev); err != nil {
		return answer{err: err}, false
	}
	select {
	case a := <-replied:
		return a, errors.Is(a.err, endpoint.ErrClosed) || errors.Is(a.err, endpoint.ErrElsewhere)
	case <-ctx.Done():
		return answer{err: ctx.Err()}, true
	}
}

// lost is the error of what was taken and may still be done: no other node knows.
func lost(err error) error {
	if errors.Is(err, endpoint.ErrElsewhere) || errors.Is(err, endpoint.ErrClosed) {
		return fmt.Errorf("%w: %v", admin.ErrUnknown, err)
	}
	return err
}

// settle has a failure that is nobody's: a claim is good as long as its endpoint
// has the identity, and blocks nobody for long when it has it not.
func (s *Store) settle(ctx context.Context, identity, name string, until time.Time) {
	if identity == "" {
		return
	}
	if err := s.claims.Settle(ctx, identity, name, until); err != nil {
		s.logger.Debug("a claim is left to the sweep", "endpoint", name, "error", err)
	}
}

// Remove implements admin.Credentials.
func (s *Store) Remove(ctx context.Context, name string) error {
	leave, err := s.enter(name)
	if err != nil {
		return err
	}
	defer leave()
	_, found, err := s.record(name)
	if err != nil {
		return err
	}
	if !found { // the event does not name the endpoint, and must not meet another of its hash
		return none(name)
	}
	replied := make(chan answer, 1)
	a, open := s.ask(ctx, name, &endpoint.DropCredentials{
		Reply: func(identity string, err error) { replied <- answer{identity, err} },
	}, replied)
	if open {
		a.err = lost(a.err)
	}
	if a.err != nil {
		return translate(platform.NewCredentials{Endpoint: name}, a.err)
	}
	s.settle(ctx, a.before, name, time.Time{})
	return nil
}
