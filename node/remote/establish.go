package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"dormouse/actors/endpoint"
	"dormouse/actors/session"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Establish takes a session to its endpoint, wherever that is. ev.Reply is called
// once, from any goroutine and maybe before the return, with nil when the session
// is committed. Establish does not block.
func (r *Router) Establish(id ids.Endpoint, ev *endpoint.Establish) {
	if _, self, _ := r.cluster.Owner(r.env.Shards.Of(id)); self {
		err := r.parts.Load().Shell.Post(id, ev)
		if err == nil {
			return
		}
		if !errors.Is(err, endpoint.ErrElsewhere) {
			ev.Reply(err)
			return
		}
	}
	err := r.errand(func(ctx context.Context) {
		_, err := r.route(ctx, r.env.Shards.Of(id), trip{
			here:  func(ctx context.Context) error { return r.establish(ctx, id, *ev) },
			there: func(ctx context.Context, to ids.Node) error { return r.askEstablish(ctx, to, id, ev) },
			// Not twice: when the answer to the first is lost, the second might end
			// a session that is in use.
			repeat: false,
		})
		ev.Reply(err)
	})
	if err != nil {
		ev.Reply(err)
	}
}

// establish posts a session here and waits for the commit.
func (r *Router) establish(ctx context.Context, id ids.Endpoint, ev endpoint.Establish) error {
	done := make(chan error, 1)
	ev.Reply = func(err error) { done <- err }
	if err := r.parts.Load().Shell.Post(id, &ev); err != nil {
		return err
	}
	return settled(ctx, done)
}

// settled waits for the answer to what was taken: that the shard was lost says
// nothing then.
func settled(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		if errors.Is(err, endpoint.ErrElsewhere) || errors.Is(err, endpoint.ErrClosed) {
			return fmt.Errorf("%w: %v", admin.ErrUnknown, err)
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %v", admin.ErrUnknown, ctx.Err())
	}
}

func (r *Router) askEstablish(ctx context.Context, to ids.Node, id ids.Endpoint, ev *endpoint.Establish) error {
	_, err := r.ask(ctx, to, KindEstablish, appendEstablish(nil, id, ev))
	return err
}

// appendEstablish appends version endpoint(8) serial path secret state. It holds
// keys: it travels between nodes that know each other, and is never logged.
func appendEstablish(dst []byte, id ids.Endpoint, ev *endpoint.Establish) []byte {
	dst = binary.AppendUvarint(id.Append(append(dst, version)), ev.Serial)
	dst = appendBytes(dst, ev.Path.Append(nil))
	dst = appendBytes(dst, ev.Session.AppendSecret(nil))
	return ev.Session.AppendState(dst)
}

// parseEstablish reads what is behind the version. The session copies what it keeps.
func parseEstablish(b []byte) (id ids.Endpoint, ev endpoint.Establish, err error) {
	malformed := requestError("a malformed establish")
	f := wire.NewFields(b)
	id = ids.Endpoint(f.Uint64())
	ev.Serial = f.Uvarint()
	path, secret, state := f.Bytes(), f.Bytes(), f.Rest()
	if f.Err() != nil {
		return 0, endpoint.Establish{}, malformed
	}
	n := 0
	if ev.Path, n, err = wire.ParseReturnPath(path); err != nil || n != len(path) {
		return 0, endpoint.Establish{}, malformed
	}
	if ev.Session, err = session.ParseSecret(secret); err != nil || ev.Session.ParseState(state) != nil {
		return 0, endpoint.Establish{}, malformed
	}
	return id, ev, nil
}

func (r *Router) serveEstablish(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	id, ev, err := parseEstablish(request)
	if err != nil {
		return 0, nil, err
	}
	shard := r.env.Shards.Of(id)
	if err := r.leads(shard); err != nil {
		return shard, nil, err
	}
	return shard, dst, r.establish(ctx, id, ev)
}
