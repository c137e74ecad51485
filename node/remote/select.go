package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/fleet"
)

var _ fleet.Selector = State{}

// Select implements fleet.Selector: a turn where the shard is led, behind a barrier
// as a read is.
func (s State) Select(ctx context.Context, q fleet.Select) (found fleet.Selected, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = s.r.route(ctx, q.Shard, trip{
		repeat: true,
		here: func(ctx context.Context) (err error) {
			found, err = s.r.selectHere(ctx, q, s.behind(q.Shard, here))
			if err == nil {
				s.pass(q.Shard, here)
			}
			return err
		},
		there: func(ctx context.Context, to ids.Node) (err error) {
			found, err = s.r.selectThere(ctx, to, q, s.behind(q.Shard, to))
			if err == nil {
				s.pass(q.Shard, to)
			}
			return err
		},
	})
	return found, err
}

// selectHere reads the local store. Where the shard was lost in between, its records
// may be on their way out.
func (r *Router) selectHere(ctx context.Context, q fleet.Select, behind bool) (found fleet.Selected, err error) {
	if err := r.ready(ctx, q.Shard, behind); err != nil {
		return found, err
	}
	if found, err = r.parts.Load().Fleet.SelectFrom(ctx, r.env.State, q); err == nil {
		err = r.leads(q.Shard)
	}
	return found, err
}

func (r *Router) selectThere(ctx context.Context, to ids.Node, q fleet.Select, behind bool) (found fleet.Selected, err error) {
	args, err := selectArgsOf(q, behind)
	if err != nil {
		return found, err
	}
	request, err := encode([]byte{version}, args)
	if err != nil {
		return found, err
	}
	answer, err := r.ask(ctx, to, KindSelect, request)
	var refused interface{ Code() uint16 }
	if errors.As(err, &refused) { // it is older than these requests
		return found, fmt.Errorf("%w: %w", fleet.ErrNoSelect, err)
	}
	if err != nil {
		return found, err
	}
	var shape selectedShape
	if err := json.Unmarshal(answer, &shape); err != nil {
		return found, fmt.Errorf("%w of node %s to a select: %w", errAnswer, to, err)
	}
	return shape.selected(len(q.What.Query.Order()))
}

// serveSelect makes a turn for another node.
func (r *Router) serveSelect(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	var a selectArgs
	if err := json.Unmarshal(request, &a); err != nil {
		return 0, nil, requestError("a malformed select")
	}
	q, err := a.request()
	if err != nil || !r.exists(q.Shard) {
		return 0, nil, requestError("a select of nothing that there is")
	}
	if err := r.leads(q.Shard); err != nil {
		return q.Shard, nil, err
	}
	found, err := r.selectHere(ctx, q, a.Behind)
	if err != nil {
		return q.Shard, nil, err
	}
	answer, err := encode(dst, selectedShapeOf(found))
	return q.Shard, answer, err
}

// selectArgs is a fleet.Select.
type selectArgs struct {
	Shard      ids.Shard    `json:"shard"`
	Behind     bool         `json:"behind,omitempty"` // no barrier, as of a get
	IDs        []ids.Object `json:"ids,omitempty"`
	Conditions string       `json:"conditions,omitempty"` // parameters of a list
	From       ids.Object   `json:"from,omitempty"`
	Cursor     ids.Object   `json:"cursor,omitempty"`
	Skip       int64        `json:"skip,omitempty"`
	Limit      int          `json:"limit,omitempty"`
	Total      bool         `json:"total,omitempty"`
	Best       int          `json:"best,omitempty"`
	After      *rankShape   `json:"after,omitempty"`
	Worst      *rankShape   `json:"worst,omitempty"`
}

// rankShape is a fleet.Rank; its key is that of filter.AppendSortKey.
type rankShape struct {
	ID  ids.Object `json:"id"`
	Key []byte     `json:"key"`
}

func rankShapeOf(r *fleet.Rank) *rankShape {
	if r == nil {
		return nil
	}
	return &rankShape{r.ID, filter.AppendSortKey(nil, r.Key)}
}

func (s *rankShape) rank(orders int) (*fleet.Rank, error) {
	if s == nil {
		return nil, nil
	}
	key, err := filter.ParseSortKey(s.Key, orders)
	return &fleet.Rank{Key: key, ID: s.ID}, err
}

func selectArgsOf(q fleet.Select, behind bool) (selectArgs, error) {
	conditions, ok := q.What.Conditions()
	if !ok {
		return selectArgs{}, errors.New("remote: a selection that was not read from parameters")
	}
	return selectArgs{q.Shard, behind, q.What.IDs, conditions, q.From, q.Behind, q.Skip, q.Limit, q.Total, q.Best,
		rankShapeOf(q.After), rankShapeOf(q.Worst)}, nil
}

// request reads the arguments. No IDs are all: a turn for none is not asked for.
func (a *selectArgs) request() (q fleet.Select, err error) {
	values, err := url.ParseQuery(a.Conditions)
	if err != nil {
		return q, err
	}
	q = fleet.Select{Shard: a.Shard, From: a.From, Behind: a.Cursor, Skip: a.Skip, Limit: a.Limit, Total: a.Total, Best: a.Best}
	if q.What, err = (filter.Language{}).Selection(values); err != nil {
		return q, err
	}
	q.What.IDs = a.IDs
	orders := len(q.What.Query.Order())
	q.After, err = a.After.rank(orders)
	if err == nil {
		q.Worst, err = a.Worst.rank(orders)
	}
	if q.Skip < 0 || q.Limit < 0 || q.Limit > platform.MaxPageSize || q.Best < 0 || len(a.IDs) > platform.MaxPageSize {
		err = errAnswer
	}
	return q, err
}

// selectedShape is a fleet.Selected.
type selectedShape struct {
	Objects []objectShape `json:"objects,omitempty"`
	Before  int64         `json:"before,omitempty"`
	Skipped int64         `json:"skipped,omitempty"`
	Later   int64         `json:"later,omitempty"`
	Next    ids.Object    `json:"next,omitempty"`
	Best    []rankShape   `json:"best,omitempty"`
	Matched int64         `json:"matched,omitempty"`
	Passed  int64         `json:"passed,omitempty"`
}

func selectedShapeOf(s fleet.Selected) selectedShape {
	shape := selectedShape{Before: s.Before, Skipped: s.Skipped, Later: s.Later, Next: s.Next, Matched: s.Matched, Passed: s.Passed}
	for _, m := range s.Objects {
		shape.Objects = append(shape.Objects, objectShape(m))
	}
	for i := range s.Best {
		shape.Best = append(shape.Best, *rankShapeOf(&s.Best[i]))
	}
	return shape
}

func (s *selectedShape) selected(orders int) (fleet.Selected, error) {
	found := fleet.Selected{Before: s.Before, Skipped: s.Skipped, Later: s.Later, Next: s.Next, Matched: s.Matched, Passed: s.Passed}
	for _, shape := range s.Objects {
		m := platform.ManagedObject(shape)
		m.Created, m.Updated = asStored(m.Created), asStored(m.Updated)
		found.Objects = append(found.Objects, m)
	}
	for i := range s.Best {
		r, err := s.Best[i].rank(orders)
		if err != nil {
			return found, fmt.Errorf("%w: %w", errAnswer, err)
		}
		found.Best = append(found.Best, *r)
	}
	return found, nil
}

// asStored is an instant as a record of this node has it: objects are the same
// wherever they were read.
func asStored(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Local()
}
