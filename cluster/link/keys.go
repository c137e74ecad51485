package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"dormouse/codec/wire"
)

// KeySize is the length of a cluster key in bytes. It is to be random: it is
// not stretched.
const KeySize = 32

// MaxKeys is the number of keys that a ring may hold: more than two are there
// only while a rotation overtakes another.
const MaxKeys = 4

// ErrRing is wrapped by errors about key rings. None holds a key.
var ErrRing = errors.New("link: malformed key ring")

// Labels of what is derived from a cluster key (RFC 5869 "info").
const (
	labelFrame = "dormouse link 2 frame"
	labelID    = "dormouse link 2 key id"
)

// keyID tells cluster keys apart, and nothing of them.
type keyID [4]byte

// Ring holds the cluster keys: the first seals, all open. To replace a key, put
// the new one behind the old at every node, then in front, then drop the old.
// A Ring is not changed after it was made.
type Ring struct{ keys []clusterKey }

type clusterKey struct {
	id     keyID
	secret []byte
}

// NewRing makes a ring of 1 to MaxKeys different keys of KeySize bytes.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%w: %d keys, want 1 to %d", ErrRing, len(keys), MaxKeys)
	}
	r := &Ring{}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, not %d", ErrRing, i+1, len(key), KeySize)
		}
		k := clusterKey{secret: append([]byte(nil), key...)}
		copy(k.id[:], derive(key, labelID, len(k.id)))
		for _, other := range r.keys {
			if other.id == k.id {
				return nil, fmt.Errorf("%w: key %d is there twice", ErrRing, i+1)
			}
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

// String says how many keys there are. Printing a ring shows none.
func (r *Ring) String() string { return fmt.Sprintf("%d cluster keys", len(r.keys)) }

// GoString is String: "%#v" shows none, either.
func (r *Ring) GoString() string { return r.String() }

// derive is HKDF-SHA256 without salt: cluster keys are random already.
func derive(secret []byte, info string, size int) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, info, size)
	if err != nil {
		panic(fmt.Sprintf("link: derive %d bytes: %v", size, err)) // too many bytes, or a hash that FIPS forbids
	}
	return key
}

// direction is the cipher of the frames that one node sends to another, both in
// one of their lives.
type direction struct {
	id   keyID
	aead cipher.AEAD
}

// direction derives the cipher: the info is the label, then ID and incarnation
// of sender and receiver, eight bytes each.
func (k *clusterKey) direction(sender, receiver wire.Node) direction {
	info := receiver.Append(sender.Append([]byte(labelFrame)))
	block, err := aes.NewCipher(derive(k.secret, string(info), 32))
	if err != nil {
		panic(err) // only for a key of another size
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a cipher of another block size
	}
	return direction{k.id, aead}
}

// directions derives a cipher for each key of the ring, in its order.
func (r *Ring) directions(sender, receiver wire.Node) []direction {
	all := make([]direction, len(r.keys))
	for i := range r.keys {
		all[i] = r.keys[i].direction(sender, receiver)
	}
	return all
}
