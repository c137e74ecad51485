package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// Verified remembers for a time what was verified. First, passwords that were verified, so that a client that sends one
// with each request does not cost an Argon2 each. What it keeps is a keyed hash of
// the password together with the stored hash and the source: nobody gets a password
// out of it without the key, a changed password is not in it, nor one that is sent
// from elsewhere. Second, who was let in from where. What is remembered first is
// forgotten first. Its owner guards it.
type Verified struct {
	key  [32]byte
	keep time.Duration
	ring []Proof // oldest at next
	next int
	till map[Proof]time.Time
}

// Proof stands for a user, his password, the hash of it that is stored, and a
// source prefix.
type Proof [sha256.Size]byte

const (
	// VerifiedFor is how long a password is remembered.
	VerifiedFor = 5 * time.Minute
	// KnownFor is how long it is remembered that somebody was let in from a source.
	KnownFor = 24 * time.Hour
	// MaxVerified bounds what is remembered; the oldest goes.
	MaxVerified = 1 << 14
)

// NewVerified makes an empty memory that keeps at most most proofs. key are random
// bytes of this process.
func NewVerified(key [32]byte, keep time.Duration, most int) *Verified {
	return &Verified{key: key, keep: keep, ring: make([]Proof, most), till: map[Proof]time.Time{}}
}

// Proof makes a proof of a password. It needs no guard.
func (v *Verified) Proof(u *User, password Secret, source netip.Addr) (p Proof) {
	mac := hmac.New(sha256.New, v.key[:])
	prefix := Source(source)
	for _, s := range []string{u.Tenant, u.Name, string(u.Hash), string(prefix[:]), string(password)} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		mac.Write(n[:])
		mac.Write([]byte(s))
	}
	mac.Sum(p[:0])
	return p
}

// From makes the proof of somebody, or a token, who was let in from a source.
func (v *Verified) From(tenant, name string, source netip.Addr) Proof {
	return v.Proof(&User{Tenant: tenant, Name: name}, "", source)
}

// Has says that the proof was added in the time that is remembered.
func (v *Verified) Has(p Proof, now time.Time) bool {
	till, found := v.till[p]
	return found && now.Before(till)
}

// Add remembers what was just verified. It does not renew what is remembered.
func (v *Verified) Add(p Proof, now time.Time) {
	if v.Has(p, now) {
		return
	}
	delete(v.till, v.ring[v.next])
	v.ring[v.next] = p
	v.next = (v.next + 1) % len(v.ring)
	v.till[p] = now.Add(v.keep)
}

// Len is how many are remembered.
func (v *Verified) Len() int { return len(v.till) }
