package stream

import (
	"errors"
	"fmt"
)

var (
	// ErrOptions is wrapped by errors about Options and DialOptions.
	ErrOptions = errors.New("stream: options")
	// ErrNotSent is wrapped where a call was not begun by the peer and will not
	// be: it may be sent again, there or elsewhere.
	ErrNotSent = errors.New("stream: not sent")
	// ErrUnknownOutcome is wrapped where a call may have been carried out, or may
	// be still.
	ErrUnknownOutcome = errors.New("stream: it may have happened")
	// ErrBusy: the peer, or this node for it, has as many calls under way as it
	// takes. It is an ErrNotSent as well. A Serve may return it, too.
	ErrBusy = fmt.Errorf("%w: too many calls under way", ErrNotSent)
	// ErrNoPeer: the node is not among the peers. It is an ErrNotSent as well.
	ErrNoPeer = fmt.Errorf("%w: no peer", ErrNotSent)
	// ErrTooLong: longer than one of both sides takes. It is an ErrNotSent as well.
	ErrTooLong = fmt.Errorf("%w: too long", ErrNotSent)
	// ErrRefused is wrapped where one side did not want the other; the text is a
	// sentence for people.
	ErrRefused = errors.New("stream: refused")
	// ErrClosed: the Mesh or Client is closed.
	ErrClosed = errors.New("stream: closed")
	// ErrFormat is wrapped where bytes are none of this package's.
	ErrFormat = errors.New("stream: malformed")
)

// Why an open connection was given up.
var (
	errSilent   = errors.New("stream: the peer fell silent")
	errReplaced = errors.New("stream: the peer made a newer connection")
	errRetired  = errors.New("stream: the node is no peer any more, or has started again")
)

// RemoteError is what a peer's Serve returned.
type RemoteError struct {
	Code uint16 // of the error's method Code; 0 where it has none
	Text string // cut to maxText bytes
}

func (e *RemoteError) Error() string { return "stream: the peer answered: " + e.Text }

// coded is an error that travels with a code.
type coded interface{ Code() uint16 }

// remote is the error as it travels.
func remote(err error) RemoteError {
	e := RemoteError{Text: err.Error()}
	if c := coded(nil); errors.As(err, &c) {
		e.Code = c.Code()
	}
	if len(e.Text) > maxText {
		e.Text = e.Text[:maxText]
	}
	return e
}
