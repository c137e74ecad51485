package peers

import (
	"encoding/binary"
	"fmt"

	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// The frame that says what a node leads: version(1), then for each shard shard(2)
// term(8).
const leadsVersion = 1

// claimed is one shard of the frame.
type claimed struct {
	shard ids.Shard
	term  uint64
}

// tellLeads tells all others what this node leads.
func (p *Peers) tellLeads() {
	var list []claimed
	for _, shard := range p.o.Shards.All() {
		if s, ok := p.engine.Status(shard); ok && s.Leads {
			list = append(list, claimed{shard, s.Term})
		}
	}
	frame := appendLeads([]byte{frameLeads}, p.o.Formats.Level(), list)
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.nodes {
		p.mesh.Send(id, frame)
	}
}

func appendLeads(dst []byte, level format.Level, list []claimed) []byte {
	if level >= format.Synthetic {
		return appendSyntheticLeads(dst, list)
	}
	dst = append(dst, leadsVersion)
	for _, c := range list {
		dst = binary.BigEndian.AppendUint16(dst, uint16(c.shard))
		dst = binary.BigEndian.AppendUint64(dst, c.term)
	}
	return dst
}

// parseLeads reads all versions that the program knows.
func parseLeads(b []byte, reads format.Range) (list []claimed, err error) {
	f := wire.NewFields(b)
	switch v := f.Byte(); {
	case v == syntheticLeads && reads.Has(format.Synthetic):
		list = parseSyntheticLeads(&f)
	case v != leadsVersion:
		return nil, fmt.Errorf("peers: leads of version %d", v)
	default:
		for f.Len() > 0 && !f.CutOff() {
			list = append(list, claimed{ids.Shard(f.Uint16()), f.Uint64()})
		}
	}
	if f.Err() != nil {
		return nil, fmt.Errorf("peers: leads: %w", wire.ErrFields)
	}
	return list, nil
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
	list, err := parseLeads(b, p.o.Formats.Program())
	if err != nil {
		return err
	}
	if p.believe(from, list) {
		p.o.Heard()
	}
	return nil
}

// believe takes over what a node says that it leads, and reports whether it is new.
func (p *Peers) believe(from ids.Node, list []claimed) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		said := lead{from, c.term}
		if l := p.leads[c.shard]; c.term >= l.term && said != l && p.o.Shards.Has(c.shard) {
			p.leads[c.shard] = said
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
