package secure

import (
	"encoding/binary"
	"hash/maphash"

	"dormouse/codec/dtlsrec"
)

// audit remembers the last records of the server by their nonces.
type audit struct {
	most   int
	seen   []seen // a ring once it has most entries
	oldest int
	reused uint32
	stale  uint32
}

// seen is one record: what it was sealed under, and what it was.
type seen struct{ nonce, sum uint64 }

var sumSeed = maphash.MakeSeed()

func sumOf(record []byte) uint64 { return maphash.Bytes(sumSeed, record) }

// nonceOf is what must never repeat under a key: the explicit half of an AEAD
// nonce, which is in the record; in CBC the number that the MAC and, with
// dormouse, the IV are made from.
func nonceOf(s dtlsrec.Suite, h dtlsrec.Header, fragment []byte) uint64 {
	if s == dtlsrec.CBCSHA256 || len(fragment) < 8 {
		return uint64(h.Epoch)<<48 | h.Sequence
	}
	return binary.BigEndian.Uint64(fragment)
}

// find is the newest record under a nonce. The ring is searched whole: records
// are few between two looks, and nearly all are new.
func (a *audit) find(nonce uint64) (sum uint64, known bool) {
	for i := range a.seen {
		if a.seen[i].nonce == nonce {
			return a.seen[i].sum, true
		}
	}
	return 0, false
}

// remember keeps a record that was authentic, in place of the oldest where
// there is no room.
func (a *audit) remember(nonce, sum uint64) {
	if len(a.seen) < a.most {
		a.seen = append(a.seen, seen{nonce, sum})
		return
	}
	a.seen[a.oldest] = seen{nonce, sum}
	a.oldest = (a.oldest + 1) % a.most
}
