package ring

import (
	"cmp"
	"slices"
)

// leadSlack is the part of its share, 1/leadSlack, that a node may lead more or
// less before leaders move for balance alone. Leaders move between the few
// holders of a shard, so exact shares would cost chains of moves.
const leadSlack = 6

// exact is the slack of no slack: shares to the next whole number.
const exact = 1 << 30

// mayMove is the fewest holders of a shard whose leader moves for balance. With
// one or two there is one voter: to move it is to depend on two for a while.
const mayMove = 3

// lead is the choice of leaders among the holders.
type lead struct {
	*plan
	leader []int                // of each shard
	leads  []int                // shards of each node
	low    []int                // fewest and
	high   []int                // most shards that a node should lead
	moving func(shard int) bool // says which leaders may move now
}

// leaders chooses who leads each shard: who did, as long as it may; else the
// least loaded heir. Then leaders move until shares are kept.
func (p *plan) leaders() []int {
	l := &lead{plan: p, leader: make([]int, len(p.held)), leads: make([]int, len(p.nodes))}
	var open []int
	for s := range p.held {
		if l.leader[s] = l.before(s); l.leader[s] == p.nobody {
			open = append(open, s)
		} else {
			l.leads[l.leader[s]]++
		}
	}
	for _, s := range open {
		l.leader[s] = slices.MinFunc(l.heirs(s), func(a, b int) int {
			return cmp.Or(l.compare(a, b, 1), cmp.Compare(p.weight(s, b), p.weight(s, a)))
		})
		l.leads[l.leader[s]]++
	}
	// Who leads what it did not lead before can change for nothing, and so to
	// the nearest that there is.
	l.settle(exact, l.isNew)
	l.settle(leadSlack, func(int) bool { return true })
	return l.leader
}

// settle moves those leaders that may until each node leads its share, or no
// move is found. Every move brings one node nearer to its bounds and none
// farther: it ends.
func (l *lead) settle(slack int, moving func(shard int) bool) {
	l.setBounds(slack)
	l.moving = moving
	below := func(node int) bool { return l.leads[node] < l.low[node] }
	aboveLow := func(node int) bool { return l.leads[node] > l.low[node] }
	belowHigh := func(node int) bool { return l.leads[node] < l.high[node] }
	above := func(node int) bool { return l.leads[node] > l.high[node] }
	for l.balance(aboveLow, below) || l.balance(above, belowHigh) {
	}
}

// setBounds gives each node its share of all shards by weight, 1/slack more or
// less, at least to the next whole number. A node on standby has no share.
func (l *lead) setBounds(slack int) {
	l.low, l.high = make([]int, len(l.nodes)), make([]int, len(l.nodes))
	total := 0
	for _, n := range l.nodes {
		if !n.Standby {
			total += n.Weight
		}
	}
	for i, n := range l.nodes {
		if n.Standby {
			continue
		}
		share := len(l.held) * n.Weight // in parts of total
		l.low[i] = min(share/total, up(share*(slack-1), total*slack))
		l.high[i] = max(up(share, total), share*(slack+1)/(total*slack))
	}
}

// up divides and rounds up.
func up(a, b int) int { return (a + b - 1) / b }

// before is who leads a shard if nothing speaks against it, or nobody.
func (l *lead) before(shard int) int {
	if len(l.old[shard]) == 0 {
		return l.nobody
	}
	node := l.at(l.old[shard][0])
	if !slices.Contains(l.candidates(shard), node) {
		return l.nobody
	}
	return node
}

// candidates are the holders of a shard that may lead: those not on standby,
// or all. Two holders have one voter, and only a move of data makes the other
// one: there standby changes nothing.
func (l *lead) candidates(shard int) []int {
	held := l.held[shard]
	if len(held) < mayMove {
		return held
	}
	var active []int
	for _, node := range held {
		if !l.nodes[node].Standby {
			active = append(active, node)
		}
	}
	if len(active) == 0 {
		return held
	}
	return active
}

// isNew says that a shard has another leader than before.
func (l *lead) isNew(shard int) bool { return l.leader[shard] != l.before(shard) }

// heirs are the candidates that have the shard already, or all where none has:
// others would have to copy it first.
func (l *lead) heirs(shard int) []int {
	var have []int
	for _, node := range l.candidates(shard) {
		if slices.Contains(l.old[shard], l.nodes[node].ID) {
			have = append(have, node)
		}
	}
	if len(have) == 0 {
		return l.candidates(shard)
	}
	return have
}

// compare orders two nodes by what they would lead for their weight with so
// many shards more.
func (l *lead) compare(a, b, more int) int {
	return cmp.Compare((l.leads[a]+more)*l.nodes[b].Weight, (l.leads[b]+more)*l.nodes[a].Weight)
}

// balance moves leaders from nodes that give to nodes that take, along the
// shortest chains, until there is none. It reports whether any moved.
func (l *lead) balance(gives, takes func(node int) bool) (moved bool) {
	for l.moveAlong(gives, takes) {
		moved = true
	}
	return moved
}

// moveAlong finds the shortest chain, breadth first from the most loaded on,
// and moves along it. A shard has one leader, so no chain passes it twice.
func (l *lead) moveAlong(gives, takes func(node int) bool) bool {
	from := make([]int, len(l.nodes)) // the shard that a reached node would take
	reached := make([]bool, len(l.nodes))
	var queue []int
	for node := range l.nodes {
		if gives(node) {
			reached[node], from[node] = true, -1
			queue = append(queue, node)
		}
	}
	slices.SortStableFunc(queue, func(a, b int) int { return l.compare(b, a, 0) })
	for ; len(queue) > 0; queue = queue[1:] {
		for shard, leader := range l.leader {
			if leader != queue[0] || len(l.held[shard]) < mayMove || !l.moving(shard) {
				continue
			}
			for _, node := range l.candidates(shard) {
				if reached[node] {
					continue
				}
				reached[node], from[node] = true, shard
				if takes(node) {
					l.moveTo(from, node)
					return true
				}
				queue = append(queue, node)
			}
		}
	}
	return false
}

// moveTo lets a node lead what it would take, and the node before it in turn.
func (l *lead) moveTo(from []int, node int) {
	for from[node] >= 0 {
		shard := from[node]
		before := l.leader[shard]
		l.leader[shard] = node
		l.leads[node]++
		l.leads[before]--
		node = before
	}
}
