package dtlsrec

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
)

const (
	macLen    = sha256.Size
	hashBlock = sha256.BlockSize

	// lengthField is what ends the last block of SHA-256: the length in bits.
	lengthField = 8
	// stateAt is where the standard library puts the chaining value into a
	// stored hash, behind its magic; TestStoredHash holds it to that.
	stateAt = 4
)

// mac is HMAC-SHA256 whose message may end at a hidden place: an open CBC
// record knows neither its padding nor whether it is genuine, and the time that
// its check takes must tell neither (the attack known as Lucky Thirteen).
type mac struct {
	hash         hash.Hash
	inner, outer []byte // stored hashes behind the two blocks of the key
	state        []byte // scratch
	block        [hashBlock]byte
	sum          [macLen]byte
}

func newMAC(key []byte) (*mac, error) {
	m := &mac{hash: sha256.New()}
	var err error
	if m.inner, err = m.keyed(key, 0x36); err != nil {
		return nil, err
	}
	m.outer, err = m.keyed(key, 0x5c)
	return m, err
}

// keyed is the stored hash behind the key, padded with zeros, xor pad. Keys are
// macLen bytes, shorter than a block.
func (m *mac) keyed(key []byte, pad byte) ([]byte, error) {
	for i := range m.block {
		m.block[i] = pad
	}
	subtle.XORBytes(m.block[:], m.block[:], key)
	m.hash.Reset()
	m.hash.Write(m.block[:])
	return m.hash.(encoding.BinaryMarshaler).MarshalBinary()
}

func (m *mac) restore(state []byte) {
	if err := m.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		panic("dtlsrec: own hash: " + err.Error())
	}
}

// of is the MAC of head and body, valid until the next call.
func (m *mac) of(head, body []byte) []byte {
	m.restore(m.inner)
	m.hash.Write(head)
	m.hash.Write(body)
	m.hash.Sum(m.sum[:0])
	return m.finish()
}

// finish hashes the inner hash in sum again.
func (m *mac) finish() []byte {
	m.restore(m.outer)
	m.hash.Write(m.sum[:])
	return m.hash.Sum(m.sum[:0])
}

// ofHidden is of(head, body[:n]) where n is a secret between least and most.
// What it does and which memory it reads depend on the other arguments alone:
// it pads each block that may be the last one as if it were, and keeps the
// chaining value behind the one that is.
func (m *mac) ofHidden(head, body []byte, n, least, most int) []byte {
	m.restore(m.inner)
	first := (len(head) + least) / hashBlock // blocks before it are message for every n
	m.hash.Write(head[:min(len(head), first*hashBlock)])
	m.hash.Write(body[:max(0, first*hashBlock-len(head))])

	end := len(head) + n
	last := (end + lengthField) / hashBlock
	var bits [lengthField]byte
	binary.BigEndian.PutUint64(bits[:], uint64(hashBlock+end)*8)
	clear(m.sum[:])
	for i := first; i <= (len(head)+most+lengthField)/hashBlock; i++ {
		isLast := -byte(subtle.ConstantTimeEq(int32(i), int32(last)))
		m.fill(head, body[:most], i*hashBlock, end)
		for k, b := range bits { // upon zeros: message and mark end before them
			m.block[hashBlock-lengthField+k] |= b & isLast
		}
		m.hash.Write(m.block[:])
		m.keep(isLast)
	}
	return m.finish()
}

// fill makes the block of head‖body that starts at a place, as if the message
// ended at end: the mark 0x80 there, zeros behind.
func (m *mac) fill(head, body []byte, start, end int) {
	for j := range m.block {
		at := start + j
		var b byte
		switch {
		case at < len(head):
			b = head[at]
		case at < len(head)+len(body):
			b = body[at-len(head)]
		}
		inside := byte(subtle.ConstantTimeLessOrEq(at+1, end))
		mark := byte(subtle.ConstantTimeEq(int32(at), int32(end)))
		m.block[j] = b&-inside | 0x80&-mark
	}
}

// keep copies the chaining value into sum where mask is 0xff.
func (m *mac) keep(mask byte) {
	state, err := m.hash.(encoding.BinaryAppender).AppendBinary(m.state[:0])
	if err != nil {
		panic("dtlsrec: own hash: " + err.Error())
	}
	m.state = state
	for i := range m.sum {
		m.sum[i] |= state[stateAt+i] & mask
	}
}
