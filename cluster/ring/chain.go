package ring

import "slices"

// chain moves replicas along chains until no node is above its quota, or no
// chain is found: the last node of a chain, which is below its quota, takes a
// place of the one before, that one of the one before it, and so on to the
// first, which is above. Only what fill could not do directly comes here: a
// node that holds, or whose zone holds, all that there is to take.
//
// Chains over places that were given away just now come first: they cost no
// more than the place at their head.
func (p *plan) chain() {
	for _, kept := range []bool{false, true} {
		for range len(p.held) * p.replicas {
			if !p.moveAlong(kept) {
				break
			}
		}
	}
}

// passable says that a chain may go on by a place: that of a node with too
// many, one that was given away just now, or with kept any.
func (p *plan) passable(shard, holder int, kept bool) bool {
	return kept || p.over(holder) || !slices.Contains(p.old[shard], p.nodes[holder].ID)
}

// link says whose place a node of a chain would take.
type link struct{ shard, place, holder int }

// moveAlong finds the shortest chain, breadth first, and moves along it.
func (p *plan) moveAlong(kept bool) bool {
	links := make([]link, len(p.nodes)) // of nodes that were reached
	reached := make([]bool, len(p.nodes)+1)
	var queue []int
	for node := range p.load {
		if p.over(node) {
			reached[node] = true
			queue = append(queue, node)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for shard, held := range p.held {
			for place, holder := range held {
				if holder != queue[0] || !p.passable(shard, holder, kept) {
					continue
				}
				for node := range p.nodes {
					if reached[node] || !p.canTake(shard, place, node) {
						continue
					}
					links[node], reached[node] = link{shard, place, holder}, true
					if p.load[node] < p.quota[node] {
						return p.moveTo(links, node)
					}
					queue = append(queue, node)
				}
			}
		}
	}
	return false
}

// moveTo moves along the chain that ends at a node, from its end. A chain may
// pass a shard twice, and the first move close the way of the second: then it
// ends there, with a quota that is not met.
func (p *plan) moveTo(links []link, node int) bool {
	for p.load[node] < p.quota[node] {
		l := links[node]
		if !p.canTake(l.shard, l.place, node) {
			return false
		}
		p.take(l.shard, l.place, node)
		node = l.holder
	}
	return true
}
