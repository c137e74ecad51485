package dtlsrec

import (
	"encoding/binary"
	"fmt"
)

// Cipher opens the records of the peer and seals ours. It has scratch memory:
// one goroutine uses it at a time. It takes about 2 kB; sessions that sleep
// keep their Secrets instead.
type Cipher struct {
	read, write protection
}

// protection is one direction in one suite. Both functions work on the inner
// plaintext: with content type and zeros where h is a tls12_cid record.
type protection interface {
	// open appends the inner plaintext of a fragment to dst, which the fragment
	// does not overlap; or fails with ErrForged.
	open(dst []byte, h Header, fragment []byte) ([]byte, error)
	// seal appends the fragment for the inner plaintext content, then tail.
	seal(dst []byte, h Header, content, tail []byte) []byte
}

// NewCipher makes the cipher of a session of which we are the server, or the
// client. ErrSuite says that the secrets do not fit.
func NewCipher(s Secrets, server bool) (*Cipher, error) {
	s, err := s.Derive()
	if err != nil {
		return nil, err
	}
	theirs, ours := s.split()
	if !server {
		theirs, ours = ours, theirs
	}
	read, err := newProtection(s.Suite, theirs)
	if err != nil {
		return nil, fmt.Errorf("keys of the peer for %v: %w", s.Suite, err)
	}
	write, err := newProtection(s.Suite, ours)
	if err != nil {
		return nil, fmt.Errorf("own keys for %v: %w", s.Suite, err)
	}
	return &Cipher{read, write}, nil
}

func newProtection(s Suite, k keys) (protection, error) {
	if s == CBCSHA256 {
		return newCBC(k)
	}
	return newAEAD(s, k)
}

// Open appends the plaintext of a record to dst, which must not overlap the
// fragment, and tells what it carries: for a tls12_cid record the type from
// inside. On an error nothing of dst counts. ErrForged: it is not the peer's;
// ErrMalformed: the peer sealed something that is no record.
func (c *Cipher) Open(dst []byte, h Header, fragment []byte) (plaintext []byte, t ContentType, err error) {
	plaintext, err = c.read.open(dst, h, fragment)
	if err != nil {
		return nil, 0, err
	}
	t, end := h.Type, len(plaintext)
	if t == TypeCID {
		for end > len(dst) && plaintext[end-1] == 0 {
			end--
		}
		if end == len(dst) {
			return nil, 0, ErrMalformed
		}
		end--
		t = ContentType(plaintext[end])
	}
	if end-len(dst) > MaxPlaintext {
		return nil, 0, ErrMalformed
	}
	return plaintext[:end], t, nil
}

// Seal appends a whole record. With a CID, that of the peer, it is a tls12_cid
// record without padding, with an empty one a classic record. The pair of epoch
// and seq must never have been given to Seal before under the same secrets, in
// no process. The plaintext has at most MaxPlaintext bytes and does not overlap
// what is behind dst. Nothing is allocated if dst has room: MaxOverhead and the
// CID beside the plaintext.
func (c *Cipher) Seal(dst []byte, t ContentType, epoch uint16, seq uint64, cid, plaintext []byte) []byte {
	if seq > MaxSequence || len(plaintext) > MaxPlaintext || len(cid) > MaxCID {
		panic(fmt.Sprintf("dtlsrec: Seal of record %d with %d bytes and a CID of %d", seq, len(plaintext), len(cid)))
	}
	h := Header{Type: t, Epoch: epoch, Sequence: seq}
	var tail []byte
	if len(cid) > 0 {
		h.Type, h.CID = TypeCID, cid
		tail = innerTypes[t : t+1]
	}
	dst = h.Append(dst)
	at := len(dst)
	dst = c.write.seal(dst, h, plaintext, tail)
	binary.BigEndian.PutUint16(dst[at-2:], uint16(len(dst)-at))
	return dst
}

// MaxOverhead is the most by which a record is longer than its plaintext and
// CID: header, IV, content type, MAC and padding.
const MaxOverhead = HeaderLen + ivLen + 1 + macLen + ivLen

// innerTypes is every content type as a slice, so that none is allocated.
var innerTypes = func() (all [256]byte) {
	for i := range all {
		all[i] = byte(i)
	}
	return all
}()
