package endpoint

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// ServedKey is the key of a shard's Served (wire.ClassMeta).
var ServedKey = []byte("served")

const (
	// LeastOutage is the shortest time without a mark that counts as an outage.
	// While a shard is served its mark is at most 10 s old; another leader is found
	// in less than the rest.
	LeastOutage = 15 * time.Second

	// MaxOutages bounds those that are remembered. The oldest are merged.
	MaxOutages = 16

	servedVersion = 1
)

// Served says in which time a shard could be heard: some node led it, ran and
// could commit. Lifetimes count that time alone (docs/formats/served.md). Times
// are whole milliseconds.
type Served struct {
	Until   time.Time // the newest mark, zero: none
	Outages Outages
}

// Outage is a time in which nobody could hear the devices of a shard. Begin is
// early by up to the age of the last mark.
type Outage struct{ Begin, End time.Time }

// Outages are ascending and do not touch.
type Outages []Outage

// Note takes the time since the mark for an outage, if it is long enough; gap is
// how long, 0 for none. As long as the mark stays, later calls make that outage
// longer. A clock that went back makes none.
func (s *Served) Note(now time.Time) (gap time.Duration) {
	now = wholeMilliseconds(now)
	if s.Until.IsZero() || now.Sub(s.Until) < LeastOutage {
		return 0
	}
	if n := len(s.Outages); n > 0 && !s.Outages[n-1].End.Before(s.Until) {
		last := &s.Outages[n-1]
		last.End = later(last.End, now)
	} else {
		s.Outages = append(s.Outages, Outage{s.Until, now})
	}
	if len(s.Outages) > MaxOutages {
		s.Outages.merge()
		s.Outages = slices.Delete(s.Outages, 0, 1)
	}
	return now.Sub(s.Until)
}

// Mark says that the shard is served now.
func (s *Served) Mark(now time.Time) { s.Until = wholeMilliseconds(now) }

// merge puts the time of the first outage right before the second. So the sum
// stays, and who spoke between the two loses nothing of the second. Whose end
// comes before the merged one begins has ended by now in either form.
func (o Outages) merge() { o[1].Begin = o[1].Begin.Add(o[0].Begin.Sub(o[0].End)) }

// Defer puts off a deadline that counts from a moment at which the device was
// heard: by all outages between the two, and by those that it meets so.
func (o Outages) Defer(from, deadline time.Time) time.Time {
	if n := len(o); n == 0 || !o[n-1].End.After(from) {
		return deadline // nearly always: the device spoke since
	}
	for _, x := range o {
		begin := later(x.Begin, from)
		if begin.After(deadline) {
			break
		}
		if x.End.After(begin) {
			deadline = deadline.Add(x.End.Sub(begin))
		}
	}
	return deadline
}

// Append appends the stored form (docs/formats/served.md).
func (s *Served) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, servedVersion), uint64(s.Until.UnixMilli()))
	for _, o := range s.Outages {
		dst = binary.BigEndian.AppendUint64(dst, uint64(o.Begin.UnixMilli()))
		dst = binary.BigEndian.AppendUint64(dst, uint64(o.End.UnixMilli()))
	}
	return dst
}

// ParseServed reads what Append wrote. A record of another version says nothing.
func ParseServed(b []byte) (s Served, err error) {
	if len(b) > 0 && b[0] != servedVersion {
		return Served{}, nil
	}
	f := wire.NewFields(b)
	f.Byte()
	s.Until = time.UnixMilli(int64(f.Uint64()))
	for f.Len() > 0 && len(s.Outages) <= MaxOutages {
		o := Outage{time.UnixMilli(int64(f.Uint64())), time.UnixMilli(int64(f.Uint64()))}
		if n := len(s.Outages); !o.Begin.Before(o.End) || n == MaxOutages || n > 0 && !s.Outages[n-1].End.Before(o.Begin) {
			f.Fail()
		}
		s.Outages = append(s.Outages, o)
	}
	if f.Err() != nil {
		return Served{}, ErrRecord
	}
	return s, nil
}

// ReadServed reads the record of a shard; where there is none it is empty.
func ReadServed(state State, shard ids.Shard) (served Served, err error) {
	raw, found, err := state.Get(shard, wire.ClassMeta, ServedKey, nil)
	if err == nil && found {
		served, err = ParseServed(raw)
	}
	if err != nil {
		return Served{}, fmt.Errorf("shard %d: read until when it was served: %w", shard, err)
	}
	return served, nil
}

// Resume begins to serve the shard: the time since its last mark is an outage,
// which is remembered in memory until the next mark is stored. inUse reports that
// there are devices, whose lifetimes need marks.
func (s *Shard) Resume(now time.Time) (gap time.Duration, inUse bool, err error) {
	if s.Served, err = ReadServed(s.Env.State, s.ID); err != nil {
		return 0, false, err
	}
	err = s.Env.State.Scan(s.ID, wire.ClassContact, nil, nil, false, func(_, _ []byte) bool {
		inUse = true
		return false
	})
	if err != nil {
		return 0, false, fmt.Errorf("shard %d: look for devices: %w", s.ID, err)
	}
	if !inUse {
		s.Served = Served{} // it would be about devices that are gone
		return 0, false, nil
	}
	gap = s.Served.Note(now)
	s.Served.Mark(now)
	return gap, inUse, nil
}

// wholeMilliseconds is t as records keep it; it has no monotonic clock, which
// stands still while a machine sleeps.
func wholeMilliseconds(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
