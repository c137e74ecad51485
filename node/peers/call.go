package peers

import (
	"context"
	"errors"

	"dormouse/cluster/provider"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
)

// Command asks another node's Options.Serve by protoactor, and over the mesh where
// the node does not know that, is not there as far as gossip knows, or the request
// is longer than an envelope. It is carried out once at most, and is asked again
// when the way to the node breaks. An error with a method NotSent() that returns true
// says that it was not begun and will not be; one with a method Code() is what Serve
// returned; after any other it may have been carried out.
func (p *Peers) Command(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	if len(request) <= provider.MaxPayload && p.reachesActors(to) {
		answer, err := p.actors.Call(ctx, to, kind, request)
		return answer, fromActors(err)
	}
	return p.Call(ctx, to, kind, request)
}

// Call is a Command over the mesh, for what is asked often and may be asked twice:
// it costs less (docs/decisions/2026-11-30-calls-between-nodes.md), and fails as
// soon as the way to the node breaks.
func (p *Peers) Call(ctx context.Context, to ids.Node, kind byte, request []byte) ([]byte, error) {
	answer, err := p.mesh.Call(ctx, to, kind, request)
	return answer, fromMesh(err)
}

func (p *Peers) reachesActors(to ids.Node) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[to]
	return n != nil && n.hasActors()
}

// notSent is the error of a call that was not begun.
type notSent struct{ error }

func (notSent) NotSent() bool   { return true }
func (e notSent) Unwrap() error { return e.error }

// served is the error that the other node's Serve returned.
type served struct {
	error
	code uint16
}

func (e served) Code() uint16  { return e.code }
func (e served) Unwrap() error { return e.error }

func fromActors(err error) error {
	if errors.Is(err, provider.ErrNotSent) {
		return notSent{err}
	}
	if remote, ok := errors.AsType[*provider.RemoteError](err); ok {
		return served{err, remote.Code}
	}
	return err
}

func fromMesh(err error) error {
	if errors.Is(err, stream.ErrNotSent) {
		return notSent{err}
	}
	if remote, ok := errors.AsType[*stream.RemoteError](err); ok {
		return served{err, remote.Code}
	}
	return err
}
