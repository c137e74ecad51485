package peers

import (
	"context"

	"dormouse/cluster/link"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Frames of the mesh begin with what they are.
const (
	frameEngine = 1 // of cluster/shards
	frameLeads  = 2 // see leads.go
)

// SendFrame is shards.Options.Send.
func (p *Peers) SendFrame(to ids.Node, frame []byte) {
	p.mesh.Send(to, append([]byte{frameEngine}, frame...))
}

// Fetch is shards.Options.Fetch.
func (p *Peers) Fetch(ctx context.Context, from ids.Node, request []byte) ([]byte, error) {
	return p.mesh.Call(ctx, from, kindFetch, request)
}

// Forward sends a datagram of a device to another node; see link.Send.
func (p *Peers) Forward(to ids.Node, fwd wire.Forward) bool { return p.link.Send(to, fwd) }

// LinkStats are figures of the datagrams between nodes.
func (p *Peers) LinkStats() link.Stats { return p.link.Stats() }

// MeshStats are figures of frames and calls.
func (p *Peers) MeshStats() stream.Stats { return p.mesh.Stats() }

func (p *Peers) frame(from wire.Node, frame []byte) {
	if len(frame) == 0 || !p.ready.Load() {
		return
	}
	var err error
	switch frame[0] {
	case frameEngine:
		err = p.engine.Receive(from.ID, frame[1:])
	case frameLeads:
		err = p.heardLeads(from.ID, frame[1:])
	}
	if err != nil {
		p.o.Log.Warn("a frame of another node", "node", from.ID.String(), "error", err)
	}
}

func (p *Peers) serveMesh(ctx context.Context, from wire.Node, kind byte, request []byte) ([]byte, error) {
	if !p.ready.Load() && kind != kindWelcome {
		return nil, stream.ErrBusy // nothing is done before Start
	}
	if err := p.mayAsk(from.ID, kind); err != nil {
		return nil, err
	}
	switch kind {
	case kindFetch:
		return p.engine.Serve(ctx, from.ID, request)
	case kindWelcome:
		return p.serveWelcome(from.ID, request)
	case kindHello:
		if err := p.maySay(ctx, from.ID, request); err != nil {
			return nil, err
		}
		return nil, p.takeHello(ctx, request)
	case kindReload:
		return nil, p.o.Reload()
	case kindLed:
		return p.serveLed()
	case kindAct:
		return p.takeAct(ctx, request)
	}
	return p.serveCall(ctx, from.ID, kind, request)
}
