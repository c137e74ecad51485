package dtlsfront

import (
	"net/netip"
	"time"
)

// admission counts handshakes under way and failures, for the node and for each
// source prefix. It is given the time, and has no lock of its own.
type admission struct {
	maxHalfOpen, perPrefix, failuresPerMinute int

	halfOpen int
	prefixes map[netip.Prefix]*source
}

// source is a prefix that has handshakes under way or failed ones behind it.
type source struct {
	halfOpen int
	failures float64 // falls by failuresPerMinute a minute
	at       time.Time
}

// maxSources is the most prefixes that are remembered for their failures alone.
const maxSources = 1 << 14

func newAdmission(o Options) *admission {
	return &admission{o.MaxHalfOpen, o.PerPrefix, o.FailuresPerPrefix, 0, map[netip.Prefix]*source{}}
}

// admit counts a handshake that begins, unless there is no room.
func (a *admission) admit(p netip.Prefix, now time.Time) (Refusal, bool) {
	s := a.prefixes[p]
	switch {
	case a.halfOpen >= a.maxHalfOpen:
		return HalfOpenFull, false
	case s != nil && s.halfOpen >= a.perPrefix:
		return PrefixFull, false
	case s != nil && a.level(s, now)+1 > float64(a.failuresPerMinute):
		return TooManyFails, false
	}
	a.halfOpen++
	a.source(p, now).halfOpen++
	return 0, true
}

// end counts a handshake that was admitted as over.
func (a *admission) end(p netip.Prefix, now time.Time) {
	s := a.prefixes[p]
	a.halfOpen--
	s.halfOpen--
	if s.halfOpen == 0 && a.level(s, now) == 0 {
		delete(a.prefixes, p)
	}
}

// fail counts a wrong key or an unknown identity. It is called before end.
func (a *admission) fail(p netip.Prefix, now time.Time) {
	s := a.source(p, now)
	s.failures = a.level(s, now) + 1
	s.at = now
}

// level is what is left of the failures.
func (a *admission) level(s *source, now time.Time) float64 {
	return max(0, s.failures-now.Sub(s.at).Minutes()*float64(a.failuresPerMinute))
}

func (a *admission) source(p netip.Prefix, now time.Time) *source {
	s := a.prefixes[p]
	if s == nil {
		a.makeRoom(now)
		s = &source{at: now}
		a.prefixes[p] = s
	}
	return s
}

// makeRoom forgets the failures of a few prefixes when there are too many, in
// no order: those that are over, or else whichever comes first. Prefixes with
// handshakes under way are bounded by maxHalfOpen and stay.
func (a *admission) makeRoom(now time.Time) {
	if len(a.prefixes) < maxSources+a.maxHalfOpen {
		return
	}
	looked := 0
	for p, s := range a.prefixes {
		looked++
		if s.halfOpen == 0 && (a.level(s, now) == 0 || looked > 8) {
			delete(a.prefixes, p)
			return
		}
	}
}
