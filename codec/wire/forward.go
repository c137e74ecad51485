package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"dormouse/codec/ids"
)

// ErrForward: a forwarded datagram is cut, or has what nobody writes.
var ErrForward = errors.New("wire: malformed forwarded datagram")

// MaxHops is how many links between nodes a datagram may cross: one where the
// first node knew the owner, two where its topology was old, three where that
// of the second was, too. Beyond that something goes in a circle.
const MaxHops = 3

// MaxForwarded is the longest datagram that one UDP datagram between nodes can
// carry, in bytes: 65507 (RFC 768 over IPv4) less the longest envelope and 64
// for the frame.
const MaxForwarded = 65507 - forwardOverhead - 64

// forwardOverhead is the longest envelope: flags, topology, ingress and
// incarnation, path of two IPv6 addresses, a port and a node, endpoint,
// Connection ID, length.
const forwardOverhead = 1 + binary.MaxVarintLen64 + 16 + 46 + 8 + ids.CIDLen + 3

// Node is one life of a node: the incarnation is larger at every start.
type Node struct {
	ID          ids.Node
	Incarnation uint64
}

// Kind says where a forwarded datagram is going.
type Kind uint8

const (
	// ToOwner: a device sent it, the shard's owner is to answer.
	ToOwner Kind = iota
	// ToIngress: it is for a device, and leaves from the socket the device used.
	ToIngress
)

// Forward is a device's datagram on its way between nodes, with what the next
// node must know of it.
//
// An answer may tell the ingress node whose the device is, for a signpost was
// followed that lies elsewhere: Endpoint is what the sign of the datagram led to
// (Sign). An answer without a datagram is such news alone; without an endpoint
// too, it says that what was told before is wrong.
type Forward struct {
	Kind     Kind
	DTLS     bool         // a DTLS record of the secure listener; else CoAP
	Hops     uint8        // links crossed, 1 to MaxHops on the wire
	Topology uint64       // version of the placement that the sender looked at
	Ingress  Node         // has the socket; zero: the frame's sender (ToOwner), its receiver (ToIngress)
	Path     ReturnPath   // at the ingress node
	Endpoint ids.Endpoint // to which a signpost led; 0: none did yet, or the ingress node knows
	Hinted   bool         // ToOwner: Endpoint is what the ingress node was told once, and may be wrong
	CID      ids.CID      // ToIngress: the sign's, where it is one; else zero
	Datagram []byte       // 0 to MaxForwarded bytes, as the device sent or will get them
}

// Bits of the first byte. The hop count is the lowest two.
const (
	forwardHops    = 3
	forwardAnswer  = 1 << 2
	forwardDTLS    = 1 << 3
	forwardIngress = 1 << 4
	forwardOwner   = 1 << 5
	forwardHinted  = 1 << 6
	forwardCID     = 1 << 7
)

// Sign is what the news of an answer is about: the signpost's of the device's
// datagram.
func (f *Forward) Sign() Sign {
	switch {
	case f.CID != ids.CID{}:
		return CIDSign(f.CID)
	case f.DTLS:
		return SecureSign(f.Path.Peer)
	}
	return AddressSign(f.Path.Peer)
}

// SetSign lets an answer be about s, which must be of its peer or a Connection ID.
func (f *Forward) SetSign(s Sign) {
	if s.Class == ClassCID {
		copy(f.CID[:], s.Key())
	}
}

// Append appends flags(1), topology(varint), with flag bit 4 the ingress node(8)
// and its incarnation(8), the path, with flag bit 5 the endpoint(8), with flag bit
// 7 the Connection ID(8), the datagram's length(varint) and the datagram. Hops must
// be 1 to MaxHops and the path's peer valid.
func (f *Forward) Append(dst []byte) []byte {
	flags := f.Hops & forwardHops
	if f.Kind == ToIngress {
		flags |= forwardAnswer
	}
	if f.DTLS {
		flags |= forwardDTLS
	}
	if f.Ingress != (Node{}) {
		flags |= forwardIngress
	}
	if f.Endpoint != 0 {
		flags |= forwardOwner
	}
	if f.Hinted {
		flags |= forwardHinted
	}
	if f.CID != (ids.CID{}) {
		flags |= forwardCID
	}
	dst = binary.AppendUvarint(append(dst, flags), f.Topology)
	if f.Ingress != (Node{}) {
		dst = f.Ingress.Append(dst)
	}
	dst = f.Path.Append(dst)
	if f.Endpoint != 0 {
		dst = f.Endpoint.Append(dst)
	}
	if f.CID != (ids.CID{}) {
		dst = append(dst, f.CID[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.Datagram)))
	return append(dst, f.Datagram...)
}

// MaxLen is a bound of what Append appends, in bytes.
func (f *Forward) MaxLen() int { return forwardOverhead + len(f.Datagram) }

// ParseForward reads what Append wrote and returns the bytes used; more may
// follow. The datagram aliases b.
func ParseForward(b []byte) (fwd Forward, n int, err error) {
	f := NewFields(b)
	flags := f.Byte()
	fwd.Hops = flags & forwardHops
	if fwd.Hops == 0 || flags&(forwardHinted|forwardAnswer) == forwardHinted|forwardAnswer ||
		flags&(forwardHinted|forwardOwner) == forwardHinted || flags&(forwardCID|forwardAnswer) == forwardCID {
		return Forward{}, 0, fmt.Errorf("%w: flags %#02x", ErrForward, flags)
	}
	if flags&forwardAnswer != 0 {
		fwd.Kind = ToIngress
	}
	fwd.DTLS = flags&forwardDTLS != 0
	fwd.Topology = f.Uvarint()
	if flags&forwardIngress != 0 {
		fwd.Ingress = Node{ids.Node(f.Uint64()), f.Uint64()}
	}
	path, used, err := ParseReturnPath(f.Peek())
	if err != nil {
		return Forward{}, 0, fmt.Errorf("%w: its path", ErrForward)
	}
	f.Cut(used)
	fwd.Path = path
	if flags&forwardOwner != 0 {
		if fwd.Endpoint = ids.Endpoint(f.Uint64()); fwd.Endpoint == 0 {
			f.Fail()
		}
	}
	fwd.Hinted = flags&forwardHinted != 0
	if flags&forwardCID != 0 {
		if copy(fwd.CID[:], f.Cut(ids.CIDLen)); fwd.CID == (ids.CID{}) {
			f.Fail()
		}
	}
	fwd.Datagram = f.Bytes()
	if f.bad || len(fwd.Datagram) > MaxForwarded {
		return Forward{}, 0, fmt.Errorf("%w: its datagram", ErrForward)
	}
	return fwd, len(b) - f.Len(), nil
}

// Append appends the node(8) and its incarnation(8).
func (n Node) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(n.ID))
	return binary.BigEndian.AppendUint64(dst, n.Incarnation)
}
