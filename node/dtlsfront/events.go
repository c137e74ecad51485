package dtlsfront

import (
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// Events are the functions that are told what an operator should know. They
// must not block, and are called without any lock. Nil ones are left out.
type Events struct {
	HandshakeDone   func(Done)
	HandshakeFailed func(Failed)
	Refused         func(Refused)
}

// Done says that the last flight has left.
type Done struct {
	Path     wire.ReturnPath
	Endpoint string
	Suite    dtlsrec.Suite
	CID      bool          // a Connection ID was agreed on
	Took     time.Duration // since the ClientHello with a cookie
}

// Failed says that an admitted handshake came to nothing.
type Failed struct {
	Path     wire.ReturnPath
	Kind     Failure
	Identity []byte // as far as it came to that
	Err      error  // what was found, or what Commit failed with
}

// Failure is why a handshake failed.
type Failure uint8

const (
	WrongKey        Failure = iota // the client's key is not the identity's
	UnknownIdentity                // looks like WrongKey to the client
	TimedOut                       // the client fell silent, or the commit did
	PeerAlert                      // the client gave up
	NotCommitted                   // Commit failed
	Replaced                       // the client began anew
	Closed                         // by Close
	Broken                         // the client broke the protocol
	failures
)

var failureNames = [failures]string{
	"wrong_key", "unknown_identity", "timed_out", "peer_alert", "not_committed", "replaced", "closed", "broken",
}

// Failures is the number of kinds, for tables of counters.
const Failures = int(failures)

func (f Failure) String() string { return failureNames[f] }

// Refused says that a datagram began or continued no handshake.
type Refused struct {
	Path wire.ReturnPath
	Kind Refusal
}

// Refusal is why.
type Refusal uint8

const (
	Malformed    Refusal = iota // no DTLS 1.2 record, or no ClientHello in it
	Stray                       // of no handshake that is under way
	Fragmented                  // a ClientHello in pieces: nothing is kept to join them
	BadCookie                   // too old, forged, or of another address: a new one was sent
	BadVersion                  // not DTLS 1.2: alert protocol_version
	NoSuite                     // none of the four suites: alert handshake_failure
	HalfOpenFull                // MaxHalfOpen handshakes are under way
	PrefixFull                  // PerPrefix of them from this prefix
	TooManyFails                // FailuresPerPrefix
	refusals
)

var refusalNames = [refusals]string{
	"malformed", "stray", "fragmented", "bad_cookie", "bad_version", "no_suite", "half_open_full", "prefix_full", "too_many_failures",
}

// Refusals is the number of kinds, for tables of counters.
const Refusals = int(refusals)

func (r Refusal) String() string { return refusalNames[r] }

func (e *Events) done(d Done) {
	if e.HandshakeDone != nil {
		e.HandshakeDone(d)
	}
}

func (e *Events) failed(f Failed) {
	if e.HandshakeFailed != nil {
		e.HandshakeFailed(f)
	}
}

func (e *Events) refused(path wire.ReturnPath, kind Refusal) {
	if e.Refused != nil {
		e.Refused(Refused{path, kind})
	}
}
