package endpoint

import (
	"fmt"

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
		e.sealSecret()
	}
	if err == nil {
		err = e.resealCredentials(fx)
	}
	replyError(ev.Reply, err, fx)
}

// sealSecret puts into the contact what stays the same of the session.
func (e *Endpoint) sealSecret() {
	place := SealPlace(wire.ClassContact, wire.EndpointKey(e.id))
	e.at.Secret = e.shard.Env.Seal.Seal(nil, e.secure.session.AppendSecret(nil), place)
	e.saveContact = true
}

// Sealed is what of a stored record (wire.ClassContact, wire.ClassCredentials) is
// sealed, nil for nothing. It aliases value.
func Sealed(class wire.Class, value []byte) ([]byte, error) {
	if class == wire.ClassContact {
		var c Contact
		err := c.Parse(value)
		return c.Secret, err
	}
	c, err := ParseCredentials(value)
	return c.Key, err
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
