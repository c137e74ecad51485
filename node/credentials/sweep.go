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
		if err := s.decide(ctx, identity, s.has, claim.Sweep); err != nil {
			faults = append(faults, fmt.Errorf("credentials: sweep a claim: %w", err))
			break // the rest would meet the same: the next sweep is for them
		}
	}
	return errors.Join(faults...)
}

// scanned is how many claims are read before their endpoints are looked at.
const scanned = 512

// left are the identities of claims that a sweep would change now. One that
// cannot be read is told of, and passed over.
func (s *Store) left(ctx context.Context, shard ids.Shard, now time.Time) (identities []string, err error) {
	var faults []error
	tell := func(key []byte, err error) {
		if err != nil && len(faults) < 10 {
			faults = append(faults, fmt.Errorf("credentials: claim %x: %w", key, err))
		}
	}
	for from, more := []byte(nil), true; more && err == nil && ctx.Err() == nil; {
		var claims []claim.Claim
		more = false
		err = s.state.Scan(shard, wire.ClassClaim, from, nil, false, func(key, value []byte) bool {
			c, err := claim.Parse(value)
			if tell(key, err); err == nil {
				claims = append(claims, c)
			}
			from = append(append(from[:0:0], key...), 0)
			more = len(claims) == scanned
			return !more
		})
		for _, c := range claims {
			has, err := s.has(c)
			tell([]byte(c.Identity), err)
			if _, changed := claim.Sweep(now, c, has); err == nil && changed {
				identities = append(identities, c.Identity)
			}
		}
		more = more && len(identities) < maxSwept
	}
	return identities, errors.Join(append(faults, err)...)
}
