package fleet

import (
	"context"
	"errors"
	"slices"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// Selector is a State that selects objects where their shard is led, so that only
// what is wanted travels.
type Selector interface {
	// Select carries out one turn. ErrNoSelect says that the leader cannot.
	Select(ctx context.Context, q Select) (Selected, error)
}

// ErrNoSelect says that a node selects nothing for others: its records can be read.
var ErrNoSelect = errors.New("fleet: the node does not select objects")

// Select is one turn through the objects of a shard, in the order of their IDs.
type Select struct {
	Shard ids.Shard
	// What is wanted; where it has IDs, those of the shard, and no others are read.
	What filter.Selection
	From ids.Object // the turn begins here
	// Behind is where the list begins, 0 for its beginning: what comes up to here is
	// counted alone.
	Behind ids.Object
	Skip   int64 // objects behind that are counted alone, too
	Limit  int   // of objects that are shown, 0 to platform.MaxPageSize
	Total  bool  // go on counting behind the limit

	// Best is set where the list has an order: the turn tells the ranks of the best
	// objects, at most that many, and neither Behind nor Skip nor Limit say anything.
	Best int
	// After is where the page begins, Worst one that is not worth telling; nil for none.
	After, Worst *Rank
}

// Selected is what a turn found.
type Selected struct {
	Objects                []platform.ManagedObject
	Before, Skipped, Later int64 // up to Behind; skipped; behind the limit, 1 at most without Total
	Next                   ids.Object
	// Of a list that has an order: the best in their order, how many objects matched,
	// and how many of these come after After.
	Best            []Rank
	Matched, Passed int64
}

// Bounds of a turn. One that reaches them ends, and Next is where to go on.
const (
	turnCost  = 32768 // of which a key is 1
	readCost  = 16    // of an object that is read
	turnBytes = 256 << 10
	turnTime  = 250 * time.Millisecond
)

// SelectFrom is a turn through a state that has the shard.
func (f *Fleet) SelectFrom(ctx context.Context, state endpoint.State, q Select) (Selected, error) {
	return view{f.env, state, f.outages}.turn(ctx, q)
}

// turn is Select at work.
type turn struct {
	view
	q      Select
	now    time.Time
	ranks  ranks
	window window
	cost   int
	bytes  int
	counts bool // what is not shown need not be read
	Selected
}

func (v view) turn(ctx context.Context, q Select) (Selected, error) {
	t := &turn{view: v, q: q, now: time.Now(), ranks: ranks{query: q.What.Query, most: q.Best},
		counts: q.What.IDs == nil && q.What.All() && q.Best == 0}
	err := t.each(ctx, func(id ids.Object) (more bool, err error) {
		if t.spent() {
			t.Next = id
			return false, nil
		}
		return t.take(id)
	})
	t.Best = t.ranks.sorted()
	return t.Selected, err
}

func (t *turn) spent() bool {
	return t.cost >= turnCost || t.bytes >= turnBytes || t.cost > 0 && t.cost%(64*readCost) < readCost && time.Since(t.now) > turnTime
}

// each visits what there may be.
func (t *turn) each(ctx context.Context, take func(ids.Object) (bool, error)) error {
	if t.q.What.IDs == nil {
		devices := &objectStream{State: t.state, Shard: t.q.Shard, Class: wire.ClassContact, From: t.q.From}
		others := &objectStream{State: t.state, Shard: t.q.Shard, Class: wire.ClassObject, From: t.q.From}
		_, err := mergeObjects(ctx, devices, others, take)
		return err
	}
	for _, id := range sortedIDs(t.q.What.IDs) {
		if id < t.q.From || t.env.Shards.OfObject(id) != t.q.Shard {
			continue
		}
		if more, err := take(id); err != nil || !more || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}

// sortedIDs has each ID once.
func sortedIDs(list []ids.Object) []ids.Object {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// take looks at one object; false ends the turn, and the list of this shard.
func (t *turn) take(id ids.Object) (more bool, err error) {
	behind := id > t.q.Behind
	full := len(t.Objects) == t.q.Limit
	if t.counts && (!behind || t.Skipped < t.q.Skip || full) {
		t.cost++
		return t.note(behind, full), nil
	}
	t.cost += readCost
	o, found, err := t.candidate(id)
	if err != nil || !found || !o.matches(&t.q.What) {
		return true, err
	}
	if t.q.Best > 0 {
		t.rank(o)
		return true, nil
	}
	if !behind || t.Skipped < t.q.Skip || full {
		return t.note(behind, full), nil
	}
	m := o.shown()
	t.Objects = append(t.Objects, *m)
	t.bytes += sizeOf(m)
	return true, nil
}

// note counts an object that is not shown.
func (t *turn) note(behind, full bool) (more bool) {
	switch {
	case !behind:
		t.Before++
	case t.Skipped < t.q.Skip:
		t.Skipped++
	default:
		t.Later++
		return t.q.Total || !full
	}
	return true
}

// rank gives an object its place among the best.
func (t *turn) rank(o *candidate) {
	r := Rank{Key: t.q.What.Query.SortKey(o), ID: o.id}
	t.Matched++
	if t.q.After != nil && t.ranks.compare(r, *t.q.After) <= 0 {
		return
	}
	t.Passed++
	if t.q.Worst != nil && t.ranks.compare(r, *t.q.Worst) >= 0 {
		return
	}
	if t.ranks.add(r) {
		t.bytes += len(filter.AppendSortKey(nil, r.Key)) + 8
	}
}

// sizeOf is about what an object takes.
func sizeOf(m *platform.ManagedObject) int {
	n := 128 + len(m.Type) + len(m.Name) + len(m.Owner)
	for _, f := range m.Fragments {
		n += len(f.Name) + len(f.Raw)
	}
	return n
}
