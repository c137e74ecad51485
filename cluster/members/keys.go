package members

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/memberlist"
)

// KeyLen is the length of a key: AES-256. MaxKeys bounds a keyring, for each
// packet of a stranger is tried with every key.
const (
	KeyLen  = 32
	MaxKeys = 8
)

// ErrNoKeys: the node was started without a key, and has none until its restart.
var ErrNoKeys = errors.New("members: started without keys")

// validKeys never has a key in its error.
func validKeys(keys [][]byte) error {
	if len(keys) > MaxKeys {
		return fmt.Errorf("members: %d keys, at most %d", len(keys), MaxKeys)
	}
	for i, key := range keys {
		if len(key) != KeyLen {
			return fmt.Errorf("members: key %d has %d bytes, it takes %d", i+1, len(key), KeyLen)
		}
	}
	return nil
}

// keyring replaces the keys of memberlist's, which goes on using them.
type keyring struct {
	mu   sync.Mutex // one replacement at a time
	ring *memberlist.Keyring
}

func newKeyring(keys [][]byte) (*keyring, error) {
	if err := validKeys(keys); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return &keyring{}, nil
	}
	ring, err := memberlist.NewKeyring(copies(keys), bytes.Clone(keys[0]))
	return &keyring{ring: ring}, err
}

func copies(keys [][]byte) (all [][]byte) {
	for _, key := range keys {
		all = append(all, bytes.Clone(key))
	}
	return all
}

// set makes keys the ring: the first encrypts, each decrypts. memberlist shifts
// its keys in place when one is removed, under the eyes of who reads them; the
// last can be removed without that. So those that go are brought behind the
// others first, by using the others once each.
func (k *keyring) set(keys [][]byte) error {
	if err := validKeys(keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("members: a keyring without keys")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring == nil {
		return ErrNoKeys
	}
	for _, key := range copies(keys) {
		if err := k.ring.AddKey(key); err != nil {
			return fmt.Errorf("members: adding a key: %w", err)
		}
	}
	return k.order(keys)
}

// order puts the first of keys first, and removes those not among them. While it
// does, another of keys may encrypt: whoever drops a key knows that the peers
// have all the others.
func (k *keyring) order(keys [][]byte) error {
	kept := len(unique(keys))
	use := keys[:1]
	if len(k.ring.GetKeys()) > kept {
		use = keys
	}
	for _, key := range slices.Backward(use) {
		if err := k.ring.UseKey(key); err != nil {
			return fmt.Errorf("members: using a key: %w", err)
		}
	}
	for all := k.ring.GetKeys(); len(all) > kept; all = k.ring.GetKeys() {
		if err := k.ring.RemoveKey(all[len(all)-1]); err != nil {
			return fmt.Errorf("members: removing a key: %w", err)
		}
	}
	return nil
}

func contains(keys [][]byte, key []byte) bool {
	return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
}

func unique(keys [][]byte) (all [][]byte) {
	for _, key := range keys {
		if !contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}
