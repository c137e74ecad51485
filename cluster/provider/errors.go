package provider

import (
	"errors"
	"fmt"
)

var (
	// ErrNotSent: the call was not served, and will not be.
	ErrNotSent = errors.New("provider: not served")
	// ErrUnknownOutcome: the call was written to the peer and not answered. It
	// may have been served, be served still, or never have arrived.
	ErrUnknownOutcome = errors.New("provider: it is not known whether it was served")
	// ErrBusy, with ErrNotSent: too much is in flight, here or at the peer.
	ErrBusy = errors.New("provider: busy")
	// ErrClosed, with ErrNotSent: this node or the peer is closing.
	ErrClosed = errors.New("provider: closed")
	// ErrNoNode, with ErrNotSent: the node is not among the members.
	ErrNoNode = errors.New("provider: no such member")
	// ErrTooLong: more than MaxPayload; with ErrNotSent where it is the request.
	ErrTooLong = errors.New("provider: too long")
	// ErrNoOwner: the Lookup knows no owner of the identity.
	ErrNoOwner = errors.New("provider: nobody owns it")
	// ErrEnvelope: bytes that are no envelope.
	ErrEnvelope = errors.New("provider: malformed envelope")
	// ErrVersion: an envelope of a version that this program does not know.
	ErrVersion = errors.New("provider: an envelope of another version")
)

// Codes of an answer. Those below FirstCode are of this package; what Serve
// returns keeps its own from there on.
const (
	codeOK      uint16 = iota
	codeServed         // Serve failed with an error that has no code of its own
	codeBusy           // not served: the bound of Options.Serving, or Serve returned ErrBusy
	codeStale          // not served now; whether it was before is no longer known
	codeClosed         // not served: the node is closing
	codeVersion        // not served: the envelope is of an unknown version
	codeTooLong        // served, but its answer is longer than MaxPayload, or than the room for it

	// FirstCode is the least that an error of Serve can keep.
	FirstCode uint16 = 16
)

// RemoteError is what Serve of the peer returned as an error.
type RemoteError struct {
	Code uint16 // 1 where the error had none, else at least FirstCode
	Text string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("provider: the peer answers %d: %s", e.Code, e.Text)
}

// coded is an error that keeps its code on the way to another node.
type coded interface {
	error
	Code() uint16
}

// failure is the code and text that an error of Serve travels as.
func failure(err error) (uint16, string) {
	code := codeServed
	if errors.Is(err, ErrBusy) {
		code = codeBusy
	} else if c, ok := errors.AsType[coded](err); ok && c.Code() >= FirstCode {
		code = c.Code()
	}
	text := err.Error()
	return code, text[:min(len(text), maxText)]
}

// maxText bounds the text of an error, in bytes.
const maxText = 1 << 10

// errorOf is what a caller gets for an answer's code. writes is how often the
// call was written: one that was refused as stale at its first arrival was never
// served.
func errorOf(code uint16, text string, writes int) error {
	switch code {
	case codeOK:
		return nil
	case codeBusy:
		return fmt.Errorf("%w: %w at the peer", ErrNotSent, ErrBusy)
	case codeClosed:
		return fmt.Errorf("%w: the peer: %w", ErrNotSent, ErrClosed)
	case codeVersion:
		return fmt.Errorf("%w: to the peer it is %w", ErrNotSent, ErrVersion)
	case codeTooLong:
		return fmt.Errorf("%w: the answer", ErrTooLong)
	case codeStale:
		if writes <= 1 {
			return fmt.Errorf("%w: it came too late", ErrNotSent)
		}
		return fmt.Errorf("%w: the peer has forgotten", ErrUnknownOutcome)
	}
	return &RemoteError{code, text}
}
