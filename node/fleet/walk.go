package fleet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Managed objects lie in two classes: devices, whose ID is that of their
// endpoint, and what clients created. A list is the merge of both, shard by
// shard: the order of the shards is that of the IDs.

// walk reads the IDs of one class of a shard, a chunk ahead.
type walk struct {
	fleet *Fleet
	shard ids.Shard
	class wire.Class
	from  ids.Object // the least that may come
	ahead []ids.Object
	end   bool
}

// head is the next ID; ok is false at the end.
func (w *walk) head() (id ids.Object, ok bool, err error) {
	if len(w.ahead) == 0 && !w.end {
		err = w.fleet.env.State.Scan(w.shard, w.class, wire.ObjectKey(w.from), nil, false, func(key, _ []byte) bool {
			if len(key) == 8 {
				w.ahead = append(w.ahead, ids.Object(binary.BigEndian.Uint64(bytes.Clone(key))))
			}
			return len(w.ahead) < chunk
		})
		w.end = len(w.ahead) < chunk
		if n := len(w.ahead); n > 0 {
			w.from = w.ahead[n-1] + 1
			w.end = w.end || w.from == 0
		}
	}
	if err != nil || len(w.ahead) == 0 {
		return 0, false, err
	}
	return w.ahead[0], true, nil
}

func (w *walk) next() { w.ahead = w.ahead[1:] }

// eachObject visits all from an ID on.
func (f *Fleet) eachObject(ctx context.Context, from ids.Object, take func(ids.Object) (bool, error)) error {
	for shard := f.env.Shards.OfObject(from); shard < ids.Shard(f.env.Shards); shard++ {
		devices := &walk{fleet: f, shard: shard, class: wire.ClassContact, from: from}
		others := &walk{fleet: f, shard: shard, class: wire.ClassObject, from: from}
		if more, err := mergeObjects(ctx, devices, others, take); err != nil || !more {
			return err
		}
	}
	return nil
}

func mergeObjects(ctx context.Context, a, b *walk, take func(ids.Object) (bool, error)) (more bool, err error) {
	for {
		x, hasX, err1 := a.head()
		y, hasY, err2 := b.head()
		if err := errors.Join(err1, err2, ctx.Err()); err != nil {
			return false, err
		}
		if !hasX && !hasY {
			return true, nil
		}
		w, id := a, x
		if !hasX || hasY && y < x {
			w, id = b, y
		}
		w.next()
		if more, err := take(id); err != nil || !more {
			return false, err
		}
	}
}
