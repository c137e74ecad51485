package fleet

import (
	"context"
	"errors"
	"slices"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// Objects lists in the order of the query or, where it has none, of the IDs, which
// is that of the shards. The objects of a shard are selected where it is led.
func (f *Fleet) Objects(ctx context.Context, s filter.Selection, p admin.Page) (admin.List[platform.ManagedObject], error) {
	if s.Parents != filter.NoRelation {
		return admin.List[platform.ManagedObject]{}, admin.Refuse(admin.ErrUnprocessable, "There are no relations between objects yet.")
	}
	w := walk{view: f.request(), what: s, page: p}
	w.lookUp()
	if len(s.Query.Order()) > 0 {
		return f.ordered(ctx, w)
	}
	cursor, err := objectCursor(p.Cursor)
	if err != nil {
		return w.list, err
	}
	return w.list, w.inOrderOfIDs(ctx, cursor)
}

// walk is the way of one list through the shards.
type walk struct {
	view
	what filter.Selection // its IDs are those that can match, nil for all
	page admin.Page
	list admin.List[platform.ManagedObject]
}

// lookUp narrows the IDs to those that a query asks for: it names objects by their
// id, or devices by their endpoint. The object of a device is found by arithmetic.
func (w *walk) lookUp() {
	plan := w.what.Query.Plan()
	if texts, named := plan.Texts["id"]; named {
		var list []ids.Object
		for _, text := range texts {
			if id, err := ids.ParseObject(text); err == nil {
				list = append(list, id)
			}
		}
		w.narrow(list)
	}
	if names, named := plan.Texts["lwm2mEndpoint"]; named {
		var list []ids.Object
		for _, name := range names {
			list = append(list, w.env.Key.Endpoint(name).Object())
		}
		w.narrow(list)
	}
}

// narrow leaves those IDs that are in both lists.
func (w *walk) narrow(list []ids.Object) {
	both := []ids.Object{}
	for _, id := range sortedIDs(list) {
		if w.what.IDs == nil || slices.Contains(w.what.IDs, id) {
			both = append(both, id)
		}
	}
	w.what.IDs = both
}

// inOrderOfIDs fills the page with what comes behind the cursor.
func (w *walk) inOrderOfIDs(ctx context.Context, cursor ids.Object) error {
	q := Select{Behind: cursor, Total: w.page.Total}
	from := cursor
	if w.page.Total {
		from = 0
	}
	skip, last := w.page.Skip, ids.Object(0)
	if w.page.Cursor != "" {
		skip = 0
	}
	return w.turns(ctx, q, from, func(q *Select) {
		q.Skip, q.Limit = skip, w.page.Size-len(w.list.Items)
	}, func(found Selected) (more bool) {
		skip -= found.Skipped
		w.list.Items = append(w.list.Items, found.Objects...)
		if n := len(w.list.Items); n > 0 {
			last = w.list.Items[n-1].ID
		}
		if found.Later > 0 {
			w.list.Cursor = last.String()
		}
		if w.page.Total {
			w.list.Total += found.Before + found.Skipped + int64(len(found.Objects)) + found.Later
		}
		return w.page.Total || found.Later == 0
	})
}

// turns goes through the shards from an ID on, each in as many turns as it takes:
// before each, set says what is still wanted. false of take ends them.
func (w *walk) turns(ctx context.Context, q Select, from ids.Object, set func(*Select), take func(Selected) (more bool)) error {
	for shard := w.env.Shards.OfObject(from); shard < ids.Shard(w.env.Shards); shard++ {
		q.Shard, q.From, q.What = shard, from, w.what
		if w.what.IDs != nil {
			if q.What.IDs = w.inShard(shard); len(q.What.IDs) == 0 {
				continue
			}
		}
		for {
			set(&q)
			found, err := w.oneTurn(ctx, q)
			if err != nil || !take(found) {
				return err
			}
			if q.From = found.Next; q.From == 0 {
				break
			}
		}
	}
	return nil
}

// inShard are the IDs of the walk that lie in a shard.
func (w *walk) inShard(shard ids.Shard) (list []ids.Object) {
	for _, id := range w.what.IDs {
		if w.env.Shards.OfObject(id) == shard {
			list = append(list, id)
		}
	}
	return list
}

// oneTurn is made where the shard is led or, where nobody can, through its records.
func (v view) oneTurn(ctx context.Context, q Select) (Selected, error) {
	if s, ok := v.state.(Selector); ok {
		found, err := s.Select(ctx, q)
		if !errors.Is(err, ErrNoSelect) {
			return found, err
		}
	}
	return v.turn(ctx, q)
}

// objectCursor is the ID behind which a list goes on, 0 for none.
func objectCursor(cursor string) (ids.Object, error) {
	if cursor == "" {
		return 0, nil
	}
	id, err := ids.ParseObject(cursor)
	if err != nil {
		return 0, admin.Refuse(admin.ErrBadRequest, "The cursor %q is none of this list.", cursor)
	}
	return id, nil
}
