package ids

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// Identity is the keyed hash of a PSK identity (RFC 4279, section 5.1): the
// claim on the identity lies in the shard of this hash, so that a handshake
// finds it before it knows the endpoint. Two identities may share one (2^-64 a
// pair): whoever stores by it compares the identity.
type Identity uint64

// Identity hashes a PSK identity. The second half of the key is the complement
// of the one for names: a device sees the hash of its name in its location, and
// may be called like somebody's identity.
func (k Key) Identity(identity []byte) Identity {
	k0, k1 := binary.LittleEndian.Uint64(k[:8]), ^binary.LittleEndian.Uint64(k[8:])
	return Identity(siphash.Hash(k0, k1, identity))
}

// OfIdentity places the claim on an identity.
func (n Shards) OfIdentity(i Identity) Shard { return n.OfHandle(uint32(i >> 32)) }

// Append appends the hash, big-endian: the key of the claim's record.
func (i Identity) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(i)) }

// ParseIdentity reads the first 8 bytes of b.
func ParseIdentity(b []byte) (Identity, error) {
	if len(b) < 8 {
		return 0, ErrID
	}
	return Identity(binary.BigEndian.Uint64(b)), nil
}
