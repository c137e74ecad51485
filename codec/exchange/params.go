package exchange

import (
	"time"

	"dormouse/codec/coap"
)

// Times of RFC 7252 section 4.8.2, for the default parameters.
const (
	// ExchangeLifetime is how long a Confirmable message ID names one exchange.
	ExchangeLifetime = 247 * time.Second
	// NonLifetime is the same for a Non-confirmable one.
	NonLifetime = 145 * time.Second
	// MaxTransmitWait is the longest a sender waits for an acknowledgement.
	MaxTransmitWait = 93 * time.Second
)

// Defaults of Params.
const (
	DefaultAckTimeout      = 2 * time.Second
	DefaultAckRandomFactor = 1.5
	DefaultMaxRetransmit   = 4
	DefaultResponseTimeout = MaxTransmitWait
	DefaultBlockSize       = 1024
	DefaultMaxBody         = 1 << 20
)

// Params are the transmission parameters towards one device. A zero field
// stands for its default.
type Params struct {
	// AckTimeout is the least time until the first repetition. Below the
	// round trip of the network every request is sent twice.
	AckTimeout time.Duration
	// AckRandomFactor spreads that time over AckTimeout..AckTimeout*factor;
	// values below 1 are read as the default.
	AckRandomFactor float64
	// MaxRetransmit is the number of repetitions; negative for none.
	MaxRetransmit int
	// ResponseTimeout is how long an acknowledged request waits for its
	// response, anew for every block.
	ResponseTimeout time.Duration
	// BlockSize is the largest payload of a datagram in bytes, 16..1024; other
	// values are rounded down to a size that RFC 7959 knows.
	BlockSize int
	// MaxBody bounds the body of a response in bytes.
	MaxBody int
}

func (p Params) withDefaults() Params {
	if p.AckTimeout <= 0 {
		p.AckTimeout = DefaultAckTimeout
	}
	if !(p.AckRandomFactor >= 1) {
		p.AckRandomFactor = DefaultAckRandomFactor
	}
	switch {
	case p.MaxRetransmit == 0:
		p.MaxRetransmit = DefaultMaxRetransmit
	case p.MaxRetransmit < 0:
		p.MaxRetransmit = 0
	}
	if p.ResponseTimeout <= 0 {
		p.ResponseTimeout = DefaultResponseTimeout
	}
	if p.BlockSize <= 0 {
		p.BlockSize = DefaultBlockSize
	}
	if p.MaxBody <= 0 {
		p.MaxBody = DefaultMaxBody
	}
	return p
}

// szx is the block size exponent that BlockSize allows.
func (p Params) szx() uint8 { return coap.SZXFor(p.BlockSize) }

// MIDs numbers the messages to one peer: one counter for requests, responses
// and notifications (RFC 7252 section 4.4). It starts at a random value.
type MIDs struct{ Last uint16 }

// Next is a message ID that was not used for the longest time.
func (m *MIDs) Next() uint16 {
	m.Last++
	return m.Last
}
