package report

import (
	"slices"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// Observation is one Observe or Observe-Composite of the server.
type Observation struct {
	Token     []byte
	Paths     []lwm2m.Path // one, but for a composite
	Composite bool
	Format    lwm2m.Format      // of the notifications
	Overrides []query.Attribute // of the request itself (LwM2M 1.2)

	Sequence  uint32 // of the last notification, 24 bits
	MessageID uint16 // of the last notification
	Confirmed time.Time
	Stored    []Record // what could not be sent

	told      []lwm2m.Node
	toldAt    time.Time
	pending   bool
	evaluated time.Time
	sample    int64  // what was evaluated last: measured values
	revision  uint32 // and written ones
}

// Record is what an observation would have told at a time.
type Record struct {
	At    time.Time
	Nodes []lwm2m.Node
}

// State is what may have changed since an observation looked last: the number of
// the sample (constant where nothing of it is measured) and of the last write.
type State struct {
	Sample   int64
	Revision uint32
}

// Told records a notification, or the answer that began the observation.
func (o *Observation) Told(now time.Time, nodes []lwm2m.Node, s State) {
	o.told, o.toldAt, o.pending = nodes, now, false
	o.evaluated, o.sample, o.revision = now, s.Sample, s.Revision
}

// Seen is the state that was looked at last, LookedAt when.
func (o *Observation) Seen() State         { return State{o.sample, o.revision} }
func (o *Observation) LookedAt() time.Time { return o.evaluated }

// Looks reports whether the values are to be looked at. A write counts at once,
// a sample when the shortest evaluation period is over; when the longest is over
// they are looked at anyhow.
func (o *Observation) Looks(now time.Time, set Settings, s State) bool {
	switch {
	case o.revision != s.Revision:
		return true
	case set.MaxEvaluation > 0 && !now.Before(o.evaluated.Add(set.MaxEvaluation)):
		return true
	}
	return o.sample != s.Sample && !now.Before(o.evaluated.Add(set.MinEvaluation))
}

// Look compares the values with what was told last.
func (o *Observation) Look(now time.Time, nodes []lwm2m.Node, s State, conditions Conditions) {
	o.evaluated, o.sample, o.revision = now, s.Sample, s.Revision
	o.pending = o.pending || differs(o.told, nodes, conditions)
}

// Due reports whether a notification is to be sent now.
func (o *Observation) Due(now time.Time, set Settings) bool {
	at := o.DueAt(set)
	return !at.IsZero() && !now.Before(at)
}

// DueAt is when a notification is to be sent, the zero time for not as things
// are.
func (o *Observation) DueAt(set Settings) time.Time {
	switch {
	case o.pending:
		return o.toldAt.Add(set.MinPeriod)
	case set.MaxPeriod > 0:
		return o.toldAt.Add(set.MaxPeriod)
	}
	return time.Time{}
}

// LooksAt is when to look again at measured values whose next sample comes at
// next: not before the shortest evaluation period is over, at the latest with
// the longest.
func (o *Observation) LooksAt(set Settings, next time.Time) time.Time {
	if least := o.evaluated.Add(set.MinEvaluation); next.Before(least) {
		next = least
	}
	if most := o.evaluated.Add(set.MaxEvaluation); set.MaxEvaluation > 0 && most.Before(next) {
		next = most
	}
	return next
}

// Next is the number of the next notification (RFC 7641 section 4.4).
func (o *Observation) Next() uint32 {
	o.Sequence = (o.Sequence + 1) & 0xffffff
	return o.Sequence
}

// Keep stores what could not be sent, the newest records that the settings
// allow.
func (o *Observation) Keep(r Record, set Settings) {
	o.Stored = append(o.Stored, r)
	if over := len(o.Stored) - set.History; over > 0 {
		o.Stored = slices.Delete(o.Stored, 0, over)
	}
}

// Conditions are those under which the observation tells of a change: where a
// resource is observed, those of each value; else those of the path.
func (o *Observation) Conditions(a *Attributes) Conditions {
	return func(leaf lwm2m.Path) []query.Attribute {
		at := leaf
		for _, p := range o.Paths {
			if p.Contains(leaf) && p.Len() < 3 {
				at = p
			}
		}
		return inherit(a.Effective(at), o.Overrides)
	}
}

// Settings are those of the observation.
func (o *Observation) Settings(a *Attributes, d Default) Settings {
	sets := make([][]query.Attribute, len(o.Paths))
	for i, p := range o.Paths {
		sets[i] = inherit(a.Effective(p), o.Overrides)
	}
	return SettingsOf(sets, d)
}

// Same reports whether another request observes the same.
func (o *Observation) Same(paths []lwm2m.Path, composite bool) bool {
	return o.Composite == composite && slices.Equal(o.Paths, paths)
}
