package peers

import (
	"context"
	"encoding/binary"
	"fmt"

	"dormouse/cluster/link"
	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Frames of the mesh begin with what they are.
const (
	frameEngine = 1 // of cluster/shards
	frameLeads  = 2 // version(1), then shard(2) term(8) for each shard that the sender leads
)

const leadsVersion = 1

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
	switch kind {
	case kindFetch:
		return p.engine.Serve(ctx, from.ID, request)
	case kindWelcome:
		return p.o.Welcome().append(nil), nil
	case kindHello:
		return nil, p.takeHello(ctx, request)
	case kindReload:
		return nil, p.o.Reload()
	case kindLed:
		return p.serveLed()
	case kindAct:
		return nil, p.takeAct(ctx, request)
	}
	return p.serveCall(ctx, from.ID, kind, request)
}

// tellLeads tells all others what this node leads.
func (p *Peers) tellLeads() {
	frame := []byte{frameLeads, leadsVersion}
	for _, shard := range p.o.Shards.All() {
		if s, ok := p.engine.Status(shard); ok && s.Leads {
			frame = binary.BigEndian.AppendUint16(frame, uint16(shard))
			frame = binary.BigEndian.AppendUint64(frame, s.Term)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.nodes {
		p.mesh.Send(id, frame)
	}
}

// LeadsChanged says that this node leads another shard. It does not wait: the
// others are told soon, of several changes at once.
func (p *Peers) LeadsChanged() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

func (p *Peers) heardLeads(from ids.Node, b []byte) error {
	f := wire.NewFields(b)
	if v := f.Byte(); v != leadsVersion {
		return fmt.Errorf("peers: leads of version %d", v)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for f.Len() > 0 {
		shard, term := ids.Shard(f.Uint16()), f.Uint64()
		if f.CutOff() {
			return fmt.Errorf("peers: leads: %w", wire.ErrFields)
		}
		if l := p.leads[shard]; term >= l.term && p.o.Shards.Has(shard) {
			p.leads[shard] = lead{from, term}
		}
	}
	return nil
}

// Owner is the node that leads a shard, as far as is known here: by its group, by
// what others say, or by the topology.
func (p *Peers) Owner(shard ids.Shard) (n ids.Node, known bool) {
	s, here := p.engine.Status(shard)
	p.mu.Lock()
	l := p.leads[shard]
	p.mu.Unlock()
	switch {
	case here && s.Leader != 0 && s.Term >= l.term:
		return s.Leader, true
	case l.node != 0 && l.node != p.o.Self.ID:
		return l.node, true
	}
	if here {
		return 0, false // an election
	}
	t := p.place.topology.Load()
	if t == nil || len(t.Of(shard)) == 0 {
		return 0, false
	}
	return t.Of(shard).Leader(), true
}
