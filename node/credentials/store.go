package credentials

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Gate takes changes to their owners (actors/shell). Do runs f on the goroutine
// of a shard; it and the replies to what f did are called there one at a time.
// A turn that was taken and is not run ends with failed. Each leadership of a
// shard has an endpoint.Shard of its own.
type Gate interface {
	Post(id ids.Endpoint, ev endpoint.Event) error
	Do(shard ids.Shard, f func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects), failed func(error)) error
}

// Claims changes the claims on identities, each where its shard is led: a Store
// does that where this is here.
type Claims interface {
	// Reserve claims an identity for an endpoint. The errors of claim.Reserve
	// and claim.ErrPending refuse.
	Reserve(ctx context.Context, identity, endpoint string) (Reservation, error)
	// Settle ends the endpoint's claim on an identity by what the endpoint has.
	// A reservation is that of until or left alone: a newer one is another
	// call's to settle.
	Settle(ctx context.Context, identity, endpoint string, until time.Time) error
}

// Reservation is what Reserve made.
type Reservation struct {
	// Fresh: nothing was the endpoint's before, neither the identity nor a
	// reservation.
	Fresh bool
	Until time.Time // when it runs out; it names the reservation
}

// Store is the credentials of all endpoints. Add and Remove must be called where
// the shard of the endpoint is led, Reserve, Settle and Sweep where that of the
// identity is; all else anywhere. The methods may be called concurrently.
type Store struct {
	env    *endpoint.Env
	state  endpoint.State // of all shards; env.State is what is here
	gate   Gate
	claims Claims
	logger *slog.Logger
	decoy  func() decoy

	mu     sync.Mutex // guards what follows; held for a look only
	busy   map[ids.Endpoint]struct{}
	tables []claim.Table // by shard
}

var (
	_ admin.Credentials = (*Store)(nil)
	_ Claims            = (*Store)(nil)
)

// New joins the credentials to the shell. state reads all shards, wherever they
// are. env.Seal must be set when the first method is called.
func New(env *endpoint.Env, state endpoint.State, gate Gate, logger *slog.Logger) *Store {
	s := &Store{
		env: env, state: state, gate: gate, logger: logger, tables: make([]claim.Table, env.Shards), busy: map[ids.Endpoint]struct{}{},
		decoy: sync.OnceValue(func() decoy { return newDecoy(env.Seal) }),
	}
	s.claims = s
	return s
}

// Route lets others change the claims: those who know where their shards are led.
// It is called before the first change.
func (s *Store) Route(c Claims) { s.claims = c }

// enter keeps the changes of one endpoint apart: a second one meanwhile is
// ErrBusy. There are no more than requests at work.
func (s *Store) enter(name string) (leave func(), err error) {
	e := s.env.Key.Endpoint(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.busy[e]; found {
		return nil, admin.Refuse(admin.ErrBusy, "The credentials of endpointId %q are being changed: try again.", name)
	}
	s.busy[e] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, e)
	}, nil
}

// record is what is committed of an endpoint's credentials.
func (s *Store) record(name string) (c endpoint.Credentials, found bool, err error) {
	c, found, err = s.recordOf(s.state, s.env.Key.Endpoint(name))
	if c.Endpoint != name { // of another name with the same hash
		return endpoint.Credentials{}, false, err
	}
	return c, found, err
}

func (s *Store) recordOf(state endpoint.State, e ids.Endpoint) (c endpoint.Credentials, found bool, err error) {
	value, found, err := state.Get(s.env.Shards.Of(e), wire.ClassCredentials, wire.EndpointKey(e), nil)
	if err == nil && found {
		c, err = endpoint.ParseCredentials(value)
	}
	if err != nil {
		return endpoint.Credentials{}, false, fmt.Errorf("credentials: read those of endpoint %016x: %w", uint64(e), err)
	}
	return c, found, nil
}

// claim is what is committed of the claim at an identity's hash, zero for none.
func (s *Store) claim(i ids.Identity) (claim.Claim, error) { return s.claimIn(s.state, i) }

func (s *Store) claimIn(state endpoint.State, i ids.Identity) (c claim.Claim, err error) {
	value, found, err := state.Get(s.env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i), nil)
	if err == nil && found {
		c, err = claim.Parse(value)
	}
	if err != nil {
		return claim.Claim{}, fmt.Errorf("credentials: read claim %016x: %w", uint64(i), err)
	}
	return c, nil
}

// has says that the endpoint of a claim has the identity.
func (s *Store) has(c claim.Claim) (bool, error) {
	if c.IsZero() {
		return false, nil
	}
	held, found, err := s.record(c.Endpoint)
	return found && held.Identity == c.Identity, err
}

// Get implements admin.Credentials.
func (s *Store) Get(_ context.Context, name string) (platform.Credentials, error) {
	c, found, err := s.record(name)
	if err == nil && !found {
		err = none(name)
	}
	return show(&c), err
}

func show(c *endpoint.Credentials) platform.Credentials {
	return platform.Credentials{Endpoint: c.Endpoint, Identity: c.Identity, Updated: c.Changed}
}

func none(name string) error {
	return admin.Refuse(admin.ErrNotFound, "endpointId %q has no credentials.", name)
}

// translate turns the errors of endpoints and claims into those of the API. That
// nothing was done because the shard is another node's, or will be as this one
// stops, can be told from the error.
func translate(n platform.NewCredentials, err error) error {
	for _, t := range []struct {
		from, to error
		sentence string
	}{
		{claim.ErrTaken, admin.ErrConflict, fmt.Sprintf("lwm2mPskId %q belongs to another endpoint.", n.Identity)},
		{claim.ErrReserved, admin.ErrBusy, fmt.Sprintf("lwm2mPskId %q is being given to another endpoint: try again.", n.Identity)},
		{claim.ErrPending, admin.ErrBusy, fmt.Sprintf("lwm2mPskId %q is being changed: try again.", n.Identity)},
		{endpoint.ErrCredentials, admin.ErrConflict, fmt.Sprintf("endpointId %q has other credentials.", n.Endpoint)},
		{endpoint.ErrNotFound, admin.ErrNotFound, fmt.Sprintf("endpointId %q has no credentials.", n.Endpoint)},
		{endpoint.ErrFull, admin.ErrFull, "The disk is full: nothing new is accepted until there is room."},
		{endpoint.ErrBusy, admin.ErrBusy, "The node is overloaded: try again."},
		{endpoint.ErrClosed, admin.ErrBusy, "The node is stopping: try again."},
		{endpoint.ErrElsewhere, admin.ErrBusy, "The device is moving to another node: try again."},
		{endpoint.ErrMoved, admin.ErrBusy, "The device is moving to another node: try again."},
	} {
		if !errors.Is(err, t.from) {
			continue
		}
		if t.from == endpoint.ErrMoved {
			t.from = endpoint.ErrElsewhere // and nothing was done, either
		}
		if t.from == endpoint.ErrElsewhere || t.from == endpoint.ErrClosed {
			return fmt.Errorf("%w (%w)", admin.Refuse(t.to, "%s", t.sentence), t.from)
		}
		return admin.Refuse(t.to, "%s", t.sentence)
	}
	return err
}
