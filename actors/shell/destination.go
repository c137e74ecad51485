package shell

import (
	"encoding/binary"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Destination says who owns a datagram: ToEndpoint, ToHandle or ToSign.
type Destination struct {
	kind  destinationKind
	value uint64 // endpoint or token
	sign  wire.Sign
	hint  bool // value may be wrong: see recall
}

type destinationKind uint8

const (
	toEndpoint destinationKind = iota
	toHandle
	toSign
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

// ToSign is the endpoint to which a signpost leads.
func ToSign(s wire.Sign) Destination { return Destination{kind: toSign, sign: s} }

// Found is the endpoint to which the signpost of to led at another node, or to
// which it once led: then hinted, and the endpoint is asked. What needs no signpost
// goes where it goes.
func (to Destination) Found(id ids.Endpoint, hinted bool) Destination {
	if to.kind != toSign {
		return to
	}
	return Destination{kind: toEndpoint, value: uint64(id), sign: to.sign, hint: hinted}
}

// shard is where the destination is looked up; for ToSign not where the
// endpoint lives.
func (s *Shell) shardOf(to Destination) ids.Shard {
	switch to.kind {
	case toEndpoint:
		return s.options.Env.Shards.Of(ids.Endpoint(to.value))
	case toHandle:
		return s.options.Env.Shards.OfHandle(uint32(to.value >> 32))
	case toSign:
		return s.options.Env.SignShard(to.sign)
	default:
		return ids.Shard(to.value)
	}
}
