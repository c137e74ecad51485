package coap

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	"github.com/plgd-dev/go-coap/v3/udp/coder"
)

// ErrVersion is returned for a datagram that is not CoAP version 1, or that is
// shorter than a header: it is ignored in silence (RFC 7252 section 3).
var ErrVersion = errors.New("coap: not a CoAP version 1 message")

// ErrFormat is wrapped by every other parse error. Type and MessageID of the
// message are valid then: a Confirmable one is answered with a Reset, anything
// else is ignored (RFC 7252 section 4.2, 4.3).
var ErrFormat = errors.New("coap: message format error")

// maxOptions bounds the options of one message.
const maxOptions = 64

// Message is one CoAP message. A parsed Message aliases its datagram: Clone it
// to keep it longer.
type Message struct {
	Type      Type
	Code      Code
	MessageID uint16
	Token     []byte
	Options   message.Options // ascending by number
	Payload   []byte

	// BadOption is the first critical option that was not recognised: by
	// number, length or repetition; 0 for none. A request that has one is
	// answered 4.02 (NON: ignored), a response is rejected.
	BadOption OptionID
}

// Parse reads a datagram into m, whose Options memory is used again.
func Parse(data []byte, m *Message) error {
	*m = Message{Options: m.Options[:0]}
	if len(data) < 4 || data[0]>>6 != 1 {
		return ErrVersion
	}
	m.Type = Type(data[0] >> 4 & 3)
	m.Code = Code(data[1])
	m.MessageID = binary.BigEndian.Uint16(data[2:])
	tkl := int(data[0] & 15)
	rest := data[4:]
	if tkl > 8 || len(rest) < tkl {
		return fmt.Errorf("%w: token length %d of %d bytes", ErrFormat, tkl, len(rest))
	}
	if m.Code == Empty && (tkl > 0 || len(rest) > 0) {
		return fmt.Errorf("%w: empty message with %d bytes behind the message ID", ErrFormat, len(rest))
	}
	m.Token = rest[:tkl:tkl]
	return m.parseOptions(rest[tkl:])
}

// parseOptions reads options up to the payload marker (RFC 7252 section 3.1).
func (m *Message) parseOptions(b []byte) error {
	number := 0
	for len(b) > 0 {
		if b[0] == 0xff {
			if len(b) == 1 {
				return fmt.Errorf("%w: payload marker without payload", ErrFormat)
			}
			m.Payload = b[1:]
			return nil
		}
		delta, length := int(b[0]>>4), int(b[0]&15)
		b = b[1:]
		var ok bool
		if delta, b, ok = extend(delta, b); !ok {
			return fmt.Errorf("%w: option delta", ErrFormat)
		}
		if length, b, ok = extend(length, b); !ok || length > len(b) {
			return fmt.Errorf("%w: option length", ErrFormat)
		}
		if number += delta; number > 65535 {
			return fmt.Errorf("%w: option number %d", ErrFormat, number)
		}
		if len(m.Options) == maxOptions {
			return fmt.Errorf("%w: more than %d options", ErrFormat, maxOptions)
		}
		m.addParsed(Option{ID: OptionID(number), Value: b[:length:length]}, delta == 0)
		b = b[length:]
	}
	return nil
}

// addParsed keeps an option that is recognised, remembers the first critical
// one that is not, and ignores elective ones that are not.
func (m *Message) addParsed(o Option, repeated bool) {
	repeated = repeated && len(m.Options) > 0 && m.Options[len(m.Options)-1].ID == o.ID
	switch {
	case recognised(o, repeated):
		m.Options = append(m.Options, o)
	case critical(o.ID) && m.BadOption == 0:
		m.BadOption = o.ID
	}
}

// extend reads the extended form of a delta or length nibble.
func extend(nibble int, b []byte) (v int, rest []byte, ok bool) {
	switch {
	case nibble < 13:
		return nibble, b, true
	case nibble == 13 && len(b) >= 1:
		return int(b[0]) + 13, b[1:], true
	case nibble == 14 && len(b) >= 2:
		return int(binary.BigEndian.Uint16(b)) + 269, b[2:], true
	}
	return 0, nil, false
}

// Append appends the encoded message. It fails for a token of more than 8
// bytes, a type above Reset, and options that do not ascend (go-coap would write
// a wrapped delta), all faults of the caller.
func (m *Message) Append(dst []byte) ([]byte, error) {
	if m.Type > Reset || !m.ascending() {
		return dst, fmt.Errorf("coap: append %s %s: type %d or order of options", m.Type, m.Code, m.Type)
	}
	raw := message.Message{
		Token: m.Token, Options: m.Options, Code: codes.Code(m.Code),
		Payload: m.Payload, MessageID: int32(m.MessageID), Type: message.Type(m.Type),
	}
	start := len(dst)
	free := dst[start:cap(dst)]
	n, err := coder.DefaultCoder.Encode(raw, free)
	if errors.Is(err, message.ErrTooSmall) {
		dst = append(dst, make([]byte, n)...)
		n, err = coder.DefaultCoder.Encode(raw, dst[start:])
	}
	if err != nil {
		return dst[:start], fmt.Errorf("coap: append %s %s: %w", m.Type, m.Code, err)
	}
	return dst[:start+n], nil
}

func (m *Message) ascending() bool {
	for i := 1; i < len(m.Options); i++ {
		if m.Options[i].ID < m.Options[i-1].ID {
			return false
		}
	}
	return true
}

// Clone copies the message and all it points to.
func (m *Message) Clone() *Message {
	c := *m
	c.Token = append([]byte(nil), m.Token...)
	c.Payload = append([]byte(nil), m.Payload...)
	c.Options = make(message.Options, len(m.Options))
	for i, o := range m.Options {
		c.Options[i] = Option{ID: o.ID, Value: append([]byte(nil), o.Value...)}
	}
	return &c
}

// Is reports whether the message has exactly this token.
func (m *Message) Is(token []byte) bool { return string(m.Token) == string(token) }
