package filter

// Query is a parsed query; the zero Query is every object in no order. It is
// never changed and may be used by many at once.
type Query struct {
	where node // nil for every object
	order []Order
}

// Order is a path that a list is sorted by.
type Order struct {
	Path       Path
	Descending bool
}

// Match reports that the object is one of those asked for.
func (q Query) Match(o Object) bool { return q.where == nil || q.where.match(o) }

// All reports that every object matches.
func (q Query) All() bool { return q.where == nil }

// Order is what a list is sorted by, the first path first; it is not to be
// changed.
func (q Query) Order() []Order { return q.order }

// SortKey is what Compare orders an object by, nil without an order. It holds
// nothing of the object but short texts (AppendSortKey).
func (q Query) SortKey(o Object) []Value {
	if len(q.order) == 0 {
		return nil
	}
	key := make([]Value, len(q.order))
	for i, by := range q.order {
		o.Value(by.Path[0]).each(by.Path[1:], func(v Value) bool {
			key[i] = v.bare()
			return true
		})
	}
	return key
}

// Compare orders two sort keys of the query: what is absent comes first, then
// the kinds in their order. Objects that are alike have no order.
func (q Query) Compare(a, b []Value) int {
	for i, by := range q.order {
		order := a[i].Compare(b[i])
		if by.Descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// String is the query in one form, whatever it was written in.
func (q Query) String() string {
	var dst []byte
	if q.where != nil {
		dst = append(q.where.append(append(dst, "$filter=("...)), ')')
	}
	for i, by := range q.order {
		switch {
		case i > 0:
			dst = append(dst, ',')
		case dst != nil:
			dst = append(dst, " $orderby="...)
		default:
			dst = append(dst, "$orderby="...)
		}
		dst = append(dst, by.Path.String()...)
		dst = append(dst, map[bool]string{false: " asc", true: " desc"}[by.Descending]...)
	}
	return string(dst)
}

// Unordered asks for the same objects in no order.
func (q Query) Unordered() Query {
	q.order = nil
	return q
}

// And is a query that asks for both, in the order of q, or else in that of r.
func (q Query) And(r Query) Query {
	if len(q.order) == 0 {
		q.order = r.order
	}
	switch {
	case q.where == nil:
		q.where = r.where
	case r.where != nil:
		q.where = all{q.where, r.where}
	}
	return q
}

// Equal asks for objects with a text under a name.
func Equal(name, text string) Query {
	return Query{where: &comparison{path: Path{name}, literal: textLiteral([]string{text})}}
}

// Has asks for objects with a value under a name.
func Has(name string) Query { return Query{where: has{{name}}} }
