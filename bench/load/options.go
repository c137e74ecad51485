package load

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"dormouse/codec/ids"
)

// Kind is what the devices do.
type Kind uint8

const (
	Register  Kind = iota // POST /rd, each device once
	Update                // POST to the location, without parameters
	Send                  // POST /dp with one value as SenML CBOR
	Notify                // Confirmable notifications of an observation that Observe began
	Handshake             // of DTLS, each device once
	kinds
)

var kindNames = [kinds]string{"register", "update", "send", "notify", "handshake"}

func (k Kind) String() string { return kindNames[k] }

// ParseKind reads a name that String gives.
func ParseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if s == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("load: %q is none of %v", s, kindNames)
}

// Watch reads what the server used so far; server.Meter is one.
type Watch interface {
	// CPU is user and system time since the server started.
	CPU() (time.Duration, error)
	// Memory is the resident set in bytes.
	Memory() (int64, error)
}

// Options of a Generator. Target is mandatory.
type Options struct {
	Target  netip.AddrPort // of the server, IPv4
	Devices int            // 1 to MaxDevices, default 1

	// Others are further servers of the same cluster, IPv4, at most MaxOthers.
	// A device keeps to one of them; with Spray each exchange goes to any, and
	// its later repetitions to any again. A session without Connection ID stays
	// where it was made.
	Others []netip.AddrPort
	Spray  bool

	// Owner is the server that owns an endpoint, 0 for the target, for Traffic
	// with such an Aim; nil: not known.
	Owner func(ids.Endpoint) int

	// DevicesPerAddress many devices share an address, default 1. More than 1
	// is what a NAT does; only Register and Update work then, since the server
	// knows senders by location there alone. A target that is not loopback
	// means all devices on one address, which is this machine's.
	DevicesPerAddress int

	Prefix   string        // of endpoint names, before the number; default "urn:dev:load-"
	Lifetime time.Duration // of registrations, whole seconds, default 24 h
	Awake    bool          // register as never sleeping; else in queue mode

	Security *Security // nil: no DTLS

	Watch    Watch         // nil: nothing is known of the server
	Progress io.Writer     // gets a line every Every; nil: none
	Every    time.Duration // default 1 s

	Seed uint64 // of what is random: message IDs, the spread of repetitions
}

// MaxOthers bounds Options.Others.
const MaxOthers = 253

// MaxDevices have an address of their own in 127.1.0.1 to 127.255.255.254.
const MaxDevices = 255<<16 - 2

// Traffic is what one Run does.
type Traffic struct {
	Kind Kind
	// Hot devices take part, the first ones, in turn; 0: all. Few stay in a
	// server's memory, many do not.
	Hot int
	// InFlight is how many exchanges are under way at any time, default 256,
	// up to MaxInFlight. With a Rate it is the most there may be, default
	// MaxInFlight: what is due beyond it waits, and its latency counts.
	InFlight int
	Aim      Aim
	Rate     int           // exchanges begun per second, answered or not; 0: as InFlight says
	Duration time.Duration // of the measurement, default 10 s; a tenth of it, 2 s at most, goes before
}

// Aim is which of several servers an exchange goes to.
type Aim uint8

const (
	AsOptions Aim = iota // as Options.Spray says
	AtOwner              // the server that owns the endpoint
	Astray               // any other
)

// MaxInFlight bounds the exchanges under way.
const MaxInFlight = 1 << 16

const maxRate = 10_000_000

func (o Options) withDefaults() (Options, error) {
	o.Devices = orDefault(o.Devices, 1)
	o.DevicesPerAddress = orDefault(o.DevicesPerAddress, 1)
	o.Lifetime = orDefault(o.Lifetime, 24*time.Hour)
	o.Every = orDefault(o.Every, time.Second)
	if o.Prefix == "" {
		o.Prefix = "urn:dev:load-"
	}
	switch {
	case !o.Target.Addr().Unmap().Is4() || o.Target.Port() == 0:
		return o, fmt.Errorf("load: target %v is not an IPv4 address and port", o.Target)
	case len(o.Others) > MaxOthers || slices.ContainsFunc(o.Others, o.unlike):
		return o, fmt.Errorf("load: servers %v beside %v: want at most %d, all of IPv4, and all on this machine or none", o.Others, o.Target, MaxOthers)
	case o.Devices < 0 || o.Devices > MaxDevices:
		return o, fmt.Errorf("load: %d devices, want 1 to %d", o.Devices, MaxDevices)
	case o.DevicesPerAddress < 0:
		return o, fmt.Errorf("load: %d devices per address is negative", o.DevicesPerAddress)
	case o.Lifetime < time.Second || o.Every < 0:
		return o, fmt.Errorf("load: lifetime %v or progress every %v is too short", o.Lifetime, o.Every)
	case len(o.Prefix) > 200:
		return o, fmt.Errorf("load: a prefix of %d bytes", len(o.Prefix))
	}
	if err := o.validateSecurity(); err != nil {
		return o, err
	}
	o.Target = netip.AddrPortFrom(o.Target.Addr().Unmap(), o.Target.Port())
	if !o.Target.Addr().IsLoopback() {
		o.DevicesPerAddress = o.Devices
	}
	return o, nil
}

// unlike reports a server that the devices cannot reach as they reach the target.
func (o Options) unlike(a netip.AddrPort) bool {
	return !a.Addr().Unmap().Is4() || a.Port() == 0 || a.Addr().Unmap().IsLoopback() != o.Target.Addr().Unmap().IsLoopback()
}

// servers are the target and the others.
func (o *Options) servers() []netip.AddrPort { return append([]netip.AddrPort{o.Target}, o.Others...) }

func (t Traffic) withDefaults(devices int) (Traffic, error) {
	t.Hot = orDefault(t.Hot, devices)
	t.Duration = orDefault(t.Duration, 10*time.Second)
	if t.Rate > 0 {
		t.InFlight = orDefault(t.InFlight, MaxInFlight)
	}
	t.InFlight = orDefault(t.InFlight, 256)
	switch {
	case t.Kind == Register || t.Kind >= Handshake:
		return t, fmt.Errorf("load: %v is nothing to go on with", t.Kind)
	case t.Hot < 0 || t.Hot > devices:
		return t, fmt.Errorf("load: %d hot devices of %d", t.Hot, devices)
	case t.InFlight < 0 || t.InFlight > MaxInFlight:
		return t, fmt.Errorf("load: %d in flight, want 1 to %d", t.InFlight, MaxInFlight)
	case t.Rate < 0 || t.Rate > maxRate:
		return t, fmt.Errorf("load: rate %d, want up to %d", t.Rate, maxRate)
	case t.Duration < 0:
		return t, fmt.Errorf("load: duration %v is negative", t.Duration)
	}
	return t, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
