package ring

import "container/heap"

// setQuotas shares all places among the nodes by the method of D'Hondt: each
// goes to the node that is the least loaded with it, for its weight. That makes
// the highest load as low as it can be, and is coherent, as package says. No
// node holds a shard twice, and no zone more than its part of each: a node or
// zone that is full gets no more. With such quotas a placement always exists:
// a part quota/shards of each node in each shard would be one, and where there
// is one in parts there is one in wholes.
func (p *plan) setQuotas() {
	shards := len(p.held)
	inZone := make([]int, p.zones)
	q := &quotas{plan: p, nodes: make([]int, len(p.nodes))}
	for i := range q.nodes {
		q.nodes[i] = i
	}
	heap.Init(q)
	for left := shards * p.replicas; left > 0; {
		node := q.nodes[0]
		if p.quota[node] == shards || inZone[p.zone[node]] == shards*p.perZone {
			p.full[node] = true
			heap.Pop(q)
			continue
		}
		p.quota[node]++
		p.last = node
		inZone[p.zone[node]]++
		left--
		heap.Fix(q, 0)
	}
	p.level = p.quota[p.last]
}

// isLast says that a node with so many places is as loaded for its weight as
// who got the last one: as good a choice for it.
func (p *plan) isLast(node, places int) bool {
	return places*p.nodes[p.last].Weight == p.level*p.nodes[node].Weight
}

// quotas is a heap of the nodes that may get more: who would be the least
// loaded with the next place is on top. Of equals it is who holds as much
// already, which spares a move.
type quotas struct {
	plan  *plan
	nodes []int
}

func (q *quotas) Less(i, j int) bool {
	p, a, b := q.plan, q.nodes[i], q.nodes[j]
	// Loads are compared as fractions, multiplied out.
	loadA, loadB := (p.quota[a]+1)*p.nodes[b].Weight, (p.quota[b]+1)*p.nodes[a].Weight
	if loadA != loadB {
		return loadA < loadB
	}
	if holdsA, holdsB := p.load[a] > p.quota[a], p.load[b] > p.quota[b]; holdsA != holdsB {
		return holdsA
	}
	return a < b
}

func (q *quotas) Len() int      { return len(q.nodes) }
func (q *quotas) Swap(i, j int) { q.nodes[i], q.nodes[j] = q.nodes[j], q.nodes[i] }
func (q *quotas) Push(any)      {}
func (q *quotas) Pop() any {
	last := len(q.nodes) - 1
	node := q.nodes[last]
	q.nodes = q.nodes[:last]
	return node
}
