package ring

import "slices"

// chain moves replicas along chains until no node is above its quota, or no
// chain is found: the last node of a chain, which may have one more, takes a
// place of the one before, that one of the one before it, and so on to the
// first, which is above its quota. Only what fill could not do directly comes
// here: a node that holds, or whose zone holds, all that there is to take.
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
		for _, l := range p.linksFrom(queue[0], kept) {
			for node := range p.nodes {
				if reached[node] || !p.canTake(l.shard, l.place, node) {
					continue
				}
				links[node], reached[node] = l, true
				if p.makeRoom(node) {
					return p.moveTo(links, node)
				}
				queue = append(queue, node)
			}
		}
	}
	return false
}

// linksFrom are the places of a node by which a chain may go on: all that it
// has if it has too many or with kept, else those that it was given just now.
// Those of leaders come last.
func (p *plan) linksFrom(holder int, kept bool) (links []link) {
	var leaders []link
	for shard, held := range p.held {
		place := slices.Index(held, holder)
		switch {
		case place < 0 || !kept && !p.over(holder) && slices.Contains(p.old[shard], p.nodes[holder].ID):
		case place == 0:
			leaders = append(leaders, link{shard, place, holder})
		default:
			links = append(links, link{shard, place, holder})
		}
	}
	return append(links, leaders...)
}

// makeRoom says that a node is below its quota, or lets it be: where the last
// places went to some of several equals, another one may give up its own.
func (p *plan) makeRoom(node int) bool {
	if p.load[node] < p.quota[node] {
		return true
	}
	if p.full[node] || p.load[node] > p.quota[node] || !p.isLast(node, p.quota[node]+1) {
		return false
	}
	for other := range p.nodes {
		if p.load[other] < p.quota[other] && p.isLast(other, p.quota[other]) {
			p.quota[other]--
			p.quota[node]++
			return true
		}
	}
	return false
}

// moveTo moves along the chain that ends at a node, from its end. A chain may
// pass a shard twice, and the first move close the way of the second: then it
// ends there, and another chain has to meet what it left.
func (p *plan) moveTo(links []link, node int) bool {
	for p.load[node] < p.quota[node] {
		l := links[node]
		if !p.canTake(l.shard, l.place, node) {
			break
		}
		p.take(l.shard, l.place, node)
		node = l.holder
	}
	return true
}
