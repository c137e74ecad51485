package dtlsrec

import "encoding/binary"

// appendAdditional appends what a record authenticates beside its plaintext:
// the additional data of AEAD suites, and what precedes the plaintext in the
// MAC of CBC. The two have the same layout (RFC 5246 sections 6.2.3.1 and
// 6.2.3.3, with the sequence number of RFC 6347 section 4.1.2.1). length is
// that of the plaintext, with content type and zeros in a tls12_cid record.
//
//	classic    epoch(2) sequence(6) type(1) version(2) length(2)
//	tls12_cid  ff×8 25 cid_length(1) 25 version(2) epoch(2) sequence(6) cid length(2)
//
// The second is that of RFC 9146 sections 5.1 and 5.3. The eight ff stand where
// a classic record has its number, and no epoch comes that far: the two cannot
// be taken for one another.
func (h Header) appendAdditional(dst []byte, length int) []byte {
	if h.Type != TypeCID {
		dst = binary.BigEndian.AppendUint64(dst, h.number())
		dst = append(dst, byte(h.Type))
		dst = binary.BigEndian.AppendUint16(dst, version12)
		return binary.BigEndian.AppendUint16(dst, uint16(length))
	}
	dst = binary.BigEndian.AppendUint64(dst, 1<<64-1)
	dst = append(dst, byte(TypeCID), byte(len(h.CID)), byte(TypeCID))
	dst = binary.BigEndian.AppendUint16(dst, version12)
	dst = binary.BigEndian.AppendUint64(dst, h.number())
	dst = append(dst, h.CID...)
	return binary.BigEndian.AppendUint16(dst, uint16(length))
}
