package credentials

import (
	"context"
	"fmt"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// A claim is decided in two turns of its shard, between which it is looked at what
// an endpoint has, maybe on another node:
//
//	table: begin ─▶ turn: read the claim ─▶ read the endpoint ─▶ turn: write the claim ─▶ table: end
//
// From begin to end nobody else here decides on the claim, and that nobody did
// elsewhere the second turn sees by the endpoint.Shard: it is that of the first one
// as long as this node has led the shard all the time.

// question says what a decision must know of endpoints beside the claim.
type question func(before claim.Claim) (has bool, err error)

// decision is what becomes of a claim (claim.Sweep and the like).
type decision func(now time.Time, before claim.Claim, has bool) (after claim.Claim, changed bool)

// decide lets the owner of an identity's shard change its claim, and waits for
// the commit. It gives up waiting when ctx is done; what was asked goes on, in a
// goroutine: there are at most claim.MaxPending for each shard.
func (s *Store) decide(ctx context.Context, identity string, q question, d decision) error {
	i := s.env.Key.Identity([]byte(identity))
	shard := s.env.Shards.OfIdentity(i)
	if err := s.begin(shard, i); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		err := s.carry(shard, i, q, d)
		s.end(shard, i)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) begin(shard ids.Shard, i ids.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[shard].Begin(i)
}

func (s *Store) end(shard ids.Shard, i ids.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[shard].End(i)
}

// carry takes the steps of a decision.
func (s *Store) carry(shard ids.Shard, i ids.Identity, q question, d decision) error {
	var before claim.Claim
	var led *endpoint.Shard
	err := s.turn(shard, func(_ time.Time, sh *endpoint.Shard, _ *endpoint.Effects) (err error) {
		led = sh
		before, err = s.claimIn(s.env.State, i)
		return err
	})
	if err != nil {
		return err
	}
	has, err := q(before)
	if err != nil {
		return err
	}
	return s.turn(shard, func(now time.Time, sh *endpoint.Shard, fx *endpoint.Effects) error {
		if sh != led {
			return fmt.Errorf("credentials: the shard was led by others meanwhile: %w", endpoint.ErrElsewhere)
		}
		switch after, changed := d(now, before, has); {
		case !changed:
		case after.IsZero():
			fx.Batch.Delete(wire.ClassClaim, wire.ClaimKey(i))
		default:
			fx.Batch.Put(wire.ClassClaim, wire.ClaimKey(i), after.Append(nil))
		}
		return nil
	})
}

// turn runs f on the goroutine of a shard, and waits for the commit of what it
// wants.
func (s *Store) turn(shard ids.Shard, f func(time.Time, *endpoint.Shard, *endpoint.Effects) error) error {
	done := make(chan error, 1)
	err := s.gate.Do(shard, func(now time.Time, sh *endpoint.Shard, fx *endpoint.Effects) {
		refused := f(now, sh, fx)
		fx.Replies = append(fx.Replies, func(err error) {
			if refused != nil {
				err = refused
			} else {
				err = lost(err)
			}
			done <- err
		})
	}, func(err error) { done <- err })
	if err != nil {
		return err
	}
	return <-done
}

// Reserve implements Claims.
func (s *Store) Reserve(ctx context.Context, identity, name string) (Reservation, error) {
	var r Reservation
	var refused error
	err := s.decide(ctx, identity, s.has, func(now time.Time, before claim.Claim, had bool) (after claim.Claim, changed bool) {
		after, refused = claim.Reserve(now, before, identity, name, had)
		r = Reservation{Fresh: before.Endpoint != name, Until: after.Until}
		return after, refused == nil
	})
	if err != nil {
		return Reservation{}, err // the turn may still run
	}
	return r, refused
}

// Settle implements Claims.
func (s *Store) Settle(ctx context.Context, identity, name string, until time.Time) error {
	its := func(claim.Claim) (bool, error) {
		return s.has(claim.Claim{Identity: identity, Endpoint: name})
	}
	return s.decide(ctx, identity, its, func(_ time.Time, before claim.Claim, has bool) (after claim.Claim, changed bool) {
		if !before.Confirmed() && !before.Until.Equal(until) {
			return before, false
		}
		return claim.Settle(before, identity, name, has)
	})
}
