package ids

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// CID is the DTLS Connection ID that a device puts into its records towards us
// (RFC 9146). It is fixed before the device says who it is, so its shard is
// chosen by the node of the handshake; there lies the signpost to the endpoint.
//
//	layout version 4 = 1 | shard 12 | random 32 | tag 16
//
// The tag is keyed: all but one of 65536 invented CIDs die where they come in,
// without a look-up. It is no proof of anything else.
type CID [8]byte

// CIDLen is the length of a CID. All of ours have it: a record with a CID does
// not say how long that is.
const CIDLen = len(CID{})

// cidVersion is the layout's number, in the top four bits.
const cidVersion = 1

// NewCID makes a CID of a shard from 32 bits that are not guessable and not
// those of a live session of the shard.
func (k Key) NewCID(s Shard, random uint32) (c CID) {
	binary.BigEndian.PutUint16(c[:], cidVersion<<12|uint16(s)&0xfff)
	binary.BigEndian.PutUint32(c[2:], random)
	binary.BigEndian.PutUint16(c[6:], k.cidTag(c))
	return c
}

// ParseCID reads 8 bytes and checks that NewCID made them under the same key.
// ErrID says that it did not.
func (k Key) ParseCID(b []byte) (CID, Shard, error) {
	if len(b) != CIDLen {
		return CID{}, 0, ErrID
	}
	c := CID(b)
	if c[0]>>4 != cidVersion || c.Shard() >= MaxShards || binary.BigEndian.Uint16(c[6:]) != k.cidTag(c) {
		return CID{}, 0, ErrID
	}
	return c, c.Shard(), nil
}

// Shard is where the signpost of the CID lies.
func (c CID) Shard() Shard { return Shard(binary.BigEndian.Uint16(c[:]) & 0xfff) }

// cidTag is the low 16 bits of SipHash-2-4 over all but the tag. The key
// is the complement of the one for names: a device sees the hash of its name in
// its location, and may choose a name that reads like a CID.
func (k Key) cidTag(c CID) uint16 {
	k0, k1 := ^binary.LittleEndian.Uint64(k[:8]), ^binary.LittleEndian.Uint64(k[8:])
	return uint16(siphash.Hash(k0, k1, c[:6]))
}
