package swarm

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"dormouse/bench/chaos/history"
	"dormouse/bench/device/secure"
)

// Nodes tells which nodes live. It is asked by the swarm's goroutine.
type Nodes interface {
	// Alive reports whether a node serves, and since when without a break.
	Alive(node int) (since time.Time, ok bool)
}

// Options of a Swarm. Those without a default are needed.
type Options struct {
	CoAP, CoAPS []netip.AddrPort // of the nodes, in the same order
	Nodes       Nodes
	Log         *history.Log

	Devices int
	Secure  float64 // share of the devices that speak DTLS
	Late    float64 // share of the devices that come after Setup; default none
	Rate    int     // exchanges begun per second by Run

	Prefix     string        // of endpoint names; default "urn:dev:chaos-"
	MoveEvery  int           // a device moves about once in so many exchanges; default 50, negative: never
	Loss       float64       // share of the requests of the server whose answer is lost
	AckTimeout time.Duration // default 2 s (RFC 7252 section 4.8)
	Seed       uint64
}

// Bounds of Options.
const (
	MaxDevices = 1 << 20
	MaxNodes   = 64
	maxRate    = 100_000
)

const (
	lifetime = 86400 // of registrations, seconds
	inSetup  = 256   // exchanges under way while all register, and at the roll call
	shakes   = 64    // handshakes under way
	maxSlots = 1 << 15
)

func (o Options) withDefaults() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = "urn:dev:chaos-"
	}
	if o.MoveEvery == 0 {
		o.MoveEvery = 50
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 2 * time.Second
	}
	switch {
	case len(o.CoAP) < 1 || len(o.CoAP) > MaxNodes || len(o.CoAP) != len(o.CoAPS):
		return o, fmt.Errorf("swarm: %d and %d addresses of nodes, want 1 to %d of both", len(o.CoAP), len(o.CoAPS), MaxNodes)
	case o.Devices < 1 || o.Devices > MaxDevices:
		return o, fmt.Errorf("swarm: %d devices, want 1 to %d", o.Devices, MaxDevices)
	case !(o.Secure >= 0 && o.Secure <= 1) || !(o.Late >= 0 && o.Late < 1):
		return o, fmt.Errorf("swarm: shares %v with DTLS and %v late, want 0 to 1", o.Secure, o.Late)
	case o.Rate < 1 || o.Rate > maxRate:
		return o, fmt.Errorf("swarm: rate %d, want 1 to %d", o.Rate, maxRate)
	case !(o.Loss >= 0 && o.Loss <= 0.5):
		return o, fmt.Errorf("swarm: %v of all answers lost, want 0 to 0.5", o.Loss)
	case o.AckTimeout < 0:
		return o, fmt.Errorf("swarm: repetition after %v", o.AckTimeout)
	}
	return o, nil
}

// Endpoint is the name of device i.
func (o *Options) Endpoint(i int) string { return o.Prefix + strconv.Itoa(i) }

// secured reports a device with DTLS: they are spread evenly.
func (o *Options) secured(i uint32) bool { return share(i, o.Secure) }

// late reports a device that comes after Setup.
func (o *Options) late(i uint32) bool { return share(i*7+3, o.Late) }

// share picks that part of all numbers.
func share(i uint32, part float64) bool {
	return uint64(float64(i+1)*part) > uint64(float64(i)*part)
}

func (o *Options) credential(i int) secure.Credential {
	return secure.Credentials{Seed: strconv.FormatUint(o.Seed, 16)}.Of(o.Endpoint(i))
}
