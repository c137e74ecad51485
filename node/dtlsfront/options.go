package dtlsfront

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// ErrOptions is returned by New for options that make no front.
var ErrOptions = errors.New("dtlsfront: incomplete options")

// Options of New. PSK, Send and Commit are needed; the zero value of the others
// is a default. The functions are called concurrently and must not call Close.
type Options struct {
	// PSK looks up the key of an identity and the endpoint that it belongs to.
	// It may block, and a handshake lasts until it returns. It should take the
	// same time for an unknown identity (ok is false) as for a known one.
	PSK func(identity []byte) (c Credential, ok bool)

	// NewCID makes the Connection ID of a session, before its identity is
	// known. Nil: none is offered, and clients stay with their address.
	NewCID func() ids.CID

	// Send sends a datagram, without blocking for long. The bytes are the
	// front's again when it returns.
	Send func(path wire.ReturnPath, datagram []byte)

	// Commit stores a session. done is called once, at any time, by any
	// goroutine, also before Commit returns: with nil the last flight leaves and
	// the client has its session; with an error the handshake has failed.
	Commit func(e Established, done func(error))

	// MaxHalfOpen is the most handshakes under way, default 4096. Each takes
	// about 26 kB, nearly all of it pion's.
	MaxHalfOpen int

	// PerPrefix is the most of them from one source prefix (/24 of IPv4, /64 of
	// IPv6), default a quarter of MaxHalfOpen. Mobile operators have thousands of
	// devices behind one prefix.
	PerPrefix int

	// FailuresPerPrefix is how many handshakes from one source prefix may fail
	// for a wrong key or an unknown identity in a minute, before its
	// ClientHellos are passed over; default 600.
	FailuresPerPrefix int

	// MaxFinal is the most finished handshakes whose last flight is kept for
	// clients that did not get it, default 16384; the oldest goes first. Each
	// takes about 2 kB.
	MaxFinal int

	// Timeout ends a handshake that is under way, and then the keeping of its
	// last flight; default, and at most, 60 s.
	Timeout time.Duration

	// CookieKey is the secret of cookies, at least 16 bytes: the same for all
	// nodes that a client's second datagram may reach. Nil: a random one.
	CookieKey []byte

	// Events to tell of.
	Events Events

	// Audit, where set, is told of the record of epoch 1 that each handshake
	// seals, the Finished: key block, epoch and sequence number, record. It is for
	// tests: see actors/session.
	Audit func(keyBlock []byte, epoch uint16, sequence uint64, record []byte)
}

// Credential is what PSK knows of an identity.
type Credential struct {
	Key      []byte
	Endpoint string
	Serial   uint64 // of the key: Commit can see that it was changed meanwhile
}

// Established is a session as the handshake leaves it. Commit owns all of it.
type Established struct {
	Path     wire.ReturnPath
	Identity []byte // of the pre-shared key
	Endpoint string // that PSK named with the key
	Serial   uint64 // likewise

	// Secrets are those of epoch 1. We are the server.
	Secrets dtlsrec.Secrets

	// LocalCID is in every record of the client, if HasCID.
	LocalCID ids.CID
	HasCID   bool
	// PeerCID is what our records must carry; if it is empty they are classic.
	PeerCID []byte

	// NextSequence is beyond every sequence number that we have used in epoch 1.
	NextSequence uint64
	// ReceivedSequence is the one of the client's Finished in epoch 1, the only
	// record that was accepted: a Window begins with Accept of it.
	ReceivedSequence uint64
}

const maxTimeout = 60 * time.Second

func (o Options) withDefaults() (Options, error) {
	if o.PSK == nil || o.Send == nil || o.Commit == nil {
		return o, fmt.Errorf("PSK, Send and Commit are needed: %w", ErrOptions)
	}
	if o.CookieKey == nil {
		o.CookieKey = make([]byte, 32)
		rand.Read(o.CookieKey) // never fails
	}
	if len(o.CookieKey) < 16 {
		return o, fmt.Errorf("a cookie key of %d bytes: %w", len(o.CookieKey), ErrOptions)
	}
	o.MaxHalfOpen = orDefault(o.MaxHalfOpen, 4096)
	o.PerPrefix = orDefault(o.PerPrefix, max(1, o.MaxHalfOpen/4))
	o.FailuresPerPrefix = orDefault(o.FailuresPerPrefix, 600)
	o.MaxFinal = orDefault(o.MaxFinal, 16384)
	if o.Timeout <= 0 || o.Timeout > maxTimeout {
		o.Timeout = maxTimeout
	}
	return o, nil
}

func orDefault(value, otherwise int) int {
	if value <= 0 {
		return otherwise
	}
	return value
}

// prefixOf is the source prefix that limits count by.
func prefixOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // a prefix of that length exists for every address
	return p
}
