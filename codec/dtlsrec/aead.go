package dtlsrec

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

const (
	explicitLen = 8 // the half of the nonce that is in the record
	nonceLen    = saltLen + explicitLen
)

// aead is one direction of a CCM or GCM suite (RFC 6655 section 3, RFC 5288
// section 3): nonce = salt(4) explicit(8). Our explicit half is epoch‖sequence,
// which is never the same twice; the peer's is whatever it wrote.
type aead struct {
	aead       cipher.AEAD
	nonce      [nonceLen]byte // begins with the salt
	additional []byte         // scratch
}

func newAEAD(s Suite, k keys) (*aead, error) {
	block, err := aes.NewCipher(k.key)
	if err != nil {
		return nil, err
	}
	a := &aead{}
	copy(a.nonce[:], k.salt)
	switch s {
	case CCM8:
		a.aead = newCCM(block, 8)
	case CCM:
		a.aead = newCCM(block, 16)
	default:
		a.aead, err = cipher.NewGCM(block)
	}
	return a, err
}

func (a *aead) open(dst []byte, h Header, fragment []byte) ([]byte, error) {
	length := len(fragment) - explicitLen - a.aead.Overhead()
	if length < 0 {
		return nil, ErrForged
	}
	copy(a.nonce[saltLen:], fragment)
	a.additional = h.appendAdditional(a.additional[:0], length)
	plaintext, err := a.aead.Open(dst, a.nonce[:], fragment[explicitLen:], a.additional)
	if err != nil {
		return nil, ErrForged
	}
	return plaintext, nil
}

func (a *aead) seal(dst []byte, h Header, content, tail []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, h.number())
	copy(a.nonce[saltLen:], dst[len(dst)-explicitLen:])
	at := len(dst)
	dst = append(append(dst, content...), tail...)
	a.additional = h.appendAdditional(a.additional[:0], len(dst)-at)
	return a.aead.Seal(dst[:at], a.nonce[:], dst[at:], a.additional)
}
