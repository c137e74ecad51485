package dtlsrec

import "encoding/binary"

// HandshakeType says which message of a handshake it is (RFC 5246 section 7.4).
type HandshakeType uint8

const (
	HelloRequest       HandshakeType = 0
	ClientHello        HandshakeType = 1
	ServerHello        HandshakeType = 2
	HelloVerifyRequest HandshakeType = 3
	ServerKeyExchange  HandshakeType = 12
	ServerHelloDone    HandshakeType = 14
	ClientKeyExchange  HandshakeType = 16
	Finished           HandshakeType = 20
)

// HandshakeHeaderLen is the length of the header of a handshake message.
const HandshakeHeaderLen = 12

// Handshake is the header of a handshake message, or of a fragment of one
// (RFC 6347 section 4.2.2):
//
//	type(1) length(3) message_seq(2) fragment_offset(3) fragment_length(3)
type Handshake struct {
	Type     HandshakeType
	Length   int    // of the whole message, 24 bits
	Sequence uint16 // of the message in its handshake
	Offset   int    // of the fragment in the message
	Fragment int    // length of the fragment
}

// ParseHandshake cuts the first handshake message, or fragment of one, of a
// record. The body aliases b; rest begins with the next message.
func ParseHandshake(b []byte) (h Handshake, body, rest []byte, err error) {
	if len(b) < HandshakeHeaderLen {
		return Handshake{}, nil, nil, ErrMalformed
	}
	h = Handshake{
		Type:     HandshakeType(b[0]),
		Length:   uint24(b[1:]),
		Sequence: binary.BigEndian.Uint16(b[4:]),
		Offset:   uint24(b[6:]),
		Fragment: uint24(b[9:]),
	}
	b = b[HandshakeHeaderLen:]
	if h.Offset+h.Fragment > h.Length || h.Fragment > len(b) {
		return Handshake{}, nil, nil, ErrMalformed
	}
	return h, b[:h.Fragment:h.Fragment], b[h.Fragment:], nil
}

// Whole reports that the fragment is the message.
func (h Handshake) Whole() bool { return h.Fragment == h.Length }

// Append appends the header as ParseHandshake reads it.
func (h Handshake) Append(dst []byte) []byte {
	dst = appendUint24(append(dst, byte(h.Type)), h.Length)
	dst = binary.BigEndian.AppendUint16(dst, h.Sequence)
	return appendUint24(appendUint24(dst, h.Offset), h.Fragment)
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

func appendUint24(dst []byte, v int) []byte { return append(dst, byte(v>>16), byte(v>>8), byte(v)) }
