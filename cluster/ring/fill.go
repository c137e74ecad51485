package ring

import (
	"cmp"
	"slices"
)

// offer is a shard that a node could take.
type offer struct {
	shard, node int
	weight      uint64
}

// fill lets nodes below their quota take what nobody holds, or holds beyond
// its quota: rendezvous hashing with bounded load, the highest weight of all
// first. The places of leaders are taken only when no others are left: to take
// one moves a leader, who may be missed where it was and not needed where it goes.
func (p *plan) fill() {
	for _, first := range []int{1, 0} {
		for _, o := range p.offers() {
			if p.load[o.node] >= p.quota[o.node] {
				continue
			}
			if place := p.spare(o.shard, o.node, first); place >= 0 {
				p.take(o.shard, place, o.node)
			}
		}
	}
}

// offers are the shards with a place to spare, for each node that wants some.
func (p *plan) offers() (all []offer) {
	for s, held := range p.held {
		if !slices.ContainsFunc(held, p.over) {
			continue
		}
		for node := range p.nodes {
			if p.load[node] < p.quota[node] {
				all = append(all, offer{s, node, p.weight(s, node)})
			}
		}
	}
	slices.SortFunc(all, func(a, b offer) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.shard, b.shard), cmp.Compare(a.node, b.node))
	})
	return all
}

// over says that a node holds more than it should; nobody does with anything.
func (p *plan) over(node int) bool { return p.load[node] > p.quota[node] }

// spare is the place of a shard that a node may take, -1 for none: nobody's, or
// else that of who is the furthest above its quota, from the first place on.
func (p *plan) spare(shard, node, first int) int {
	best, most := -1, 0
	for place, holder := range p.held[shard] {
		above := p.load[holder] - p.quota[holder]
		if holder == p.nobody {
			above = len(p.held) * MaxReplicas
		} else if place < first {
			continue
		}
		if above > most && p.canTake(shard, place, node) {
			best, most = place, above
		}
	}
	return best
}

// fillAnyhow gives what is still nobody's to the least loaded node that does
// not hold the shard, whatever its quota; in a zone with room if there is one.
// Quotas can be met, so this is for what the search for chains leaves undone.
func (p *plan) fillAnyhow() {
	for s, held := range p.held {
		for place, holder := range held {
			if holder == p.nobody {
				p.take(s, place, p.anyone(s, place))
			}
		}
	}
}

func (p *plan) anyone(shard, place int) int {
	best, bestFits := p.nobody, false
	for node := range p.nodes {
		if slices.Contains(p.held[shard], node) {
			continue
		}
		fits := p.canTake(shard, place, node)
		if best == p.nobody || fits && !bestFits || fits == bestFits && p.load[node]*p.nodes[best].Weight < p.load[best]*p.nodes[node].Weight {
			best, bestFits = node, fits
		}
	}
	return best
}
