package shell

import (
	"encoding/binary"
	"net/netip"

	"dormouse/codec/ids"
)

// Destination says who owns a datagram: ToEndpoint, ToHandle or ToAddress.
type Destination struct {
	kind  destinationKind
	value uint64 // endpoint or token
	peer  netip.AddrPort
}

type destinationKind uint8

const (
	toEndpoint destinationKind = iota
	toHandle
	toAddress
	toShard // value is the shard: the turn of a Do
)

// ToEndpoint is an endpoint whose name or location was in the datagram.
func ToEndpoint(id ids.Endpoint) Destination {
	return Destination{kind: toEndpoint, value: uint64(id)}
}

// ToHandle is the endpoint that gave out the token: an awake one or one of
// those in the store that share its handle. If none says that it owns the
// token, the datagram is a stray.
func ToHandle(token ids.Token) Destination {
	return Destination{kind: toHandle, value: binary.BigEndian.Uint64(token[:])}
}

// ToAddress is the endpoint that the signpost of the peer's address names.
func ToAddress(peer netip.AddrPort) Destination {
	return Destination{kind: toAddress, peer: peer}
}

// shard is where the destination is looked up; for ToAddress not where the
// endpoint lives.
func (s *Shell) shardOf(to Destination) ids.Shard {
	switch to.kind {
	case toEndpoint:
		return s.options.Env.Shards.Of(ids.Endpoint(to.value))
	case toHandle:
		return s.options.Env.Shards.OfHandle(uint32(to.value >> 32))
	case toAddress:
		return s.options.Env.AddressShard(to.peer)
	default:
		return ids.Shard(to.value)
	}
}
