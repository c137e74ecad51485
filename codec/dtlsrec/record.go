package dtlsrec

import "encoding/binary"

// ContentType says what a record carries (RFC 5246 section 6.2.1).
type ContentType uint8

const (
	TypeChangeCipherSpec ContentType = 20
	TypeAlert            ContentType = 21
	TypeHandshake        ContentType = 22
	TypeApplicationData  ContentType = 23
	TypeCID              ContentType = 25 // tls12_cid: the true type is inside (RFC 9146 section 3)
)

func (t ContentType) String() string {
	switch t {
	case TypeChangeCipherSpec:
		return "change_cipher_spec"
	case TypeAlert:
		return "alert"
	case TypeHandshake:
		return "handshake"
	case TypeApplicationData:
		return "application_data"
	case TypeCID:
		return "tls12_cid"
	}
	return "unknown"
}

const (
	// HeaderLen is the length of a record's header without CID.
	HeaderLen = 13
	// MaxSequence is the largest sequence number: after it a session is over.
	MaxSequence = 1<<48 - 1
	// MaxPlaintext is the most that one record carries (RFC 5246 section 6.2.1).
	MaxPlaintext = 1 << 14
	// MaxCID is the longest Connection ID that can be negotiated.
	MaxCID = 255

	maxFragment = MaxPlaintext + 2048 // RFC 5246 section 6.2.3

	version12 = 0xfefd
	version10 = 0xfeff // ClientHellos may carry it
)

// Header is the head of a record.
type Header struct {
	Type     ContentType
	Epoch    uint16
	Sequence uint64 // 48 bits
	CID      []byte // of TypeCID alone, never empty there
	Length   int    // of the fragment, bytes
}

// ParseHeader cuts the first record of a datagram. CIDs do not say how long
// they are: cidLen is the length of all those that we gave out, 0 where we gave
// none. CID and fragment alias b; rest begins with the next record. A record
// of another version, type or CID, or one that is cut, is ErrMalformed, and all
// that follows it in the datagram is lost with it.
func ParseHeader(b []byte, cidLen int) (h Header, fragment, rest []byte, err error) {
	if len(b) < HeaderLen {
		return Header{}, nil, nil, ErrMalformed
	}
	h = Header{
		Type:     ContentType(b[0]),
		Epoch:    binary.BigEndian.Uint16(b[3:]),
		Sequence: binary.BigEndian.Uint64(b[3:]) & MaxSequence,
	}
	version := binary.BigEndian.Uint16(b[1:])
	if version != version12 && (version != version10 || h.Epoch != 0) {
		return Header{}, nil, nil, ErrMalformed
	}
	at := HeaderLen - 2
	switch h.Type {
	case TypeChangeCipherSpec, TypeAlert, TypeHandshake, TypeApplicationData:
	case TypeCID:
		// Plaintext is never sent with a CID (RFC 9146 section 3).
		if cidLen <= 0 || h.Epoch == 0 || len(b) < HeaderLen+cidLen {
			return Header{}, nil, nil, ErrMalformed
		}
		h.CID = b[at : at+cidLen : at+cidLen]
		at += cidLen
	default:
		return Header{}, nil, nil, ErrMalformed
	}
	h.Length = int(binary.BigEndian.Uint16(b[at:]))
	b = b[at+2:]
	if h.Length > maxFragment || h.Length > len(b) {
		return Header{}, nil, nil, ErrMalformed
	}
	return h, b[:h.Length:h.Length], b[h.Length:], nil
}

// Append appends the header as ParseHeader reads it, of version 1.2.
func (h Header) Append(dst []byte) []byte {
	dst = append(dst, byte(h.Type))
	dst = binary.BigEndian.AppendUint16(dst, version12)
	dst = binary.BigEndian.AppendUint64(dst, h.number())
	if h.Type == TypeCID {
		dst = append(dst, h.CID...)
	}
	return binary.BigEndian.AppendUint16(dst, uint16(h.Length))
}

// number is epoch‖sequence: what makes a record unique under its key.
func (h Header) number() uint64 { return uint64(h.Epoch)<<48 | h.Sequence&MaxSequence }
