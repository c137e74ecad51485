package claim

import "time"

// Reserve is the claim with which an endpoint may be given an identity. before
// is the claim as it is stored, zero for none; had says that the credentials of
// before.Endpoint name the identity. One that its endpoint has not is free as
// soon as nothing can give it the identity any more, confirmed or not: a crash
// between the two writes of a removal leaves such a one behind. ErrTaken and
// ErrReserved refuse.
//
// The endpoint's own claim is reserved anew even where it is confirmed, so that
// nobody takes it between a removal that is under way and what follows. Each
// reservation ends later than the one before it, so that Until names it.
func Reserve(now time.Time, before Claim, identity, endpoint string, had bool) (Claim, error) {
	mine := before.Endpoint == endpoint && before.Identity == identity
	switch {
	case before.IsZero(), mine:
	case before.Identity != identity: // they share a hash, and a record has room for one
		return Claim{}, ErrTaken
	case had:
		return Claim{}, ErrTaken
	case before.Live(now):
		return Claim{}, ErrReserved
	}
	until := now.Add(ReserveFor).Truncate(time.Millisecond)
	if !until.After(before.Until) {
		until = before.Until.Add(time.Millisecond)
	}
	return Claim{Identity: identity, Endpoint: endpoint, Until: until}, nil
}

// Settle ends the claim of an endpoint by what has become of the endpoint: has
// says that its credentials name the identity now, and that nothing is under
// way that would change that. It returns the claim that is to be stored, zero
// for none, and whether that is another one than before. A claim of another
// endpoint stays as it is.
func Settle(before Claim, identity, endpoint string, has bool) (after Claim, changed bool) {
	if before.Identity != identity || before.Endpoint != endpoint {
		// Somebody who has the identity without a claim gets it back.
		if has && before.IsZero() {
			return Claim{Identity: identity, Endpoint: endpoint}, true
		}
		return before, false
	}
	if !has {
		return Claim{}, true
	}
	after = before
	after.Until = time.Time{}
	return after, !before.Confirmed()
}

// Sweep is Settle for a claim that nobody settled: a reservation that holds is
// left alone, since whoever made it is at work.
func Sweep(now time.Time, before Claim, has bool) (after Claim, changed bool) {
	if before.Live(now) {
		return before, false
	}
	return Settle(before, before.Identity, before.Endpoint, has)
}
