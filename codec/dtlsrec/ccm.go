package dtlsrec

import (
	"crypto/cipher"
	"crypto/subtle"
	"slices"
)

const (
	blockLen = 16
	// lengthLen is L of RFC 3610: what the nonce leaves of a block for the
	// length of the message and the count of its blocks.
	lengthLen = blockLen - 1 - nonceLen
)

// ccm is AES in counter mode with CBC-MAC (RFC 3610) for nonces of 12 bytes, a
// cipher.AEAD. Pion's, which the tests hold against it, allocates five times
// a record; this one has scratch blocks, and so serves one goroutine.
type ccm struct {
	block   cipher.Block
	tagLen  int
	mac     [blockLen]byte // the CBC-MAC so far
	counter [blockLen]byte // A_i
	stream  [blockLen]byte // S_i
}

func newCCM(block cipher.Block, tagLen int) *ccm { return &ccm{block: block, tagLen: tagLen} }

func (c *ccm) NonceSize() int { return nonceLen }

func (c *ccm) Overhead() int { return c.tagLen }

// Seal appends ciphertext and tag. The plaintext may be what follows dst in
// memory, or must not overlap it.
func (c *ccm) Seal(dst, nonce, plaintext, additional []byte) []byte {
	c.authenticate(nonce, plaintext, additional)
	at := len(dst)
	dst = slices.Grow(dst, len(plaintext)+c.tagLen)[:at+len(plaintext)]
	c.crypt(dst[at:], nonce, plaintext)
	return append(dst, c.mac[:c.tagLen]...)
}

// Open appends the plaintext, if the tag is right. The ciphertext must not
// overlap what is behind dst.
func (c *ccm) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	n := len(ciphertext) - c.tagLen
	if n < 0 {
		return nil, ErrForged
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	c.mac = [blockLen]byte{}
	c.crypt(dst[at:], nonce, ciphertext[:n])
	first := c.mac // S_0: it was put upon zeros
	c.authenticate(nonce, dst[at:], additional)
	subtle.XORBytes(c.mac[:], c.mac[:], first[:])
	if subtle.ConstantTimeCompare(c.mac[:c.tagLen], ciphertext[n:]) != 1 {
		clear(dst[at:]) // nothing unverified is left in the caller's memory
		return nil, ErrForged
	}
	return dst, nil
}

// authenticate leaves in mac the CBC-MAC of B_0, the additional data and the
// plaintext (RFC 3610 section 2.2). The additional data of a record is shorter
// than 0xff00 bytes, the plaintext than 2^24.
func (c *ccm) authenticate(nonce, plaintext, additional []byte) {
	n := len(plaintext)
	c.mac[0] = 1<<6 | byte(c.tagLen-2)/2<<3 | lengthLen - 1
	copy(c.mac[1:], nonce)
	c.mac[13], c.mac[14], c.mac[15] = byte(n>>16), byte(n>>8), byte(n)
	c.block.Encrypt(c.mac[:], c.mac[:])

	c.mac[0] ^= byte(len(additional) >> 8)
	c.mac[1] ^= byte(len(additional))
	k := subtle.XORBytes(c.mac[2:], c.mac[2:], additional)
	c.block.Encrypt(c.mac[:], c.mac[:])
	c.chain(additional[k:])
	c.chain(plaintext)
}

// chain puts data, filled up with zeros, into the MAC.
func (c *ccm) chain(data []byte) {
	for len(data) > 0 {
		data = data[subtle.XORBytes(c.mac[:], c.mac[:], data):]
		c.block.Encrypt(c.mac[:], c.mac[:])
	}
}

// crypt puts the stream S_1, S_2... upon src and S_0 upon mac (section 2.3).
func (c *ccm) crypt(dst, nonce, src []byte) {
	c.counter[0] = lengthLen - 1
	copy(c.counter[1:], nonce)
	for i := 0; ; i++ {
		c.counter[13], c.counter[14], c.counter[15] = byte(i>>16), byte(i>>8), byte(i)
		c.block.Encrypt(c.stream[:], c.counter[:])
		if i == 0 {
			subtle.XORBytes(c.mac[:], c.mac[:], c.stream[:])
		} else {
			n := subtle.XORBytes(dst, src, c.stream[:])
			dst, src = dst[n:], src[n:]
		}
		if len(src) == 0 {
			return
		}
	}
}
