package fleet

import (
	"context"
	"fmt"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// Bounds of lists that have an order. Each takes the places up to the end of its
// page, 1 KiB of memory for each at most, and a look at every object that there is.
const (
	maxPlaces  = 10_000 // that can be reached by a page's number
	maxOrdered = 8      // lists at work in a node
)

// ordered ranks what there is, and then reads the objects of the page. One that goes
// in between is left out, one that changes is shown as it is by then.
func (f *Fleet) ordered(ctx context.Context, w walk) (admin.List[platform.ManagedObject], error) {
	after, err := rankCursor(w.page.Cursor, len(w.what.Query.Order()))
	if err != nil {
		return w.list, err
	}
	if after != nil {
		w.page.Skip = 0
	}
	if w.page.Skip > maxPlaces-int64(w.page.Size) {
		return w.list, admin.Refuse(admin.ErrUnprocessable,
			"A sorted list shows its first %d places by the number of a page: narrow it, or follow the links from its first page.", maxPlaces)
	}
	select {
	case f.sorting <- struct{}{}:
		defer func() { <-f.sorting }()
	default:
		return w.list, admin.Refuse(admin.ErrBusy, "The node sorts %d lists at the moment: try again.", maxOrdered)
	}
	best, passed, err := w.rank(ctx, after)
	if err != nil || int64(len(best)) <= w.page.Skip {
		return w.list, err
	}
	if passed > int64(len(best)) {
		w.list.Cursor = best[len(best)-1].cursor()
	}
	return w.list, w.show(ctx, best[w.page.Skip:])
}

// rank finds the best places behind a rank up to the end of the page, and how many
// there are behind it at all.
func (w *walk) rank(ctx context.Context, after *Rank) (best []Rank, passed int64, err error) {
	r := ranks{query: w.what.Query, most: int(w.page.Skip) + w.page.Size}
	err = w.turns(ctx, Select{Best: r.most, After: after}, 0, func(q *Select) {
		q.Worst = r.worst()
	}, func(found Selected) bool {
		for _, rank := range found.Best {
			r.add(rank)
		}
		passed += found.Passed
		if w.page.Total {
			w.list.Total += found.Matched
		}
		return true
	})
	return r.sorted(), passed, err
}

// show reads the objects of a page.
func (w *walk) show(ctx context.Context, page []Rank) error {
	named := walk{view: w.view, what: filter.Selection{IDs: make([]ids.Object, len(page))}}
	for i, r := range page {
		named.what.IDs[i] = r.ID
	}
	found := make(map[ids.Object]platform.ManagedObject, len(page))
	err := named.turns(ctx, Select{}, 0, func(q *Select) { q.Limit = len(page) }, func(s Selected) bool {
		for _, m := range s.Objects {
			found[m.ID] = m
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("fleet: read a page of %d objects: %w", len(page), err)
	}
	for _, r := range page {
		if m, there := found[r.ID]; there {
			w.list.Items = append(w.list.Items, m)
		}
	}
	return nil
}
