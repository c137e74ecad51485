package remote

import (
	"context"
	"fmt"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// The kinds of requests.
const (
	KindGet       byte = iota + 1 // a record
	KindFind                      // a key in several shards
	KindScan                      // a range of records, in part
	KindMethod                    // a change that the API or a change of credentials wants
	KindEstablish                 // a session that was made
	KindSign                      // a signpost
	KindSelect                    // managed objects of a shard, in part
)

// Command says of a kind that it changes something and should not be carried out
// twice. The others are asked more often, and may.
func Command(kind byte) bool { return kind == KindMethod || kind == KindEstablish }

// Serve carries out a request of another node, where this node leads the shard,
// and never passes it on. An error is a requestError: the bytes are no request.
func (r *Router) Serve(ctx context.Context, _ ids.Node, kind byte, request []byte) ([]byte, error) {
	f := wire.NewFields(request)
	if v := f.Byte(); v != version {
		return nil, requestError(fmt.Sprintf("a request of kind %d and %d bytes, version %d: only version %d is known", kind, len(request), v, version))
	}
	serve := r.server(kind)
	if serve == nil {
		return nil, requestError(fmt.Sprintf("a request of the unknown kind %d", kind))
	}
	if kind > KindScan && r.parts.Load() == nil {
		return r.appendFault(nil, 0, &elsewhere{by: "this node, which is starting,"}), nil
	}
	shard, answer, err := serve(ctx, f.Rest(), []byte{statusDone})
	if malformed, ok := err.(requestError); ok {
		return nil, malformed
	}
	if err != nil {
		return r.appendFault(nil, shard, err), nil
	}
	return answer, nil
}

// server answers one kind: it appends to dst. An error is told with the shard
// that was asked for.
type server func(ctx context.Context, request, dst []byte) (shard ids.Shard, answer []byte, err error)

func (r *Router) server(kind byte) server {
	switch kind {
	case KindGet:
		return r.serveGet
	case KindFind:
		return r.serveFind
	case KindScan:
		return r.serveScan
	case KindMethod:
		return r.serveMethod
	case KindEstablish:
		return r.serveEstablish
	case KindSign:
		return r.serveSign
	case KindSelect:
		return r.serveSelect
	}
	return nil
}

// exists says that there is such a shard of endpoints.
func (r *Router) exists(shard ids.Shard) bool { return shard < ids.Shard(r.env.Shards) }
