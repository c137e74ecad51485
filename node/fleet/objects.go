package fleet

import (
	"context"
	"errors"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Managed objects lie in two classes: devices, whose ID is that of their
// endpoint, and what clients created. A list is the merge of both, shard by
// shard: the order of the shards is that of the IDs.

type objectStream = stream[ids.Object]

// eachObject visits all from an ID on.
func (f *Fleet) eachObject(ctx context.Context, from ids.Object, take func(ids.Object) (bool, error)) error {
	for shard := f.env.Shards.OfObject(from); shard < ids.Shard(f.env.Shards); shard++ {
		devices := &objectStream{fleet: f, shard: shard, class: wire.ClassContact, from: from}
		others := &objectStream{fleet: f, shard: shard, class: wire.ClassObject, from: from}
		if more, err := mergeObjects(ctx, devices, others, take); err != nil || !more {
			return err
		}
	}
	return nil
}

func mergeObjects(ctx context.Context, a, b *objectStream, take func(ids.Object) (bool, error)) (more bool, err error) {
	for {
		x, hasX, err1 := a.head()
		y, hasY, err2 := b.head()
		if err := errors.Join(err1, err2, ctx.Err()); err != nil {
			return false, err
		}
		if !hasX && !hasY {
			return true, nil
		}
		s := a
		if !hasX || hasY && y < x {
			s = b
		}
		if more, err := take(s.take()); err != nil || !more {
			return false, err
		}
	}
}
