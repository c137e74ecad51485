package stream

import (
	"encoding/binary"
	"fmt"
)

// Bounds of Options.MaxFrame, in bytes. Both sides of a connection keep to the
// smaller of theirs.
const (
	MinFrame     = 64 << 10
	DefaultFrame = 8 << 20
	MaxFrame     = 64 << 20
)

// frameHeader is the length of a frame in front of it, 4 bytes. A length of 0 is
// no frame, but the sign that the peer is alive.
const frameHeader = 4

func appendFrameHeader(dst []byte, length int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(length))
}

// parseFrameHeader reads a length of at most longest.
func parseFrameHeader(b [frameHeader]byte, longest int) (int, error) {
	length := binary.BigEndian.Uint32(b[:])
	if length > uint32(longest) {
		return 0, fmt.Errorf("%w: a frame of %d bytes, at most %d", ErrFormat, length, longest)
	}
	return int(length), nil
}

// about is the type of a message on a connection of calls.
type about byte

const (
	aboutLife    about = 0 // the peer is alive
	aboutRequest about = 1 // of who dialled; the others but cancel are answers to it
	aboutAnswer  about = 2
	aboutFailure about = 3 // code(2) text
	aboutBusy    about = 4
	aboutCancel  about = 5 // of who dialled: nobody waits for the answer any more
)

// maxText bounds the text of a failure, in bytes.
const maxText = 4096

// message is the header of what passes on a connection of calls.
//
//	message = about(1) kind(1) call(8) length(4) body
type message struct {
	about  about
	kind   byte   // of a request, as the user of this package numbers them; else 0
	call   uint64 // from 1, larger with each request of a connection; 0 of aboutLife alone
	length int    // of the body, in bytes
}

const messageHeader = 1 + 1 + 8 + 4

func (m *message) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, byte(m.about), m.kind), m.call)
	return binary.BigEndian.AppendUint32(dst, uint32(m.length))
}

// parseMessage reads a header whose body has at most longest bytes.
func parseMessage(b [messageHeader]byte, longest int) (message, error) {
	length := binary.BigEndian.Uint32(b[10:])
	m := message{about: about(b[0]), kind: b[1], call: binary.BigEndian.Uint64(b[2:])}
	if m.about > aboutCancel || m.kind != 0 && m.about != aboutRequest || (m.call == 0) != (m.about == aboutLife) {
		return m, fmt.Errorf("%w: a message about %d of kind %d for call %d", ErrFormat, m.about, m.kind, m.call)
	}
	least, most := 0, 0
	switch m.about {
	case aboutRequest, aboutAnswer:
		most = longest
	case aboutFailure:
		least, most = 2, 2+maxText
	}
	if length < uint32(least) || length > uint32(most) {
		return m, fmt.Errorf("%w: a message about %d of %d bytes, want %d to %d", ErrFormat, m.about, length, least, most)
	}
	m.length = int(length)
	return m, nil
}

// appendFailure appends the body of a failure.
func (e *RemoteError) appendFailure(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, e.Code), e.Text...)
}

// parseFailure reads it; it has at least 2 bytes.
func parseFailure(body []byte) *RemoteError {
	return &RemoteError{Code: binary.BigEndian.Uint16(body), Text: string(body[2:])}
}
