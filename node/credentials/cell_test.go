package credentials

import (
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// cell is an endpoint that knows of credentials and nothing else: what
// actors/endpoint says of the two events, in the shortest form.
type cell struct {
	shard *endpoint.Shard
	id    ids.Endpoint
	has   endpoint.Credentials
}

func newCell(s *endpoint.Shard, id ids.Endpoint) (*cell, error) {
	c := &cell{shard: s, id: id}
	value, found, err := s.Env.State.Get(s.ID, wire.ClassCredentials, wire.EndpointKey(id), nil)
	if err == nil && found {
		c.has, err = endpoint.ParseCredentials(value)
	}
	return c, err
}

func (c *cell) Handle(now time.Time, ev endpoint.Event, fx *endpoint.Effects) {
	switch ev := ev.(type) {
	case *endpoint.SetCredentials:
		before := c.has.Identity
		refused := c.set(now, ev, fx)
		fx.Replies = append(fx.Replies, func(err error) { ev.Reply(before, either(refused, err)) })
	case *endpoint.DropCredentials:
		before := c.has.Identity
		var refused error
		if c.has.Endpoint == "" {
			refused = endpoint.ErrNotFound
		} else {
			fx.Batch.Delete(wire.ClassCredentials, wire.EndpointKey(c.id))
		}
		c.has = endpoint.Credentials{}
		fx.Replies = append(fx.Replies, func(err error) { ev.Reply(before, either(refused, err)) })
	}
}

func either(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (c *cell) set(now time.Time, ev *endpoint.SetCredentials, fx *endpoint.Effects) error {
	key := wire.EndpointKey(c.id)
	if c.has.Endpoint != "" {
		old, err := c.has.Open(c.shard.Env.Seal, key)
		if err == nil && c.has.Identity == ev.Identity && string(old) == string(ev.Key) {
			return nil
		}
		if !ev.Replace {
			return endpoint.ErrCredentials
		}
	}
	c.has = endpoint.Credentials{
		Endpoint: ev.Endpoint, Identity: ev.Identity, Serial: c.has.Serial + 1, Changed: now,
		Key: c.shard.Env.Seal.Seal(nil, ev.Key, endpoint.SealPlace(wire.ClassCredentials, key)),
	}
	fx.Batch.Put(wire.ClassCredentials, key, c.has.Append(nil))
	return nil
}

func (c *cell) Owns([]byte) bool { return false }
func (c *cell) Busy() bool       { return false }
func (c *cell) Waiting() bool    { return false }
func (c *cell) Left()            {}
