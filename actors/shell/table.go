package shell

import "dormouse/codec/ids"

// places are the cells of a shard by handle. Two endpoints seldom share a handle
// (2^-32 a pair).
type places map[uint32]*cell

// first is the first cell with the handle; the others follow as siblings.
func (p places) first(handle uint32) *cell { return p[handle] }

func (p places) find(id ids.Endpoint) *cell {
	c := p[id.Handle()]
	for c != nil && c.id != id {
		c = c.sibling
	}
	return c
}

func (p places) add(c *cell) {
	handle := c.id.Handle()
	c.sibling = p[handle]
	p[handle] = c
}

func (p places) remove(c *cell) {
	handle := c.id.Handle()
	first := p[handle]
	switch {
	case first == c && c.sibling == nil:
		delete(p, handle)
	case first == c:
		p[handle] = c.sibling
	default:
		for first.sibling != c {
			first = first.sibling
		}
		first.sibling = c.sibling
	}
	c.sibling = nil
}

// each visits all cells. f may remove the one that it is given.
func (p places) each(f func(c *cell)) {
	for _, first := range p {
		for c := first; c != nil; {
			next := c.sibling
			f(c)
			c = next
		}
	}
}

// ages are the cells of a loop that are awake, by their last event.
type ages struct {
	oldest, newest *cell
	awake          int
}

// enlist makes c the newest of those awake.
func (a *ages) enlist(c *cell, now int64) {
	c.last, c.older, c.newer = now, a.newest, nil
	if a.newest != nil {
		a.newest.newer = c
	} else {
		a.oldest = c
	}
	a.newest = c
	a.awake++
}

// delist takes c out of those awake.
func (a *ages) delist(c *cell) {
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		a.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		a.newest = c.older
	}
	c.older, c.newer = nil, nil
	a.awake--
}

// touch makes c the newest again.
func (a *ages) touch(c *cell, now int64) {
	if a.newest == c {
		c.last = now
		return
	}
	a.delist(c)
	a.enlist(c, now)
}
