package endpoint

import (
	"fmt"

	"dormouse/actors/session"
	"dormouse/codec/wire"
)

// Reseal seals again what was sealed under a key that is to go.
type Reseal struct{ Reply func(error) }

func (*Reseal) event() {}

// reseal writes the sealed records from what is in memory: what is stored may be
// older than a session or credentials whose commit is under way.
func (e *Endpoint) reseal(ev *Reseal, fx *Effects) {
	s, err := e.readable()
	if err == nil && s != nil {
		e.putSecret(s, fx)
	}
	if err == nil {
		err = e.resealCredentials(fx)
	}
	replyError(ev.Reply, err, fx)
}

// putSecret stores what stays the same of a session.
func (e *Endpoint) putSecret(s *session.Session, fx *Effects) {
	key := wire.EndpointKey(e.id)
	fx.Batch.Put(wire.ClassSession, key, e.shard.Env.Seal.Seal(nil, s.AppendSecret(nil), SealPlace(wire.ClassSession, key)))
}

func (e *Endpoint) resealCredentials(fx *Effects) error {
	c, found, err := e.credentials()
	seal, key := e.shard.Env.Seal, wire.EndpointKey(e.id)
	if err != nil || !found || seal.Current(c.Key) {
		return err
	}
	plain, err := c.Open(seal, key)
	if err != nil {
		return fmt.Errorf("endpoint %016x: seal credentials again: %w", uint64(e.id), err)
	}
	c.Key = seal.Seal(nil, plain, SealPlace(wire.ClassCredentials, key))
	fx.Batch.Put(wire.ClassCredentials, key, c.Append(nil))
	e.proof = &c
	return nil
}
