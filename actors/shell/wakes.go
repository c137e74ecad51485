package shell

// wakes is a heap of the cells that want a Tick. A cell whose wake time moves
// away keeps its place: when its key comes to the top it is put where it
// belongs. So the common case, a window that every message extends, costs
// nothing.
type wakes []*cell

// set states anew when c wants its Tick, 0 for never.
func (w *wakes) set(c *cell, at int64) {
	c.wake = at
	switch {
	case at == 0:
	case c.index < 0:
		c.key, c.index = at, len(*w)
		*w = append(*w, c)
		w.up(c.index)
	case at < c.key:
		c.key = at
		w.up(c.index)
	}
}

// due takes a cell whose wake time has come, nil for none.
func (w *wakes) due(now int64) *cell {
	for len(*w) > 0 && (*w)[0].key <= now {
		c := (*w)[0]
		switch {
		case c.wake == 0:
			w.remove(c)
		case c.wake > now:
			c.key = c.wake
			w.down(0)
		default:
			w.remove(c)
			c.wake = 0
			return c
		}
	}
	return nil
}

// next is the earliest key, 0 for none; nothing is due before.
func (w wakes) next() int64 {
	if len(w) == 0 {
		return 0
	}
	return w[0].key
}

func (w *wakes) remove(c *cell) {
	i, last := c.index, len(*w)-1
	if i < 0 {
		return
	}
	w.swap(i, last)
	(*w)[last] = nil
	*w = (*w)[:last]
	c.index = -1
	if i < last {
		w.down(i)
		w.up(i)
	}
}

func (w wakes) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if w[parent].key <= w[i].key {
			return
		}
		w.swap(i, parent)
		i = parent
	}
}

func (w wakes) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(w) {
			return
		}
		if child+1 < len(w) && w[child+1].key < w[child].key {
			child++
		}
		if w[i].key <= w[child].key {
			return
		}
		w.swap(i, child)
		i = child
	}
}

func (w wakes) swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
