package fleet

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/listing"
)

// Operations lie by shard and, in a shard, by time. A list over all shards is
// their merge by time, each read a chunk ahead. The order of two operations is
// that of the 52 bits of time and count below the shard, then of the shard.

// compareOperations compares by time of creation.
func compareOperations(a, b ids.Operation) int {
	const below = 1<<52 - 1
	return cmp.Or(cmp.Compare(a&below, b&below), cmp.Compare(a.Shard(), b.Shard()))
}

type operationStream = listing.Stream[ids.Operation]

// streams are what a filter must look through.
func (v view) streams(filter admin.OperationFilter, behind ids.Operation) ([]*operationStream, error) {
	if filter.HasDevice {
		e, err := v.endpointOf(filter.Device)
		if errors.Is(err, admin.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s := &operationStream{State: v.state, Shard: v.env.Shards.Of(e), Class: wire.ClassByDevice, Prefix: wire.EndpointKey(e)}
		return []*operationStream{bound(s, filter, behind)}, nil
	}
	all := make([]*operationStream, v.env.Shards)
	for i := range all {
		all[i] = v.streamOf(ids.Shard(i), filter, behind)
	}
	return all, nil
}

// streamOf is the operations of a shard.
func (v view) streamOf(shard ids.Shard, filter admin.OperationFilter, behind ids.Operation) *operationStream {
	return bound(&operationStream{State: v.state, Shard: shard, Class: wire.ClassOperation}, filter, behind)
}

// bound narrows a stream to the filter's time and to what is behind a cursor.
func bound(s *operationStream, filter admin.OperationFilter, behind ids.Operation) *operationStream {
	s.Reverse = filter.Revert
	if !filter.From.IsZero() {
		s.From = ids.NextOperation(s.Shard, filter.From, 0)
	}
	if !filter.To.IsZero() {
		s.To = ids.NextOperation(s.Shard, filter.To, 0)
	}
	if behind == 0 {
		return s
	}
	at := behind&(1<<52-1) | ids.Operation(s.Shard)<<52
	switch later := s.Shard > behind.Shard(); {
	case s.Reverse && later: // at the cursor's time this shard came before it
		s.To = least(s.To, at)
	case s.Reverse:
		s.To = least(s.To, at+boolean(s.Shard < behind.Shard()))
	case later:
		s.From = max(s.From, at)
	default:
		s.From = max(s.From, at+1)
	}
	return s
}

func least(a, b ids.Operation) ids.Operation {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func boolean(b bool) ids.Operation {
	if b {
		return 1
	}
	return 0
}

// eachOperation visits those that match, in order, until visit says no more.
func (v view) eachOperation(ctx context.Context, filter admin.OperationFilter, behind ids.Operation, visit func(*operations.Operation) (bool, error)) error {
	streams, err := v.streams(filter, behind)
	if err != nil {
		return err
	}
	return v.visit(ctx, streams, filter, visit)
}

func (v view) visit(ctx context.Context, streams []*operationStream, filter admin.OperationFilter, visit func(*operations.Operation) (bool, error)) error {
	for {
		s, err := next(streams, filter.Revert)
		if err != nil || s == nil {
			return err
		}
		op, err := v.stored(s.Take())
		switch {
		case errors.Is(err, admin.ErrNotFound): // deleted meanwhile
			continue
		case err != nil:
			return err
		case !wantedOperation(op, filter):
			if err := ctx.Err(); err != nil {
				return err
			}
			continue
		}
		if more, err := visit(op); err != nil || !more || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// next is the stream whose head comes first, nil where all are at their end.
func next(streams []*operationStream, reverse bool) (first *operationStream, err error) {
	var earliest ids.Operation
	for _, s := range streams {
		id, ok, err := s.Head()
		if err != nil {
			return nil, err
		}
		c := compareOperations(id, earliest)
		if ok && (first == nil || c < 0 && !reverse || c > 0 && reverse) {
			first, earliest = s, id
		}
	}
	return first, nil
}

func wantedOperation(op *operations.Operation, f admin.OperationFilter) bool {
	created := op.Created()
	switch {
	case f.Status != "" && platform.Status(op.Status.String()) != f.Status,
		f.HasDevice && op.Device != f.Device,
		!f.From.IsZero() && created.Before(f.From.Truncate(time.Millisecond)),
		!f.To.IsZero() && !created.Before(f.To):
		return false
	case f.FragmentType == "", f.FragmentType == "c8y_Command":
		return true
	}
	return strings.Contains(op.Extra, `"`+f.FragmentType+`"`) && hasFragment(op.Extra, f.FragmentType)
}

func hasFragment(extra, name string) bool {
	list, err := platform.ParseFragments([]byte(extra))
	return err == nil && list.Get(name) != nil
}
