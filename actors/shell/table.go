package shell

import "dormouse/codec/ids"

// table is the cells of a loop by handle, and those that are awake by the age
// of their last event. Two endpoints seldom share a handle (2^-32 a pair).
type table struct {
	byHandle       map[uint32]*cell
	oldest, newest *cell
	awake          int // cells in the list of ages
}

func newTable() table { return table{byHandle: make(map[uint32]*cell)} }

// first is the first cell with the handle; the others follow as siblings.
func (t *table) first(handle uint32) *cell { return t.byHandle[handle] }

func (t *table) find(id ids.Endpoint) *cell {
	c := t.byHandle[id.Handle()]
	for c != nil && c.id != id {
		c = c.sibling
	}
	return c
}

func (t *table) add(c *cell) {
	handle := c.id.Handle()
	c.sibling = t.byHandle[handle]
	t.byHandle[handle] = c
}

func (t *table) remove(c *cell) {
	handle := c.id.Handle()
	first := t.byHandle[handle]
	switch {
	case first == c && c.sibling == nil:
		delete(t.byHandle, handle)
	case first == c:
		t.byHandle[handle] = c.sibling
	default:
		for first.sibling != c {
			first = first.sibling
		}
		first.sibling = c.sibling
	}
	c.sibling = nil
}

// enlist makes c the newest of those awake.
func (t *table) enlist(c *cell, now int64) {
	c.last, c.older, c.newer = now, t.newest, nil
	if t.newest != nil {
		t.newest.newer = c
	} else {
		t.oldest = c
	}
	t.newest = c
	t.awake++
}

// delist takes c out of those awake.
func (t *table) delist(c *cell) {
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		t.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		t.newest = c.older
	}
	c.older, c.newer = nil, nil
	t.awake--
}

// touch makes c the newest again.
func (t *table) touch(c *cell, now int64) {
	if t.newest == c {
		c.last = now
		return
	}
	t.delist(c)
	t.enlist(c, now)
}
