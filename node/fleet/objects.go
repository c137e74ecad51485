package fleet

import (
	"context"
	"errors"

	"dormouse/codec/ids"
	"dormouse/node/listing"
)

// Managed objects lie in two classes: devices, whose ID is that of their
// endpoint, and what clients created. A list is the merge of both, shard by
// shard: the order of the shards is that of the IDs.

type objectStream = listing.Stream[ids.Object]

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
