package access

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Bounds of passwords, in bytes. Each verification reads the whole password.
const (
	MinPassword = 8
	MaxPassword = 256
)

// CheckPassword says whether a password may be set. ErrInvalid is wrapped.
func CheckPassword(user string, password Secret) error {
	switch {
	case len(password) < MinPassword || len(password) > MaxPassword:
		return invalid("a password has %d to %d bytes", MinPassword, MaxPassword)
	case strings.EqualFold(string(password), user):
		return invalid("a password is not the user's name")
	}
	return nil
}

// Cost is that of one Argon2id (RFC 9106).
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultCost takes some 20 ms and 19 MiB: the least that OWASP's Password Storage
// Cheat Sheet recommends, for a node verifies many.
var DefaultCost = Cost{Memory: 19 * 1024, Time: 2, Threads: 1}

// Bounds of what a stored hash may cost, so that a record that was tampered with
// does not take a node down, and lengths, in bytes.
const (
	maxMemory  = 256 * 1024
	maxTime    = 16
	maxThreads = 16
	SaltLen    = 16
	hashLen    = 32
)

// hash is a stored hash that was taken apart.
type hash struct {
	cost      Cost
	salt, sum []byte
}

var phc = base64.RawStdEncoding.Strict()

// HashPassword is the PHC string of a password: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
// salt are SaltLen random bytes.
func HashPassword(password Secret, salt []byte, c Cost) Secret {
	sum := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, hashLen)
	return Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, c.Memory, c.Time, c.Threads, phc.EncodeToString(salt), phc.EncodeToString(sum)))
}

// Verify says whether the password is that of the hash, in a time that does not
// depend on where they differ.
func Verify(h, password Secret) bool {
	parsed, err := parseHash(h)
	if err != nil || len(password) > MaxPassword {
		return false
	}
	c := parsed.cost
	sum := argon2.IDKey([]byte(password), parsed.salt, c.Time, c.Memory, c.Threads, uint32(len(parsed.sum)))
	return subtle.ConstantTimeCompare(sum, parsed.sum) == 1
}

// Weaker says that a hash cost less than hashes made now do: the next login makes
// another one.
func Weaker(h Secret, c Cost) bool {
	parsed, err := parseHash(h)
	return err == nil && (parsed.cost.Memory < c.Memory || parsed.cost.Time < c.Time)
}

// Decoy is a hash that no password has, for it was not made of one. To verify
// against it costs what it costs against a true one.
func Decoy(random [SaltLen + hashLen]byte, c Cost) Secret {
	return Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads,
		phc.EncodeToString(random[:SaltLen]), phc.EncodeToString(random[SaltLen:])))
}

// parseHash takes a PHC string apart. It must be written as HashPassword writes
// it. The error does not show it.
func parseHash(s Secret) (h hash, err error) {
	fields := strings.Split(string(s), "$")
	if len(fields) != 6 {
		return hash{}, invalid("a password's hash has five parts")
	}
	c := &h.cost
	head := strings.Join(fields[1:4], "$")
	if _, err := fmt.Sscanf(head, "argon2id$v=19$m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil ||
		head != fmt.Sprintf("argon2id$v=19$m=%d,t=%d,p=%d", c.Memory, c.Time, c.Threads) || fields[0] != "" {
		return hash{}, invalid("a password's hash is argon2id of version 19")
	}
	if c.Threads < 1 || c.Threads > maxThreads || c.Time < 1 || c.Time > maxTime || c.Memory < 8*uint32(c.Threads) || c.Memory > maxMemory {
		return hash{}, invalid("a password's hash costs more or less than it may")
	}
	var bad error
	h.salt, err = phc.DecodeString(fields[4])
	h.sum, bad = phc.DecodeString(fields[5])
	if err != nil || bad != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.sum) < 16 || len(h.sum) > 64 {
		return hash{}, invalid("a password's hash has salt and sum in base64")
	}
	return h, nil
}
