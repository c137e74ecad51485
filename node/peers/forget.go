package peers

import "dormouse/codec/ids"

// forget lets go of nodes that have gone for good: gossip has them no more, and
// their record says that they were removed, or there is none. They are not dialled
// any more. One that comes back is a peer again with the news of it.
func (p *Peers) forget() {
	gone := p.absent()
	if len(gone) == 0 {
		return
	}
	if _, here := p.engine.Status(ids.System); !here {
		return // this node does not know yet who belongs to the cluster
	}
	records, err := p.records()
	if err != nil {
		p.o.Log.Error("the records of the nodes cannot be read", "error", err)
		return
	}
	for _, r := range records {
		if !r.Removed {
			delete(gone, r.ID)
		}
	}
	if len(gone) > 0 && p.strike(gone) {
		p.setPeers()
	}
}

// absent are the peers that gossip has no more.
func (p *Peers) absent() (gone map[ids.Node]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, n := range p.nodes {
		if !n.alive {
			if gone == nil {
				gone = map[ids.Node]bool{}
			}
			gone[id] = true
		}
	}
	return gone
}

// strike takes nodes off the list, and what they said to lead; false: all of them
// have come back.
func (p *Peers) strike(gone map[ids.Node]bool) (struck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range gone {
		n := p.nodes[id]
		if n == nil || n.alive {
			delete(gone, id)
			continue
		}
		delete(p.nodes, id)
		struck = true
		p.o.Log.Info("a node has gone for good, and is no peer any more", "name", n.Name, "node", id.String())
	}
	for shard, l := range p.leads {
		if gone[l.node] {
			p.leads[shard] = lead{term: l.term}
		}
	}
	return struck
}
