package fleet

import (
	"context"
	"errors"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/listing"
)

// Managed objects lie in two classes: devices, whose ID is that of their
// endpoint, and what clients created. A list is the merge of both, shard by
// shard: the order of the shards is that of the IDs.

type objectStream = listing.Stream[ids.Object]

// eachObject visits all from an ID on.
func (v view) eachObject(ctx context.Context, from ids.Object, take func(ids.Object) (bool, error)) error {
	for shard := v.env.Shards.OfObject(from); shard < ids.Shard(v.env.Shards); shard++ {
		devices := &objectStream{State: v.state, Shard: shard, Class: wire.ClassContact, From: from}
		others := &objectStream{State: v.state, Shard: shard, Class: wire.ClassObject, From: from}
		if more, err := mergeObjects(ctx, devices, others, take); err != nil || !more {
			return err
		}
	}
	return nil
}

func mergeObjects(ctx context.Context, a, b *objectStream, take func(ids.Object) (bool, error)) (more bool, err error) {
	for {
		x, hasX, err1 := a.Head()
		y, hasY, err2 := b.Head()
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
		if more, err := take(s.Take()); err != nil || !more {
			return false, err
		}
	}
}
