package fleet

import (
	"cmp"
	"container/heap"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/node/admin"
)

// Rank is the place of an object in a list that has an order: objects that the
// order takes for alike go by their IDs.
type Rank struct {
	Key []filter.Value // of filter.Query.SortKey
	ID  ids.Object
}

// ranks keeps the best, at most so many: the worst of them is at the top of a heap.
type ranks struct {
	query filter.Query
	most  int
	kept  []Rank
}

func (r *ranks) compare(a, b Rank) int {
	return cmp.Or(r.query.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID))
}

// add reports that the rank is among the best so far.
func (r *ranks) add(rank Rank) bool {
	if len(r.kept) < r.most {
		heap.Push(r, rank)
		return true
	}
	if r.most == 0 || r.compare(rank, r.kept[0]) >= 0 {
		return false
	}
	r.kept[0] = rank
	heap.Fix(r, 0)
	return true
}

// worst is the rank that others have to be better than, nil as long as there is room.
func (r *ranks) worst() *Rank {
	if len(r.kept) < r.most || r.most == 0 {
		return nil
	}
	return &r.kept[0]
}

// sorted are the best, the first one first; it ends the heap.
func (r *ranks) sorted() []Rank {
	slices.SortFunc(r.kept, r.compare)
	return r.kept
}

// The heap.Interface.

func (r *ranks) Len() int           { return len(r.kept) }
func (r *ranks) Less(i, j int) bool { return r.compare(r.kept[i], r.kept[j]) > 0 }
func (r *ranks) Swap(i, j int)      { r.kept[i], r.kept[j] = r.kept[j], r.kept[i] }
func (r *ranks) Push(x any)         { r.kept = append(r.kept, x.(Rank)) }
func (r *ranks) Pop() any {
	last := len(r.kept) - 1
	x := r.kept[last]
	r.kept = r.kept[:last]
	return x
}

// cursor of a list that has an order: the ID and the key of the last object, so
// that the list goes on behind it though it may be gone.
func (r Rank) cursor() string {
	raw := filter.AppendSortKey(binary.BigEndian.AppendUint64(nil, uint64(r.ID)), r.Key)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// rankCursor reads a cursor of a list with so many orders, nil for none.
func rankCursor(cursor string, orders int) (*Rank, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(raw) > 8 {
		if key, err := filter.ParseSortKey(raw[8:], orders); err == nil {
			return &Rank{key, ids.Object(binary.BigEndian.Uint64(raw))}, nil
		}
	}
	return nil, admin.Refuse(admin.ErrBadRequest, "The cursor %q is none of this list.", cursor)
}
