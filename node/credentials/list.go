package credentials

import (
	"context"
	"errors"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
	"dormouse/node/listing"
)

// List implements admin.Credentials. The cursor is the ID of an endpoint's
// managed object, as in the list of those.
func (s *Store) List(ctx context.Context, p admin.Page) (list admin.List[platform.Credentials], err error) {
	var behind ids.Object
	if p.Cursor != "" {
		if behind, err = ids.ParseObject(p.Cursor); err != nil {
			return list, admin.Refuse(admin.ErrBadRequest, "The cursor %q is none of this list.", p.Cursor)
		}
	}
	from := behind.Endpoint()
	if p.Total {
		from = 0
	}
	pager := listing.Pager[platform.Credentials]{Page: p, List: &list}
	state := listing.Request(s.state)
	err = s.each(ctx, state, from, func(e ids.Endpoint) (more bool, err error) {
		switch { // passed or only counted: not read
		case p.Cursor != "" && e <= behind.Endpoint():
			return pager.Before(), nil
		case !pager.Wanted():
			return pager.Pass(), nil
		}
		c, found, err := s.recordOf(state, e)
		if err != nil || !found { // taken away meanwhile
			return true, err
		}
		return pager.Add(show(&c), func() string { return e.Object().String() }), nil
	})
	return list, err
}

// each visits the endpoints that have credentials, in order, until visit says no
// more. The order of the shards is that of the hashes.
func (s *Store) each(ctx context.Context, state endpoint.State, from ids.Endpoint, visit func(ids.Endpoint) (bool, error)) error {
	for shard := s.env.Shards.Of(from); shard < ids.Shard(s.env.Shards); shard++ {
		stream := listing.Stream[ids.Endpoint]{State: state, Shard: shard, Class: wire.ClassCredentials, From: from}
		for {
			_, more, err := stream.Head()
			if err = errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if !more {
				break
			}
			if more, err := visit(stream.Take()); err != nil || !more {
				return err
			}
		}
	}
	return nil
}
