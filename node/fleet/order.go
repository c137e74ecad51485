package fleet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"dormouse/actors/operations"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// Operations lie by shard and, in a shard, by time. A list over all shards is
// their merge by time, each read a chunk ahead. The order of two operations is
// that of the 52 bits of time and count below the shard, then of the shard.

// chunk is how many operation IDs of a shard are read ahead.
const chunk = 128

// after compares by time of creation, in the list's direction.
func compareOperations(a, b ids.Operation) int {
	const below = 1<<52 - 1
	return cmp.Or(cmp.Compare(a&below, b&below), cmp.Compare(a.Shard(), b.Shard()))
}

// stream is the operations of one shard, or of one device, in order.
type stream struct {
	fleet   *Fleet
	shard   ids.Shard
	class   wire.Class
	prefix  []byte
	from    ids.Operation // the least that may come, inclusive
	to      ids.Operation // the bound above, exclusive; 0: none
	reverse bool
	ahead   []ids.Operation
	end     bool
}

// fill reads the next chunk.
func (s *stream) fill() error {
	if len(s.ahead) > 0 || s.end {
		return nil
	}
	from := s.from.Append(bytes.Clone(s.prefix))
	to := wire.PrefixEnd(s.prefix)
	if s.to != 0 {
		to = s.to.Append(bytes.Clone(s.prefix))
	}
	err := s.fleet.env.State.Scan(s.shard, s.class, from, to, s.reverse, func(key, _ []byte) bool {
		s.ahead = append(s.ahead, ids.Operation(binary.BigEndian.Uint64(key[len(s.prefix):])))
		return len(s.ahead) < chunk
	})
	s.end = len(s.ahead) < chunk
	if n := len(s.ahead); n > 0 && s.reverse {
		s.to = s.ahead[n-1]
	} else if n > 0 {
		s.from = s.ahead[n-1] + 1
	}
	return err
}

// streams are what a filter must look through.
func (f *Fleet) streams(filter admin.OperationFilter, behind ids.Operation) ([]*stream, error) {
	if filter.HasDevice {
		e, err := f.endpointOf(filter.Device)
		if errors.Is(err, admin.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s := &stream{fleet: f, shard: f.env.Shards.Of(e), class: wire.ClassByDevice, prefix: wire.EndpointKey(e)}
		return []*stream{s.bound(filter, behind)}, nil
	}
	all := make([]*stream, f.env.Shards)
	for i := range all {
		s := &stream{fleet: f, shard: ids.Shard(i), class: wire.ClassOperation}
		all[i] = s.bound(filter, behind)
	}
	return all, nil
}

// bound narrows a stream to the filter's time and to what is behind a cursor.
func (s *stream) bound(filter admin.OperationFilter, behind ids.Operation) *stream {
	s.reverse = filter.Revert
	if !filter.From.IsZero() {
		s.from = ids.NextOperation(s.shard, filter.From, 0)
	}
	if !filter.To.IsZero() {
		s.to = ids.NextOperation(s.shard, filter.To, 0)
	}
	if behind == 0 {
		return s
	}
	at := behind&(1<<52-1) | ids.Operation(s.shard)<<52
	switch later := s.shard > behind.Shard(); {
	case s.reverse && later: // at the cursor's time this shard came before it
		s.to = least(s.to, at)
	case s.reverse:
		s.to = least(s.to, at+boolean(s.shard < behind.Shard()))
	case later:
		s.from = max(s.from, at)
	default:
		s.from = max(s.from, at+1)
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
func (f *Fleet) eachOperation(ctx context.Context, filter admin.OperationFilter, behind ids.Operation, visit func(*operations.Operation) (bool, error)) error {
	streams, err := f.streams(filter, behind)
	if err != nil {
		return err
	}
	for {
		s, err := next(streams, filter.Revert)
		if err != nil || s == nil {
			return err
		}
		id := s.ahead[0]
		s.ahead = s.ahead[1:]
		op, err := f.stored(id)
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

// next is the stream whose head comes first.
func next(streams []*stream, reverse bool) (first *stream, err error) {
	for _, s := range streams {
		if err := s.fill(); err != nil {
			return nil, err
		}
		if len(s.ahead) == 0 {
			continue
		}
		if first == nil {
			first = s
			continue
		}
		if c := compareOperations(s.ahead[0], first.ahead[0]); c < 0 && !reverse || c > 0 && reverse {
			first = s
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
