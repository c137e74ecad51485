package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dormouse/cluster/ring"
	"dormouse/cluster/shards"
	"dormouse/codec/ids"
)

// NodeView is a node as this one sees it.
type NodeView struct {
	Record
	Incarnation uint64
	Alive       bool
	Leaving     bool
	Full        bool // its disk has no room for anything new
	Replicas    int  // that it should hold
	Leads       int  // shards, as far as is known here
}

// Nodes are those of the records and those that gossip has, by name.
func (p *Peers) Nodes() ([]NodeView, error) {
	records, err := p.records()
	if err != nil {
		return nil, err
	}
	views := map[ids.Node]*NodeView{}
	for _, r := range records {
		if !r.Removed {
			views[r.ID] = &NodeView{Record: r}
		}
	}
	p.mu.Lock()
	for id, n := range p.nodes {
		v := views[id]
		if v == nil && !n.alive {
			continue // one that was removed, or never belonged here
		}
		if v == nil {
			v = &NodeView{Record: Record{ID: id, Name: n.Name, Zone: n.Zone, Addr: n.Addr}}
			v.Reads, _ = n.Formats()
			views[id] = v
		}
		v.Alive, v.Leaving, v.Full, v.Incarnation = n.alive && p.fits(n), n.Leaving, n.Full, n.Incarnation
	}
	p.mu.Unlock()
	if v := views[p.o.Self.ID]; v != nil {
		v.Alive, v.Leaving, v.Full, v.Incarnation = true, p.leaving.Load(), p.full.Load(), p.o.Self.Incarnation
	}
	if t := p.place.topology.Load(); t != nil {
		for _, l := range t.Loads() {
			if v := views[l.Node]; v != nil {
				v.Replicas = l.Replicas
			}
		}
	}
	for shard := range ids.Shard(p.o.Shards) {
		if owner, known := p.Owner(shard); known && views[owner] != nil {
			views[owner].Leads++
		}
	}
	list := make([]NodeView, 0, len(views))
	for _, v := range views {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b NodeView) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// ShardView is a shard with who should hold it.
type ShardView struct {
	shards.Status
	Wanted ring.Holders
}

// askEach bounds what one node is given for its part.
const askEach = 2 * time.Second

// Shards asks every node for what it leads, and fills in what is known here of
// those that nobody says to lead.
func (p *Peers) Shards(ctx context.Context) ([]ShardView, error) {
	known := map[ids.Shard]shards.Status{}
	take := func(list []shards.Status) {
		for _, s := range list {
			if have, ok := known[s.Shard]; !ok || s.Term > have.Term || s.Term == have.Term && s.Leads {
				known[s.Shard] = s
			}
		}
	}
	take(p.statuses(false))
	for _, n := range p.Others() {
		one, cancel := context.WithTimeout(ctx, askEach)
		answer, err := p.mesh.Call(one, n, kindLed, nil)
		cancel()
		var list []shards.Status
		if err == nil {
			err = json.Unmarshal(answer, &list)
		}
		if err != nil {
			p.o.Log.Debug("a node does not say what it leads", "node", n.String(), "error", err)
			continue
		}
		take(list)
	}
	var topology ring.Topology
	if t := p.place.topology.Load(); t != nil {
		topology = *t
	}
	views := make([]ShardView, 0, len(known))
	for _, shard := range p.o.Shards.All() {
		s, ok := known[shard]
		if !ok {
			s = shards.Status{Shard: shard}
		}
		views = append(views, ShardView{Status: s, Wanted: topology.Of(shard)})
	}
	return views, ctx.Err()
}

// statuses are those of the replicas here, or of those that are led alone.
func (p *Peers) statuses(led bool) (list []shards.Status) {
	for _, shard := range p.o.Shards.All() {
		if s, ok := p.engine.Status(shard); ok && (s.Leads || !led) {
			list = append(list, s)
		}
	}
	return list
}

func (p *Peers) serveLed() ([]byte, error) {
	b, err := json.Marshal(p.statuses(true))
	if err != nil {
		return nil, fmt.Errorf("peers: say what is led: %w", err)
	}
	return b, nil
}

// Ready says what is not well yet; nil: nothing.
func (p *Peers) Ready() error {
	if !p.ready.Load() {
		return fmt.Errorf("the node is starting")
	}
	if _, here := p.engine.Status(ids.System); !here {
		return fmt.Errorf("the cluster has not taken this node yet")
	}
	for _, shard := range p.o.Shards.All() {
		if _, known := p.Owner(shard); !known {
			return fmt.Errorf("nobody is known to lead shard %d", shard)
		}
	}
	return nil
}
