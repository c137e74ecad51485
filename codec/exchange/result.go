package exchange

import (
	"errors"

	"dormouse/codec/coap"
)

// Outcome is how a request ended.
type Outcome uint8

const (
	// Answered: Result.Response is the device's answer, of whatever code.
	Answered Outcome = iota + 1
	// ResetByPeer: the device rejected the message.
	ResetByPeer
	// NotAcknowledged: silence after all repetitions. The device sleeps.
	NotAcknowledged
	// NotAnswered: acknowledged, but no response within ResponseTimeout.
	NotAnswered
	// Broken: the blocks do not make a body; Result.Err says why.
	Broken
)

var outcomeNames = [...]string{"", "answered", "reset by peer", "not acknowledged", "not answered", "broken"}

// String is the outcome in words.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return ""
}

// ErrBlocks is wrapped where the blocks of a transfer contradict each other.
var ErrBlocks = errors.New("exchange: inconsistent block-wise transfer")

// ErrTooLarge is wrapped where a body exceeds its bound: MaxBody for one that
// is received, 2^20 blocks for one that is sent.
var ErrTooLarge = errors.New("exchange: body too large")

// Result ends a request; there is exactly one for each.
type Result struct {
	Outcome Outcome
	// Response is valid for Answered. It has the code and options of the first
	// block without the block-wise ones, the whole body as its Payload, and
	// shares no memory with the datagrams.
	Response coap.Message
	Err      error // for Broken, wraps ErrBlocks or ErrTooLarge
}

// Out is what to do after an event: send these in order, then take the result
// if there is one. Messages may be sent again later and must not be changed.
type Out struct {
	Send   []*coap.Message
	Result *Result
}
