package credentials

import (
	"context"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// decision is what a turn makes of a claim as it is committed.
type decision func(now time.Time, before claim.Claim) (after claim.Claim, changed bool, err error)

// decide lets the owner of an identity's shard change its claim, and waits for
// the commit. It gives up waiting when ctx is done; what was asked goes on.
func (s *Store) decide(ctx context.Context, identity string, d decision) error {
	i := s.env.Key.Identity([]byte(identity))
	shard := s.env.Shards.OfIdentity(i)
	done := make(chan error, 1)
	err := s.gate.Do(shard, func(now time.Time, _ *endpoint.Shard, fx *endpoint.Effects) {
		table := &s.tables[shard]
		refused := table.Begin(i)
		begun := refused == nil
		// Called with an error too where the turn fails: the claim is free again.
		fx.Replies = append(fx.Replies, func(err error) {
			if begun {
				table.End(i)
			}
			if refused != nil {
				err = refused
			}
			done <- err
		})
		if !begun {
			return
		}
		var written bool
		if written, refused = s.write(now, i, d, fx); !written {
			table.End(i) // not behind the commits of others, as the reply
			begun = false
		}
	}, func(err error) { done <- err })
	if err != nil {
		return err
	}
	return wait(ctx, done)
}

// write carries out a decision; false: there is nothing to commit.
func (s *Store) write(now time.Time, i ids.Identity, d decision, fx *endpoint.Effects) (written bool, err error) {
	before, err := s.claim(i)
	if err != nil {
		return false, err
	}
	after, changed, err := d(now, before)
	if err != nil || !changed {
		return false, err
	}
	if after.IsZero() {
		fx.Batch.Delete(wire.ClassClaim, wire.ClaimKey(i))
	} else {
		fx.Batch.Put(wire.ClassClaim, wire.ClaimKey(i), after.Append(nil))
	}
	return true, nil
}

// reserve claims an identity for an endpoint. fresh says that nothing was the
// endpoint's before, neither the identity nor a reservation.
func (s *Store) reserve(ctx context.Context, identity, name string) (fresh bool, err error) {
	err = s.decide(ctx, identity, func(now time.Time, before claim.Claim) (after claim.Claim, changed bool, err error) {
		had := false
		if !before.IsZero() {
			if had, err = s.has(before.Endpoint, before.Identity); err != nil {
				return before, false, err
			}
		}
		fresh = before.Endpoint != name
		after, err = claim.Reserve(now, before, identity, name, had)
		return after, err == nil, err
	})
	if err != nil {
		return false, err // the turn may still run
	}
	return fresh, nil
}

// settle ends a claim by what the endpoint has. Its failure is nobody's: a claim
// is good as long as its endpoint has the identity, and blocks nobody for long
// when it has it not.
func (s *Store) settle(ctx context.Context, identity, name string) {
	if identity == "" {
		return
	}
	err := s.decide(ctx, identity, func(_ time.Time, before claim.Claim) (after claim.Claim, changed bool, err error) {
		has, err := s.has(name, identity)
		if err != nil {
			return before, false, err
		}
		after, changed = claim.Settle(before, identity, name, has)
		return after, changed, nil
	})
	if err != nil {
		s.logger.Debug("a claim is left to the sweep", "endpoint", name, "error", err)
	}
}

// wait gives up when ctx is done.
func wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
