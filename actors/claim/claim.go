// Package claim decides to whom a PSK identity belongs, over all shards and
// tenants: at most one endpoint at a time. A claim lies in the shard of the
// identity's own hash, the credentials in that of the endpoint, and no write
// covers both. So the claim is reserved first, then the endpoint is changed,
// and then the claim is settled by what the endpoint has come to:
//
//	      reserve                    endpoint has it: settle
//	none ────────▶ reserved until t ────────────────────────▶ confirmed
//	  ▲                │   ▲                                      │
//	  │    settle      │   └──────────── reserve ─────────────────┤
//	  └────────────────┴──────────────────────────────────────────┘
//	            endpoint has it not: settle, or another's reserve
//
// It promises that an endpoint whose credentials name an identity has the claim
// on it, whatever step a crash falls between, as long as nobody changes an
// endpoint's credentials after his reservation has run out. Whether the endpoint
// "has it", the caller reads from its credentials and says. Nothing here reads a
// clock or a store.
package claim

import (
	"errors"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// ReserveFor is how long a reservation holds: far longer than a change may wait
// in an inbox and for its commit. Only a crash lets one run out.
const ReserveFor = 10 * time.Minute

var (
	// ErrTaken says that the identity is another endpoint's.
	ErrTaken = errors.New("claim: the identity is another endpoint's")
	// ErrReserved says that another endpoint is about to get it, or was when a
	// node crashed: it may be free later.
	ErrReserved = errors.New("claim: the identity is reserved for another endpoint")
	// ErrRecord says that bytes are no claim.
	ErrRecord = errors.New("claim: malformed record")
)

// Claim is the stored record (wire.ClassClaim).
type Claim struct {
	Identity string    // not text of necessity
	Endpoint string    // name
	Until    time.Time // zero: confirmed
}

// IsZero reports that nobody has the identity.
func (c *Claim) IsZero() bool { return *c == Claim{} }

// Confirmed reports that the claim outlasts whoever made it.
func (c *Claim) Confirmed() bool { return c.Until.IsZero() }

// Live reports a reservation that has not run out: its endpoint may get the
// identity at any moment.
func (c *Claim) Live(now time.Time) bool { return !c.Confirmed() && now.Before(c.Until) }

const version = 1

// Append appends the stored form (docs/formats/credentials.md).
func (c *Claim) Append(dst []byte) []byte {
	return wire.AppendTime(wire.AppendText(wire.AppendText(append(dst, version), c.Identity), c.Endpoint), c.Until)
}

// Parse reads what Append wrote. ErrRecord is wrapped.
func Parse(b []byte) (c Claim, err error) {
	f := wire.NewFields(b)
	v := f.Byte()
	c.Identity, c.Endpoint, c.Until = f.Text(), f.Text(), f.Time()
	if err := f.Err(); err != nil || v != version {
		return Claim{}, fmt.Errorf("%w: version %d", ErrRecord, v)
	}
	return c, nil
}
