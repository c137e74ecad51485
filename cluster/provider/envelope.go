package provider

import (
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Envelope is the one message between nodes. docs/formats/envelope.md has the
// bytes.
type Envelope struct {
	Answer  bool
	Kind    byte          // what is asked, in Serve's numbering; an answer repeats it
	ID      ID            // of the call; an answer repeats it
	Code    uint16        // of an answer: 0, or why Payload is the text of an error
	Left    time.Duration // until the caller gives up, in milliseconds; 0: it did not say
	Payload []byte
}

// ID names a call: the caller's life, and its count there.
type ID struct{ Life, Count uint64 }

// MaxPayload bounds a request and an answer, in bytes.
const MaxPayload = 4 << 20

const (
	envelopeVersion = 1
	envelopeHeader  = 1 + 1 + 16 + 1 + 2 + 4

	typeAsk    = 1
	typeAnswer = 2
)

// maxLeft is the longest that a caller can say it waits: 49 days.
const maxLeft = (1<<32 - 1) * time.Millisecond

// Append appends the bytes.
func (e *Envelope) Append(dst []byte) []byte {
	t := byte(typeAsk)
	if e.Answer {
		t = typeAnswer
	}
	dst = append(dst, envelopeVersion, t)
	dst = binary.BigEndian.AppendUint64(dst, e.ID.Life)
	dst = binary.BigEndian.AppendUint64(dst, e.ID.Count)
	dst = append(dst, e.Kind)
	dst = binary.BigEndian.AppendUint16(dst, e.Code)
	dst = binary.BigEndian.AppendUint32(dst, milliseconds(e.Left))
	return append(dst, e.Payload...)
}

// milliseconds rounds up, so that what is left is not read as unsaid.
func milliseconds(d time.Duration) uint32 {
	return uint32((min(max(d, 0), maxLeft) + time.Millisecond - 1) / time.Millisecond)
}

// ParseEnvelope reads what Append wrote; the payload aliases b. With ErrVersion
// Answer and ID are set, which keep their place in all versions, so that it can
// be answered.
func ParseEnvelope(b []byte) (e Envelope, err error) {
	if len(b) < 18 || b[0] == 0 || b[1] != typeAsk && b[1] != typeAnswer {
		return e, ErrEnvelope
	}
	e.Answer = b[1] == typeAnswer
	e.ID = ID{binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])}
	if b[0] != envelopeVersion {
		return e, fmt.Errorf("%w: %d", ErrVersion, b[0])
	}
	if len(b) < envelopeHeader || len(b) > envelopeHeader+MaxPayload {
		return Envelope{}, ErrEnvelope
	}
	e.Kind = b[18]
	e.Code = binary.BigEndian.Uint16(b[19:])
	e.Left = time.Duration(binary.BigEndian.Uint32(b[21:])) * time.Millisecond
	e.Payload = b[envelopeHeader:]
	if !e.Answer && e.Code != codeOK || e.Answer && e.Left != 0 {
		return Envelope{}, ErrEnvelope
	}
	return e, nil
}

// Message is the envelope as what remote carries.
func (e *Envelope) Message() *wrapperspb.BytesValue {
	return wrapperspb.Bytes(e.Append(make([]byte, 0, envelopeHeader+len(e.Payload))))
}
