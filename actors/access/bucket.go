package access

import "time"

// Bucket bounds a rate: it holds one second's worth, and refills all the time. The
// zero Bucket is full. Its owner guards it.
type Bucket struct {
	used float64 // requests that were not refilled yet
	at   time.Time
}

// Take takes one request of rate a second; 0 is no bound. It answers how long to
// wait where there is none left.
func (b *Bucket) Take(rate int64, now time.Time) time.Duration {
	if rate <= 0 {
		return 0
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-passed.Seconds()*float64(rate))
		b.at = now
	}
	if over := b.used + 1 - float64(rate); over > 0 {
		return time.Duration(over/float64(rate)*float64(time.Second)) + 1
	}
	b.used++
	return 0
}
