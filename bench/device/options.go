package device

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"

	"dormouse/bench/device/objects"
)

// Options say what the devices of a Product are like. The zero value is a device
// of LwM2M 1.1 with all objects that never sleeps.
type Options struct {
	// Version of the enabler, 1.0 to 1.2; zero: 1.1. A server that answers 4.12
	// is tried with the next lower one.
	Version lwm2m.Version
	// Server is what /0/0/0 shows: the URI of the server.
	Server string
	// Lifetime of a registration in seconds; 0: 86400, negative: for ever. The
	// server may change it (/1/0/1).
	Lifetime int64
	// Binding is /1/0/7; "": "U". Q does not belong here, see Queue.
	Binding string
	// Queue: the device sleeps, and hears nothing, once Awake is over since the
	// last message in either direction.
	Queue bool
	Awake time.Duration // 0: 93 s (RFC 7252 MAX_TRANSMIT_WAIT)
	// Root is the alternate path before all objects, such as "/lwm2m".
	Root string
	// Formats that the device supports beside text and octet-stream, the best
	// first, and lists in its registration; nil: those of its version, unlisted.
	Formats []lwm2m.Format
	// Objects that the device has beside 1 and 3, of objects.All; nil: all.
	Objects []uint16
	// Every is the time between two samples of what the device measures, so that
	// an observed value without attributes is notified that often; 0: 10 s.
	Every time.Duration
	// Confirmable: notifications are CON where no attribute says otherwise.
	Confirmable bool
	// Send is sent by itself again and again; a zero Every: never.
	Send Report
	// BlockSize is the largest payload of a datagram, 16 to 1024; 0: 1024.
	BlockSize int
	// MaxBody bounds a payload that comes in blocks, in bytes; 0: 64 KiB.
	MaxBody int
	// Params are those of the device's own requests.
	Params exchange.Params
	// Listen is told what happens, from the goroutine that drives the device; nil
	// for nobody. It must not call the device.
	Listen func(Event)
}

// Report is what a Send carries.
type Report struct {
	Paths  []lwm2m.Path
	Format lwm2m.Format  // SenML or LwM2M CBOR; 0: the best of the device
	Every  time.Duration // between two of them, 0: once
	// History is the number of samples, the latest last, each with its time; 0
	// and 1: the current values without a time. Only SenML carries times.
	History int
}

// Defaults of Options.
const (
	DefaultLifetime = 86400
	DefaultAwake    = exchange.MaxTransmitWait
	DefaultEvery    = 10 * time.Second
	DefaultMaxBody  = 64 << 10
)

func (o Options) withDefaults() Options {
	if o.Version.IsZero() {
		o.Version = lwm2m.V1_1
	}
	switch {
	case o.Lifetime == 0:
		o.Lifetime = DefaultLifetime
	case o.Lifetime < 0:
		o.Lifetime = 0
	}
	if o.Binding == "" {
		o.Binding = "U"
	}
	if o.Awake == 0 {
		o.Awake = DefaultAwake
	}
	if o.Objects == nil {
		o.Objects = objects.All
	}
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.BlockSize == 0 {
		o.BlockSize = exchange.DefaultBlockSize
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	o.Params.BlockSize = o.BlockSize
	return o
}

// validate answers with a sentence about what cannot be.
func (o Options) validate() error {
	r := query.Registration{Version: o.Version, Binding: o.Binding, HasBinding: true}
	switch {
	case !query.Supported(o.Version):
		return fmt.Errorf("device: LwM2M %s is none of 1.0, 1.1 and 1.2", o.Version)
	case strings.Contains(o.Binding, "Q") || r.Validate(o.Version) != nil:
		return fmt.Errorf("device: %q is no binding of LwM2M %s", o.Binding, o.Version)
	case o.Awake < 0 || o.Every < time.Millisecond:
		return fmt.Errorf("device: times must be positive, samples a millisecond apart")
	case o.BlockSize < 16 || o.BlockSize > 1024:
		return fmt.Errorf("device: blocks of %d bytes, want 16 to 1024", o.BlockSize)
	case o.Root != "" && (o.Root[0] != '/' || strings.HasSuffix(o.Root, "/")):
		return fmt.Errorf("device: root %q, want one like /lwm2m", o.Root)
	}
	return o.Send.validate(o.Version)
}

func (r Report) validate(version lwm2m.Version) error {
	switch {
	case len(r.Paths) == 0:
		return nil
	case version == lwm2m.V1_0:
		return fmt.Errorf("device: LwM2M 1.0 has no Send")
	case r.History > maxSamples:
		return fmt.Errorf("device: a Send of %d samples, at most %d", r.History, maxSamples)
	case r.Format != 0 && !slices.Contains(sendFormats, r.Format):
		return fmt.Errorf("device: %s is no format of a Send", r.Format)
	}
	return nil
}

// sendFormats are those in which a Send may be (OMA Core 6.4.6).
var sendFormats = []lwm2m.Format{lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON, lwm2m.FormatLwM2MCBOR}

// Event is something that a device did.
type Event struct {
	Kind     EventKind
	Endpoint string
	Method   coap.Code // Served
	Path     string    // Served: what was asked for; Registered: the location; Notified: what was observed; Shaken, ShakeFailed: more in words
	Code     coap.Code // Served: of the answer; Refused: of the server, Empty for none
}

// EventKind tells events apart.
type EventKind uint8

// Events.
const (
	Registered EventKind = iota + 1
	Updated
	Deregistered
	Refused // a Register, Update, De-register or Send was not answered with success
	Served  // a request of the server, repetitions excepted
	Notified
	Sent // a Send was accepted
	Rebooted

	// Of DTLS, told by a Fleet.
	Shaken      // a session was made
	ShakeFailed // none was
	Rebound     // the device has another socket
	NonceReused // the server used a nonce twice
)

var eventNames = [...]string{"", "registered", "updated", "de-registered", "refused", "served", "notified", "sent", "rebooted",
	"handshake done", "handshake failed", "rebound", "nonce used twice"}

// String is the event in words.
func (k EventKind) String() string { return eventNames[k] }
