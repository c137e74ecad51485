package secure

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Credential is what one device proves itself by.
type Credential struct {
	Endpoint string
	Identity string
	Key      []byte
}

// Credentials are those of many devices, made from their names: by the devices
// and by whoever provisions them.
type Credentials struct {
	Identity string // with {endpoint} for the device's name; "": the name
	Key      []byte // of all of them; nil: each has one by DeriveKey
	Seed     string // for DeriveKey
}

// Of is the credential of a device.
func (c Credentials) Of(endpoint string) Credential {
	identity := endpoint
	if c.Identity != "" {
		identity = strings.ReplaceAll(c.Identity, "{endpoint}", endpoint)
	}
	key := c.Key
	if key == nil {
		key = DeriveKey(c.Seed, identity)
	}
	return Credential{endpoint, identity, key}
}

// KeyLength is the length of derived keys, bytes.
const KeyLength = 16

// DeriveKey makes the key of an identity from a seed: the same in every process,
// and another one for every identity. It keeps nothing secret from who has the
// seed: keys for trials alone.
func DeriveKey(seed, identity string) []byte {
	h := sha256.New()
	for _, part := range []string{"dormouse-bench psk", seed, identity} {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:KeyLength]
}
