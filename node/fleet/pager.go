package fleet

import "dormouse/node/admin"

// pager cuts a page out of a list that is visited in order.
type pager[T any] struct {
	page admin.Page
	list *admin.List[T]
	seen int64  // items that passed the filter
	last string // cursor of the page's last item
}

// wanted reports that the next item belongs on the page.
func (p *pager[T]) wanted() bool {
	return (p.page.Cursor != "" || p.seen >= p.page.Skip) && !p.full()
}

func (p *pager[T]) full() bool { return len(p.list.Items) == p.page.Size }

// before takes note of an item that the cursor has passed: where the total is
// wanted a list is visited from its beginning. More always come.
func (p *pager[T]) before() (more bool) {
	if p.page.Total {
		p.seen++
		p.list.Total = p.seen
	}
	return true
}

// pass counts an item that is not on the page; false ends the visit. The first
// one behind a full page shows that there is a next one.
func (p *pager[T]) pass() (more bool) {
	if p.full() {
		p.list.Cursor = p.last
	}
	p.seen++
	if p.page.Total {
		p.list.Total = p.seen
	}
	return p.page.Total || !p.full()
}

// add takes an item with the cursor behind it.
func (p *pager[T]) add(item T, cursor func() string) (more bool) {
	if !p.wanted() {
		return p.pass()
	}
	p.list.Items = append(p.list.Items, item)
	p.seen++
	if p.page.Total {
		p.list.Total = p.seen
	}
	if p.full() {
		p.last = cursor()
	}
	return true
}
