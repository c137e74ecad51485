package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dormouse/actors/claim"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// maxSwept bounds the claims of a shard that one sweep settles; others wait for
// the next one, and are in nobody's way.
const maxSwept = 10_000

// Sweep settles the claims of a shard that a crash left: reservations that have
// run out, and those of endpoints that lost their credentials. It reads every
// claim of the shard, and its endpoint's credentials.
func (s *Store) Sweep(ctx context.Context, shard ids.Shard) error {
	left, err := s.left(ctx, shard, time.Now())
	faults := []error{err}
	for _, identity := range left {
		if err := s.decide(ctx, identity, s.sweep); err != nil {
			faults = append(faults, fmt.Errorf("credentials: sweep a claim: %w", err))
			break // the rest would meet the same: the next sweep is for them
		}
	}
	return errors.Join(faults...)
}

// sweep decides anew, by what is committed by then.
func (s *Store) sweep(now time.Time, before claim.Claim) (after claim.Claim, changed bool, err error) {
	if before.IsZero() {
		return before, false, nil
	}
	has, err := s.has(before.Endpoint, before.Identity)
	if err != nil {
		return before, false, err
	}
	after, changed = claim.Sweep(now, before, has)
	return after, changed, nil
}

// left are the identities of claims that a sweep would change now. One that
// cannot be read is told of, and passed over.
func (s *Store) left(ctx context.Context, shard ids.Shard, now time.Time) (identities []string, err error) {
	var faults []error
	err = s.env.State.Scan(shard, wire.ClassClaim, nil, nil, false, func(key, value []byte) bool {
		c, err := claim.Parse(value)
		changed := false
		if err == nil {
			_, changed, err = s.sweep(now, c)
		}
		if err != nil && len(faults) < 10 {
			faults = append(faults, fmt.Errorf("credentials: claim %x: %w", key, err))
		}
		if changed {
			identities = append(identities, c.Identity)
		}
		return len(identities) < maxSwept && ctx.Err() == nil
	})
	return identities, errors.Join(append(faults, err)...)
}
