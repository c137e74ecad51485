package access

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"time"
)

// Subject is what failures are counted by: a user's name, whether or not he exists,
// the two of a name and a source, or a source. It holds a hash of the name: people type passwords where names
// belong.
type Subject [17]byte

const (
	subjectUser   = 'u'
	subjectPair   = 'p'
	subjectSource = 's'
)

// Name is the subject of a user.
func Name(tenant, user string) (s Subject) {
	sum := sha256.Sum256([]byte(tenant + "/" + user))
	s[0] = subjectUser
	copy(s[1:], sum[:])
	return s
}

// Pair is the subject of a user at a source that he logged in from before: who
// attacks his name from elsewhere does not lock him out there.
func Pair(tenant, user string, source netip.Addr) (s Subject) {
	prefix := Source(source)
	sum := sha256.Sum256([]byte(tenant + "/" + user + "/" + string(prefix[:])))
	s[0] = subjectPair
	copy(s[1:], sum[:])
	return s
}

// Source is the subject of an address: its /24, or /64 of IPv6, which one person
// has for himself. An invalid address is a subject, too.
func Source(a netip.Addr) (s Subject) {
	s[0] = subjectSource
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 24
	}
	if p, err := a.Prefix(bits); err == nil {
		b := p.Addr().As16()
		copy(s[1:], b[:])
	}
	return s
}

// policy of a subject.
func (s *Subject) policy() Policy {
	if s[0] == subjectSource {
		return SourcePolicy
	}
	return UserPolicy
}

// Past says that a count of the subject is as good as none.
func (s *Subject) Past(c Count, now time.Time) bool { return s.policy().Past(c, now) }

// MaxSubjects bounds the users, and the sources, whose failures a node remembers;
// the one whose last failure is oldest goes.
const MaxSubjects = 1 << 14

// Limiter counts the failures that this node saw. Its owner guards it.
type Limiter struct {
	users, sources table
}

// NewLimiter makes one for most users and as many sources.
func NewLimiter(most int) *Limiter { return &Limiter{newTable(most), newTable(most)} }

func (l *Limiter) table(s *Subject) *table {
	if s[0] == subjectSource {
		return &l.sources
	}
	return &l.users
}

// Check answers how long the subject is locked still, 0: it is not. shared is what
// the cluster knows of it.
func (l *Limiter) Check(s Subject, shared Count, now time.Time) time.Duration {
	c := l.table(&s).get(s).Merge(shared)
	return max(0, c.Until.Sub(now))
}

// Fail counts a failure on top of what is known here and in the cluster. locked
// says that it locked the subject: others should know.
func (l *Limiter) Fail(s Subject, shared Count, now time.Time) (c Count, locked bool) {
	t := l.table(&s)
	before := t.get(s).Merge(shared)
	c = s.policy().Fail(before, now)
	t.set(s, c)
	return c, c.Until.After(before.Until)
}

// Undo takes back a failure that was counted before it was known to be none.
func (l *Limiter) Undo(s Subject) {
	t := l.table(&s)
	c := t.get(s)
	if c.Failures <= 1 {
		t.forget(s)
		return
	}
	if c.Failures--; c.Failures <= s.policy().Free {
		c.Until = time.Time{}
	}
	t.set(s, c)
}

// Count is what this node knows of a subject.
func (l *Limiter) Count(s Subject) Count { return l.table(&s).get(s) }

// Forget ends the count of a subject: it succeeded.
func (l *Limiter) Forget(s Subject) { l.table(&s).forget(s) }

// Len is how many subjects are remembered.
func (l *Limiter) Len() int { return len(l.users.at) + len(l.sources.at) }

// table is counts in the order of their last failure.
type table struct {
	most  int
	order *list.List // of *counted, newest first
	at    map[Subject]*list.Element
}

type counted struct {
	subject Subject
	count   Count
}

func newTable(most int) table { return table{most, list.New(), map[Subject]*list.Element{}} }

func (t *table) get(s Subject) Count {
	if e := t.at[s]; e != nil {
		return e.Value.(*counted).count
	}
	return Count{}
}

func (t *table) set(s Subject, c Count) {
	if e := t.at[s]; e != nil {
		e.Value.(*counted).count = c
		t.order.MoveToFront(e)
		return
	}
	if len(t.at) >= t.most {
		t.forget(t.order.Back().Value.(*counted).subject)
	}
	t.at[s] = t.order.PushFront(&counted{s, c})
}

func (t *table) forget(s Subject) {
	if e := t.at[s]; e != nil {
		t.order.Remove(e)
		delete(t.at, s)
	}
}
