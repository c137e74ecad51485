package remote

import (
	"context"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// RemoteSign is that of shell.Options: it sets or clears a signpost whose shard is
// led elsewhere. What is lost on its way is sent again: a set or a clear that comes
// late leaves a signpost that leads to an endpoint which knows the peer for a
// stranger, or none (actors/shell, remote.go).
func (r *Router) RemoteSign(shard ids.Shard, sign wire.Sign, id ids.Endpoint, clear bool, done func(error)) {
	err := r.errand(func(ctx context.Context) {
		_, err := r.route(ctx, shard, trip{
			repeat: true,
			here:   func(ctx context.Context) error { return r.sign(ctx, sign, id, clear) },
			there: func(ctx context.Context, to ids.Node) error {
				_, err := r.ask(ctx, to, KindSign, appendSign(nil, sign, id, clear))
				return err
			},
		})
		done(err)
	})
	if err != nil {
		done(err)
	}
}

// sign does it here: a set waits for its commit.
func (r *Router) sign(ctx context.Context, sign wire.Sign, id ids.Endpoint, clear bool) error {
	shell := r.parts.Load().Shell
	if clear {
		return shell.ClearSign(sign, id)
	}
	done := make(chan error, 1)
	if err := shell.SetSign(sign, id, func(err error) { done <- err }); err != nil {
		return err
	}
	return settled(ctx, done)
}

// appendSign appends version clear(1) class(1) endpoint(8) key.
func appendSign(dst []byte, sign wire.Sign, id ids.Endpoint, clear bool) []byte {
	flag := byte(0)
	if clear {
		flag = 1
	}
	dst = id.Append(append(dst, version, flag, byte(sign.Class)))
	return append(dst, sign.Key()...)
}

// parseSign reads what is behind the version.
func parseSign(b []byte) (sign wire.Sign, id ids.Endpoint, clear bool, err error) {
	f := wire.NewFields(b)
	flag, class := f.Byte(), wire.Class(f.Byte())
	id = ids.Endpoint(f.Uint64())
	sign, err = wire.ParseSign(class, f.Rest())
	if err != nil || flag > 1 {
		return wire.Sign{}, 0, false, requestError("a malformed sign")
	}
	return sign, id, flag == 1, nil
}

func (r *Router) serveSign(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	sign, id, clear, err := parseSign(request)
	if err != nil {
		return 0, nil, err
	}
	shard := r.env.SignShard(sign)
	if !r.exists(shard) {
		return 0, nil, requestError("a sign of no shard")
	}
	if err := r.leads(shard); err != nil {
		return shard, nil, err
	}
	return shard, dst, r.sign(ctx, sign, id, clear)
}
