package exchange

import "time"

// freshAge is when a notification is newer whatever its number says.
const freshAge = 128 * time.Second

// Fresher reports whether a notification numbered seq that came at now is newer
// than the last one taken (RFC 7641 section 3.4). Numbers have 24 bits and wrap.
func Fresher(lastSeq uint32, lastAt time.Time, seq uint32, now time.Time) bool {
	const half = 1 << 23
	return lastSeq < seq && seq-lastSeq < half ||
		lastSeq > seq && lastSeq-seq > half ||
		now.After(lastAt.Add(freshAge))
}
