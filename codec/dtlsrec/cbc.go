package dtlsrec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"slices"
)

const (
	ivLen = aes.BlockSize
	// maxPadding is with its length byte.
	maxPadding = 256
)

// cbc is one direction of CBCSHA256: MAC, then padding, then encryption
// (RFC 5246 section 6.2.3.2, RFC 9146 section 5.1).
type cbc struct {
	mac        *mac
	encrypt    chained
	decrypt    chained
	number     [8]byte // scratch
	additional []byte  // scratch
}

// chained is what the standard library's CBC modes are, so that one of them
// serves all records.
type chained interface {
	cipher.BlockMode
	SetIV([]byte)
}

func newCBC(k keys) (*cbc, error) {
	block, err := aes.NewCipher(k.key)
	if err != nil {
		return nil, err
	}
	m, err := newMAC(k.mac)
	if err != nil {
		return nil, err
	}
	var iv [ivLen]byte
	return &cbc{
		mac:     m,
		encrypt: cipher.NewCBCEncrypter(block, iv[:]).(chained),
		decrypt: cipher.NewCBCDecrypter(block, iv[:]).(chained),
	}, nil
}

// seal writes an IV that only who has the MAC key can predict: the MAC of
// epoch‖sequence, new for every record. No other message to the MAC is as short
// as these 8 bytes.
func (c *cbc) seal(dst []byte, h Header, content, tail []byte) []byte {
	c.additional = h.appendAdditional(c.additional[:0], len(content)+len(tail))
	binary.BigEndian.PutUint64(c.number[:], h.number())
	iv := len(dst)
	dst = append(dst, c.mac.of(c.number[:], nil)[:ivLen]...)
	at := len(dst)
	dst = append(append(dst, content...), tail...)
	dst = append(dst, c.mac.of(c.additional, dst[at:])...)
	padding := ivLen - (len(dst)-at)%ivLen
	for range padding {
		dst = append(dst, byte(padding-1))
	}
	c.encrypt.SetIV(dst[iv:at])
	c.encrypt.CryptBlocks(dst[at:], dst[at:])
	return dst
}

// open takes the same time and the same way for every record of one length,
// until it is known whether the record is genuine.
func (c *cbc) open(dst []byte, h Header, fragment []byte) ([]byte, error) {
	// The length is public; it holds an IV, a MAC and a byte of padding.
	if len(fragment)%ivLen != 0 || len(fragment) < ivLen+macLen+ivLen {
		return nil, ErrForged
	}
	at := len(dst)
	size := len(fragment) - ivLen
	dst = slices.Grow(dst, size)[:at+size]
	body := dst[at:]
	c.decrypt.SetIV(fragment[:ivLen])
	c.decrypt.CryptBlocks(body, fragment[ivLen:])

	padding, good := paddingOf(body)
	most := size - macLen - 1
	least := max(0, size-macLen-maxPadding)
	n := size - macLen - padding
	c.additional = h.appendAdditional(c.additional[:0], n)
	got := hiddenMAC(body, n, least, most)
	want := c.mac.ofHidden(c.additional, body, n, least, most)
	if good&subtle.ConstantTimeCompare(got[:], want) != 1 {
		clear(body)
		return nil, ErrForged
	}
	return dst[:at+n], nil
}

// paddingOf is the length of the padding with its length byte, and 1 if every
// byte of it is right. Wrong padding counts as the shortest one, so that a MAC
// is checked all the same (RFC 5246 section 6.2.3.2).
func paddingOf(body []byte) (length, good int) {
	last := body[len(body)-1]
	var wrong byte
	for i := range min(maxPadding, len(body)) {
		inside := byte(subtle.ConstantTimeLessOrEq(i, int(last)))
		wrong |= (last ^ body[len(body)-1-i]) & -inside
	}
	good = subtle.ConstantTimeByteEq(wrong, 0)
	good &= subtle.ConstantTimeLessOrEq(int(last)+1+macLen, len(body))
	return subtle.ConstantTimeSelect(good, int(last)+1, 1), good
}

// hiddenMAC is body[n:n+macLen] without reading at a place that depends on n:
// all places where it may be are read into a ring, which is turned after that.
func hiddenMAC(body []byte, n, least, most int) (ring [macLen]byte) {
	for at := least; at < most+macLen; at++ {
		inside := byte(subtle.ConstantTimeLessOrEq(n, at) & subtle.ConstantTimeLessOrEq(at+1, n+macLen))
		ring[(at-least)%macLen] |= body[at] & -inside
	}
	turn := uint(n-least) % macLen
	for step := range 5 { // 2^5 = macLen
		mask := -byte(turn >> step & 1)
		before := ring
		for i := range ring {
			ring[i] = before[i]&^mask | before[(i+1<<step)%macLen]&mask
		}
	}
	return ring
}
