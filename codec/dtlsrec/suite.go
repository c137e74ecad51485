package dtlsrec

import (
	"crypto/sha256"
	"fmt"

	"github.com/pion/dtls/v2/pkg/crypto/prf"
)

// Suite is a cipher suite as ServerHello names it.
type Suite uint16

const (
	CCM8      Suite = 0xc0a8 // TLS_PSK_WITH_AES_128_CCM_8, RFC 6655
	CCM       Suite = 0xc0a4 // TLS_PSK_WITH_AES_128_CCM, RFC 6655
	GCM       Suite = 0x00a8 // TLS_PSK_WITH_AES_128_GCM_SHA256, RFC 5487
	CBCSHA256 Suite = 0x00ae // TLS_PSK_WITH_AES_128_CBC_SHA256, RFC 5487
)

// Known reports that records of the suite can be read here.
func (s Suite) Known() bool { return s == CCM8 || s == CCM || s == GCM || s == CBCSHA256 }

func (s Suite) String() string {
	switch s {
	case CCM8:
		return "TLS_PSK_WITH_AES_128_CCM_8"
	case CCM:
		return "TLS_PSK_WITH_AES_128_CCM"
	case GCM:
		return "TLS_PSK_WITH_AES_128_GCM_SHA256"
	case CBCSHA256:
		return "TLS_PSK_WITH_AES_128_CBC_SHA256"
	}
	return fmt.Sprintf("cipher suite 0x%04x", uint16(s))
}

const (
	keyLen    = 16 // AES-128
	saltLen   = 4  // the implicit half of an AEAD nonce
	masterLen = 48 // RFC 5246 section 8.1
)

// KeyBlockLen is how many bytes of key material a known suite wants: MAC keys,
// keys and salts, each for both directions (RFC 5246 section 6.3). Since TLS
// 1.1 the IV of CBC is in the record.
func (s Suite) KeyBlockLen() int {
	if s == CBCSHA256 {
		return 2*macLen + 2*keyLen
	}
	return 2*keyLen + 2*saltLen
}

// Secrets are what the handshake leaves for the records. Either Master and the
// randoms are given, or KeyBlock: then the others are not needed any more.
type Secrets struct {
	Suite        Suite
	Master       []byte // 48 bytes
	ClientRandom [32]byte
	ServerRandom [32]byte

	KeyBlock []byte // of Derive: 40 bytes, 96 for CBCSHA256
}

// Derive makes the key block, and forgets what it was made from: it is all that
// records need, it is a third of the size, and it tells nothing about the
// handshake. Secrets that were derived are returned as they are.
func (s Secrets) Derive() (Secrets, error) {
	if !s.Suite.Known() {
		return Secrets{}, fmt.Errorf("deriving keys of %v: %w", s.Suite, ErrSuite)
	}
	if s.KeyBlock != nil {
		if len(s.KeyBlock) != s.Suite.KeyBlockLen() {
			return Secrets{}, fmt.Errorf("key block of %d bytes for %v: %w", len(s.KeyBlock), s.Suite, ErrSuite)
		}
		return Secrets{Suite: s.Suite, KeyBlock: s.KeyBlock}, nil
	}
	if len(s.Master) != masterLen {
		return Secrets{}, fmt.Errorf("master secret of %d bytes: %w", len(s.Master), ErrSuite)
	}
	seed := append([]byte("key expansion"), s.ServerRandom[:]...)
	seed = append(seed, s.ClientRandom[:]...)
	block, err := prf.PHash(s.Master, seed, s.Suite.KeyBlockLen(), sha256.New)
	if err != nil {
		return Secrets{}, fmt.Errorf("deriving keys of %v: %w", s.Suite, err)
	}
	return Secrets{Suite: s.Suite, KeyBlock: block}, nil
}

// keys are those of one direction.
type keys struct{ mac, key, salt []byte }

// split cuts the key block into the client's and the server's half of each kind.
func (s Secrets) split() (client, server keys) {
	rest := s.KeyBlock
	cut := func(n int) []byte {
		field := rest[:n:n]
		rest = rest[n:]
		return field
	}
	if s.Suite == CBCSHA256 {
		client.mac, server.mac = cut(macLen), cut(macLen)
	}
	client.key, server.key = cut(keyLen), cut(keyLen)
	if s.Suite != CBCSHA256 {
		client.salt, server.salt = cut(saltLen), cut(saltLen)
	}
	return client, server
}
