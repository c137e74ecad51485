package secure

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"dormouse/codec/dtlsrec"
)

// ErrOptions is returned by Handshake for options that make no session.
var ErrOptions = errors.New("secure: options that make no session")

// Options of Handshake. Identity and Key are needed.
type Options struct {
	Identity string // of the pre-shared key, 1 to 65535 bytes (RFC 4279 section 2)
	Key      []byte // the pre-shared key

	// Suites are offered in this order; nil: CCM8, which LwM2M demands of all
	// (OMA Transport section 5.2.8). CBCSHA256 needs NoCID: pion computes its MAC
	// otherwise than RFC 9146 section 5.1.
	Suites []dtlsrec.Suite

	// NoCID: no Connection ID is offered, and the session hangs on the address.
	NoCID bool
	// CIDLength is that of the Connection ID that the server is to send to us,
	// 0 to 255 bytes; 0: none, as clients do that have one session (RFC 9146
	// section 3). It does not say what we send: the server does.
	CIDLength int

	// Interval is after how long an unanswered flight is repeated; 0: 1 s (RFC
	// 6347 section 4.2.4.1).
	Interval time.Duration

	// Memory is how many records of the server are remembered for ReusedNonces;
	// 0: DefaultMemory. Each takes 16 bytes once it was received.
	Memory int
}

// DefaultMemory is four blocks of numbers that dormouse reserves at once.
const DefaultMemory = 256

func (o Options) withDefaults() (Options, error) {
	if o.Suites == nil {
		o.Suites = []dtlsrec.Suite{dtlsrec.CCM8}
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	unknown := slices.ContainsFunc(o.Suites, func(s dtlsrec.Suite) bool { return !s.Known() })
	switch {
	case o.Identity == "" || len(o.Identity) > 1<<16-1 || len(o.Key) == 0:
		return o, fmt.Errorf("identity of %d bytes, key of %d: %w", len(o.Identity), len(o.Key), ErrOptions)
	case len(o.Suites) == 0 || unknown:
		return o, fmt.Errorf("cipher suites %v: %w", o.Suites, ErrOptions)
	case !o.NoCID && slices.Contains(o.Suites, dtlsrec.CBCSHA256):
		return o, fmt.Errorf("%v with Connection ID: %w", dtlsrec.CBCSHA256, ErrOptions)
	case o.CIDLength < 0 || o.CIDLength > dtlsrec.MaxCID || o.NoCID && o.CIDLength > 0:
		return o, fmt.Errorf("Connection ID of %d bytes: %w", o.CIDLength, ErrOptions)
	case o.Interval < 0 || o.Memory < 0:
		return o, fmt.Errorf("flights every %v, memory of %d: %w", o.Interval, o.Memory, ErrOptions)
	}
	return o, nil
}
