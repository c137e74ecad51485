package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a key in bytes (AES-256).
const KeySize = 32

// Overhead is what sealing adds to a text, in bytes.
const Overhead = 1 + idSize + nonceSize + tagSize

const (
	version   = 1
	idSize    = 4
	nonceSize = 12
	tagSize   = 16
)

var (
	// ErrKey: the text was sealed under a key that is not in the ring.
	ErrKey = errors.New("seal: sealed under another key")
	// ErrSealed: the text is cut, was changed, or belongs somewhere else.
	ErrSealed = errors.New("seal: sealed text is damaged")
	// ErrRing is wrapped by errors about key files.
	ErrRing = errors.New("seal: malformed key ring")
)

// Ring holds the keys. It is not changed after it was made, and may be used
// concurrently.
type Ring struct {
	first keyID
	keys  map[keyID]cipher.AEAD
}

// keyID is the beginning of the key's SHA-256: it tells keys apart and nothing
// of the key.
type keyID [idSize]byte

// New makes a ring; the first key seals.
func New(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: it holds no key", ErrRing)
	}
	r := &Ring{keys: make(map[keyID]cipher.AEAD, len(keys))}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, not %d", ErrRing, i+1, len(key), KeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("seal: make a cipher of key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("seal: make a cipher of key %d: %w", i+1, err)
		}
		sum := sha256.Sum256(key)
		id := keyID(sum[:idSize])
		if i == 0 {
			r.first = id
		}
		r.keys[id] = aead
	}
	return r, nil
}

// Parse reads a key file: one key of 64 hex digits a line, the first seals.
// Empty lines and lines that begin with # count for nothing.
func Parse(text string) (*Ring, error) {
	var keys [][]byte
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := hex.DecodeString(line)
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("%w: line %d is not a key of %d hex digits", ErrRing, number, 2*KeySize)
		}
		keys = append(keys, key)
	}
	return New(keys...)
}

// Seal appends text, sealed for the place that data names. Nonces are random:
// under one key 2^32 texts may be sealed (NIST SP 800-38D, 8.3).
func (r *Ring) Seal(dst, text, data []byte) []byte {
	dst = append(dst, version)
	dst = append(dst, r.first[:]...)
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails (crypto/rand)
	dst = append(dst, nonce[:]...)
	return r.keys[r.first].Seal(dst, nonce[:], text, data)
}

// Open appends the text that was sealed for the place that data names.
func (r *Ring) Open(dst, sealed, data []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return dst, ErrSealed
	}
	aead, known := r.keys[keyID(sealed[1:1+idSize])]
	if !known {
		return dst, ErrKey
	}
	nonce := sealed[1+idSize : 1+idSize+nonceSize]
	out, err := aead.Open(dst, nonce, sealed[1+idSize+nonceSize:], data)
	if err != nil {
		return dst, ErrSealed
	}
	return out, nil
}

// Current reports whether the text was sealed under the key that seals now.
func (r *Ring) Current(sealed []byte) bool {
	return len(sealed) >= Overhead && keyID(sealed[1:1+idSize]) == r.first
}
