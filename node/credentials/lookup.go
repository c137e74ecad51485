package credentials

import (
	"crypto/rand"

	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
)

// decoy is a record that is nobody's: an unknown identity is led to it, so that
// it costs what a known one costs.
type decoy struct {
	record []byte
	place  []byte
}

// decoyKey is the length of the decoy's key, in bytes: a usual one.
const decoyKey = 16

func newDecoy(seal endpoint.Sealer) decoy {
	d := decoy{place: wire.EndpointKey(0)}
	var key [decoyKey]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	c := endpoint.Credentials{Endpoint: "decoy", Identity: "decoy", Key: seal.Seal(nil, key[:], endpoint.SealPlace(wire.ClassCredentials, d.place))}
	d.record = c.Append(nil)
	return d
}

// Lookup is the key of an identity, and the endpoint that it belongs to. serial
// is that of the credentials: a handshake is void when they have another one by
// its end. Unknown are identities that nobody has, whatever claim there is, and
// those whose records cannot be read. It reads the store and may block for as
// long as that takes.
func (s *Store) Lookup(identity []byte) (key []byte, name string, serial uint64, ok bool) {
	d := s.decoy()
	name, claimed := s.claimant(identity)
	e := s.env.Key.Endpoint(name)
	c, found, err := s.recordOf(s.state, e)
	if err != nil {
		s.logger.Warn("looking up a pre-shared key", "error", err)
	}
	place := wire.EndpointKey(e)
	known := claimed && found && c.Endpoint == name && c.Identity == string(identity)
	if !known {
		c, _ = endpoint.ParseCredentials(d.record) // ours
		place = d.place
	}
	key, err = c.Open(s.env.Seal, place)
	if err != nil {
		s.logger.Warn("looking up a pre-shared key", "error", err)
	}
	if !known || err != nil {
		return nil, "", 0, false
	}
	return key, name, c.Serial, true
}

// claimant is the endpoint that claims an identity; else one by the name of the
// identity, to be looked for all the same.
func (s *Store) claimant(identity []byte) (name string, claimed bool) {
	c, err := s.claim(s.env.Key.Identity(identity))
	if err != nil {
		s.logger.Warn("looking up a pre-shared key", "error", err)
	}
	if err != nil || c.Endpoint == "" || c.Identity != string(identity) {
		return string(identity), false
	}
	return c.Endpoint, true
}
