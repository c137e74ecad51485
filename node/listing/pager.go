package listing

import "dormouse/node/admin"

// Pager cuts a page out of a list that is visited in order.
type Pager[T any] struct {
	Page admin.Page
	List *admin.List[T] // gets what is found

	seen int64  // items that passed the filter
	last string // cursor of the page's last item
}

// Wanted reports that the next item belongs on the page.
func (p *Pager[T]) Wanted() bool {
	return (p.Page.Cursor != "" || p.seen >= p.Page.Skip) && !p.full()
}

func (p *Pager[T]) full() bool { return len(p.List.Items) == p.Page.Size }

// Before takes note of an item that the cursor has passed: where the total is
// wanted a list is visited from its beginning. More always come.
func (p *Pager[T]) Before() (more bool) {
	if p.Page.Total {
		p.seen++
		p.List.Total = p.seen
	}
	return true
}

// Pass counts an item that is not on the page; false ends the visit. The first
// one behind a full page shows that there is a next one.
func (p *Pager[T]) Pass() (more bool) {
	if p.full() {
		p.List.Cursor = p.last
	}
	p.seen++
	if p.Page.Total {
		p.List.Total = p.seen
	}
	return p.Page.Total || !p.full()
}

// Add takes an item with the cursor behind it.
func (p *Pager[T]) Add(item T, cursor func() string) (more bool) {
	if !p.Wanted() {
		return p.Pass()
	}
	p.List.Items = append(p.List.Items, item)
	p.seen++
	if p.Page.Total {
		p.List.Total = p.seen
	}
	if p.full() {
		p.last = cursor()
	}
	return true
}
