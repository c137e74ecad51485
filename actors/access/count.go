package access

import (
	"encoding/binary"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// Count is what is remembered of the failures of a subject, on one node or, as a
// record (wire.ClassLock, key: Subject), on all.
type Count struct {
	Failures uint32    // without a success between them
	Last     time.Time // of the last one
	Until    time.Time // nothing is tried before; zero: no lock
}

// Merge joins what two nodes know: the higher of each. It does not matter in which
// order, in which groups and how often counts are merged.
func (c Count) Merge(o Count) Count {
	c.Failures = max(c.Failures, o.Failures)
	c.Last, c.Until = later(c.Last, o.Last), later(c.Until, o.Until)
	return c
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Policy says when failures lock.
type Policy struct {
	Free   uint32        // failures that cost nothing
	First  time.Duration // the lock of the one behind them; each further one doubles it
	Most   time.Duration // the longest lock
	Forget time.Duration // without a failure or a lock: all is forgotten
}

// UserPolicy: a person mistypes; a guesser gets 5 tries, and one in 5 minutes when
// it has gone on for a while: some 300 a day.
var UserPolicy = Policy{Free: 5, First: time.Second, Most: 5 * time.Minute, Forget: time.Hour}

// SourcePolicy: many people may be behind one prefix, and a success does not reset
// it, or a guesser would log in as himself between guesses.
var SourcePolicy = Policy{Free: 50, First: time.Second, Most: 15 * time.Minute, Forget: time.Hour}

// Past says that a count is as good as none.
func (p Policy) Past(c Count, now time.Time) bool {
	return !now.Before(later(c.Last, c.Until).Add(p.Forget))
}

// Fail counts one more failure.
func (p Policy) Fail(c Count, now time.Time) Count {
	if p.Past(c, now) {
		c = Count{}
	}
	if c.Failures < 1<<31 {
		c.Failures++
	}
	c.Last = later(c.Last, now)
	if c.Failures > p.Free {
		c.Until = later(c.Until, now.Add(p.lock(c.Failures-p.Free)))
	}
	return c
}

// lock is how long the nth failure behind the free ones locks.
func (p Policy) lock(n uint32) time.Duration {
	d := p.First
	for ; n > 1 && d < p.Most; n-- {
		d *= 2
	}
	return min(d, p.Most)
}

// Append appends the stored form (docs/formats/access.md).
func (c *Count) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, version), uint64(c.Failures))
	return wire.AppendTime(wire.AppendTime(dst, c.Last), c.Until)
}

// ParseCount reads what Append wrote. ErrRecord is wrapped.
func ParseCount(b []byte) (c Count, err error) {
	f := wire.NewFields(b)
	v, n := f.Byte(), f.Uvarint()
	c = Count{Failures: uint32(n), Last: f.Time(), Until: f.Time()}
	if err := ended(&f, v, "lock"); err != nil {
		return Count{}, err
	}
	if n != uint64(c.Failures) {
		return Count{}, fmt.Errorf("%w: a lock of too many failures", ErrRecord)
	}
	return c, nil
}
