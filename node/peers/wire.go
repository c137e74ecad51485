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
	if p.believe(from, &f) {
		p.o.Heard()
	}
	if f.Err() != nil {
		return fmt.Errorf("peers: leads: %w", wire.ErrFields)
	}
	return nil
}

// believe takes over what a node says that it leads, and reports whether it is new.
func (p *Peers) believe(from ids.Node, f *wire.Fields) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f.Len() > 0 {
		said := lead{from, 0}
		shard := ids.Shard(f.Uint16())
		if said.term = f.Uint64(); f.CutOff() {
			f.Fail()
			return changed
		}
		if l := p.leads[shard]; said.term >= l.term && said != l && p.o.Shards.Has(shard) {
			p.leads[shard] = said
			changed = true
		}
	}
	return changed
}

// Owner is the node that leads a shard, as far as is known here: by its group, by
// what others say, or by the topology. A replica knows best: while its group elects,
// what was said of the terms before counts no more. Nor does what a node said, or
// the topology has of it, that is not there as far as gossip knows.
func (p *Peers) Owner(shard ids.Shard) (n ids.Node, known bool) {
	s, here := p.engine.Status(shard)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.leads[shard]
	switch {
	case here && s.Leader != 0 && s.Term >= l.term:
		return s.Leader, true
	case l.node != 0 && p.isThere(l.node) && (!here || l.term >= s.Term):
		return l.node, true
	case here:
		return 0, false // an election
	}
	t := p.place.topology.Load()
	if t == nil || len(t.Of(shard)) == 0 {
		return 0, false
	}
	n = t.Of(shard).Leader()
	return n, p.isThere(n)
}

// isThere says that gossip has another node. It is called under mu.
func (p *Peers) isThere(n ids.Node) bool {
	m := p.nodes[n]
	return m != nil && m.alive
}
