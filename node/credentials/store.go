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
// A turn that was taken and is not run ends with failed.
type Gate interface {
	Post(id ids.Endpoint, ev endpoint.Event) error
	Do(shard ids.Shard, f func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects), failed func(error)) error
}

// Store is the credentials of all endpoints. Its methods may be called
// concurrently.
type Store struct {
	env    *endpoint.Env
	gate   Gate
	logger *slog.Logger
	decoy  func() decoy

	// tables are by shard; each belongs to the goroutine of its shard and is
	// touched in turns and their replies alone.
	tables []claim.Table

	mu   sync.Mutex // guards what follows; held for a look only
	busy map[ids.Endpoint]struct{}
}

var _ admin.Credentials = (*Store)(nil)

// New joins the credentials to the shell. env.Seal must be set when the first
// method is called.
func New(env *endpoint.Env, gate Gate, logger *slog.Logger) *Store {
	return &Store{
		env: env, gate: gate, logger: logger, tables: make([]claim.Table, env.Shards), busy: map[ids.Endpoint]struct{}{},
		decoy: sync.OnceValue(func() decoy { return newDecoy(env.Seal) }),
	}
}

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
	c, found, err = s.recordOf(s.env.Key.Endpoint(name))
	if c.Endpoint != name { // of another name with the same hash
		return endpoint.Credentials{}, false, err
	}
	return c, found, err
}

func (s *Store) recordOf(e ids.Endpoint) (c endpoint.Credentials, found bool, err error) {
	value, found, err := s.env.State.Get(s.env.Shards.Of(e), wire.ClassCredentials, wire.EndpointKey(e), nil)
	if err == nil && found {
		c, err = endpoint.ParseCredentials(value)
	}
	if err != nil {
		return endpoint.Credentials{}, false, fmt.Errorf("credentials: read those of endpoint %016x: %w", uint64(e), err)
	}
	return c, found, nil
}

// claim is what is committed of the claim at an identity's hash, zero for none.
func (s *Store) claim(i ids.Identity) (c claim.Claim, err error) {
	value, found, err := s.env.State.Get(s.env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i), nil)
	if err == nil && found {
		c, err = claim.Parse(value)
	}
	if err != nil {
		return claim.Claim{}, fmt.Errorf("credentials: read claim %016x: %w", uint64(i), err)
	}
	return c, nil
}

// has says that the endpoint of a claim has the identity.
func (s *Store) has(name, identity string) (bool, error) {
	c, found, err := s.record(name)
	return found && c.Identity == identity, err
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

// translate turns the errors of endpoints and claims into those of the API.
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
	} {
		if errors.Is(err, t.from) {
			return admin.Refuse(t.to, "%s", t.sentence)
		}
	}
	return err
}
