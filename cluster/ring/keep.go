package ring

import "slices"

// setZones numbers the zones and finds how many replicas of a shard may share
// one: the fewest with which all of them find a node.
func (p *plan) setZones() {
	number := map[string]int{}
	var size []int // nodes of each zone
	for _, n := range p.nodes {
		z, known := number[n.Zone]
		if !known {
			z = len(size)
			number[n.Zone] = z
			size = append(size, 0)
		}
		size[z]++
		p.zone = append(p.zone, z)
	}
	p.zone = append(p.zone, -1)
	p.zones = len(size)
	for room := 0; room < p.replicas; {
		p.perZone, room = p.perZone+1, 0
		for _, n := range size {
			room += min(n, p.perZone)
		}
	}
}

// keep takes over what is where it may be, first come first kept: the leader
// stays before all others where a zone has too many or replicas became fewer.
// What is left of the places of a shard is nobody's.
func (p *plan) keep() {
	for s, old := range p.old {
		held := make([]int, 0, p.replicas)
		for _, id := range old {
			node := p.at(id)
			if node != p.nobody && len(held) < p.replicas && p.inZone(held, node) < p.perZone {
				held = append(held, node)
			}
		}
		for len(held) < p.replicas {
			held = append(held, p.nobody)
		}
		for _, node := range held {
			p.load[node]++
		}
		p.held[s] = held
	}
}

// inZone counts who of held is in the zone of a node.
func (p *plan) inZone(held []int, node int) (n int) {
	for _, other := range held {
		if p.zone[other] == p.zone[node] {
			n++
		}
	}
	return n
}

// canTake says that a node may hold a shard in the place of who holds that one.
func (p *plan) canTake(shard, place, node int) bool {
	held := p.held[shard]
	if slices.Contains(held, node) {
		return false
	}
	n := p.inZone(held, node)
	if p.zone[held[place]] == p.zone[node] {
		n--
	}
	return n < p.perZone
}

// take gives a place to a node.
func (p *plan) take(shard, place, node int) {
	p.load[p.held[shard][place]]--
	p.held[shard][place] = node
	p.load[node]++
}
