package wire

import (
	"encoding/binary"
	"net/netip"

	"dormouse/codec/ids"
)

// Sign is what a datagram is found by that names no endpoint: the key of a
// signpost. Signs can be compared. The zero Sign is none.
type Sign struct {
	Class Class // ClassAddress, ClassSecure or ClassCID
	key   [addressLen]byte
}

// addressLen is an IPv6 or IPv4-mapped address (16) and a port (2). Zones are
// left out: a link-local peer is found by address.
const addressLen = 18

// AddressSign is a peer of plain CoAP.
func AddressSign(p netip.AddrPort) Sign { return addressSign(ClassAddress, p) }

// SecureSign is a DTLS peer whose session has no Connection ID. It is none that
// a datagram of plain CoAP could set.
func SecureSign(p netip.AddrPort) Sign { return addressSign(ClassSecure, p) }

// CIDSign is a DTLS session with a Connection ID of ours.
func CIDSign(c ids.CID) Sign {
	s := Sign{Class: ClassCID}
	copy(s.key[:], c[:])
	return s
}

func addressSign(class Class, p netip.AddrPort) Sign {
	s := Sign{Class: class}
	a := p.Addr().As16()
	copy(s.key[:], a[:])
	binary.BigEndian.PutUint16(s.key[16:], p.Port())
	return s
}

// ParseSign is the sign whose Class and Key those are. ErrBatch says that there is
// none; whether a Connection ID is one of ours is not looked at.
func ParseSign(class Class, key []byte) (s Sign, err error) {
	length := addressLen
	if class == ClassCID {
		length = ids.CIDLen
	} else if class != ClassAddress && class != ClassSecure {
		return Sign{}, ErrBatch
	}
	if len(key) != length {
		return Sign{}, ErrBatch
	}
	s.Class = class
	copy(s.key[:], key)
	return s, nil
}

// Key is the key of the record, without class and shard. It aliases s.
func (s *Sign) Key() []byte {
	if s.Class == ClassCID {
		return s.key[:ids.CIDLen]
	}
	return s.key[:]
}

// Shard is where the signpost lies: a Connection ID names it.
func (s *Sign) Shard(k ids.Key, n ids.Shards) ids.Shard {
	if s.Class == ClassCID {
		return ids.CID(s.key[:ids.CIDLen]).Shard()
	}
	return n.Of(k.Endpoint(string(s.key[:])))
}

// Slot is a place for the sign among n, a power of two: the same for the same
// sign, and spread. Who chooses addresses can make them meet.
func (s *Sign) Slot(n int) int {
	h := mix(uint64(s.Class)<<16 | uint64(binary.LittleEndian.Uint16(s.key[16:])))
	h = mix(h ^ binary.LittleEndian.Uint64(s.key[8:]))
	h = mix(h ^ binary.LittleEndian.Uint64(s.key[:]))
	return int(h & uint64(n-1))
}

// mix is the finalizer of splitmix64: each bit moves all.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
