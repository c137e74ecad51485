package peers

import (
	"context"
	"errors"
	"fmt"

	"dormouse/cluster/members"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/formats"
)

// mustRead is an ErrFormat where a node does not read what the cluster writes.
func (p *Peers) mustRead(node string, reads format.Range) error {
	if level := p.o.Formats.Level(); !reads.Has(level) {
		return fmt.Errorf("%w: the cluster writes format level %d, and the program of node %s reads %v", ErrFormat, level, node, reads)
	}
	return nil
}

// fits says that a node reads what this one writes. One that does not takes part in
// nothing: it is not spoken to, and what it says is not listened to.
func (p *Peers) fits(n *node) bool {
	reads, _ := n.Formats()
	return reads.Has(p.o.Formats.Level())
}

// compare looks at the format levels of a node that gossip told of: where it writes
// what this one does not read, this one must end; the other way round it will.
func (p *Peers) compare(m members.Member) {
	reads, writes := m.Formats()
	if err := formats.Fits(p.o.Formats.Program(), writes); err != nil {
		p.o.Unfit(fmt.Errorf("peers: node %s: %w", m.Name, err))
		return
	}
	if err := p.mustRead(m.Name, reads); err != nil {
		p.o.Log.Warn("a node takes no part", "node", m.ID.String(), "address", m.Addr.String(), "reason", err)
	}
}

// followFormat takes over the level that was agreed on.
func (p *Peers) followFormat() {
	rose, err := p.o.Formats.Refresh()
	switch {
	case errors.Is(err, formats.ErrLevel):
		p.o.Unfit(err)
	case err != nil:
		p.o.Log.Error("the format level cannot be read", "error", err)
	case rose:
		p.o.Log.Info("this node writes at another format level", "level", int(p.o.Formats.Level()))
		p.members.SetWrites(p.o.Formats.Level())
		p.setPeers()
	}
}

// Finalize raises the format level of the cluster to the highest one that all of its
// nodes read, and returns it. Older programs cannot come back then. ErrFormat says
// what is in the way.
func (p *Peers) Finalize(ctx context.Context) (format.Level, error) {
	answer, err := p.act(ctx, actFinalize, "")
	if err == nil && len(answer) != 1 {
		err = wire.ErrFields
	}
	if err != nil {
		return 0, err
	}
	return format.Level(answer[0]), nil
}

// NextFormat is the level that Finalize would raise to as far as is known here, or an
// ErrFormat that says what is in the way.
func (p *Peers) NextFormat() (format.Level, error) {
	records, err := p.records()
	if err != nil {
		return 0, err
	}
	return p.nextFormat(records)
}

// nextFormat wants every node to be there: of one that is down nobody knows with
// which program it will come back.
func (p *Peers) nextFormat(records []Record) (format.Level, error) {
	level, next := p.o.Formats.Level(), p.o.Formats.Program().Newest // of this node, which has a record
	for _, r := range records {
		if r.Removed {
			continue
		}
		if alive, _ := p.alive(r.ID); !alive {
			return 0, fmt.Errorf("%w: node %s is not there: start it, or remove it", ErrFormat, r.Name)
		}
		reads := r.Reads
		if now, known := p.reads(r.ID); known && now.Newest < reads.Newest {
			reads = now
		}
		if reads.Newest <= level {
			return 0, fmt.Errorf("%w: level %d is in force, and the program of node %s reads %v: there is nothing to finalize before all nodes have a newer one", ErrFormat, level, r.Name, reads)
		}
		next = min(next, reads.Newest)
	}
	return next, nil
}

// reads is what gossip says of a node's program.
func (p *Peers) reads(n ids.Node) (format.Range, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.nodes[n]
	if m == nil {
		return format.Range{}, false
	}
	reads, _ := m.Formats()
	return reads, true
}

// finalize is Finalize at the leader of the system group.
func (p *Peers) finalize(ctx context.Context) (format.Level, error) {
	if err := p.decide(ctx); err != nil {
		return 0, err
	}
	defer p.decided()
	records, err := p.records()
	if err != nil {
		return 0, err
	}
	next, err := p.nextFormat(records)
	if err != nil {
		return 0, err
	}
	b := new(wire.Batch)
	formats.Raise(b, next)
	if err := p.commit(ctx, b); err != nil {
		return 0, err
	}
	p.o.Log.Warn("the format level was raised: older programs cannot come back", "level", int(next))
	p.followFormat()
	return next, nil
}

// decide lets one decision be made at a time of what rests on the records of the
// nodes, until decided: no node comes with an older program while the level rises.
func (p *Peers) decide(ctx context.Context) error {
	select {
	case p.deciding <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Peers) decided() { <-p.deciding }
