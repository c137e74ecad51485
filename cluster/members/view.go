package members

import (
	"maps"
	"slices"
	"strings"
)

// sighting is what memberlist last said about a name. Of a member that is gone
// it has what was known last.
type sighting struct {
	member  Member
	present bool
}

// view is what the listener was told. It turns sightings into events: the
// difference between what was told and what is, however much lies between.
type view struct {
	told    map[string]Member
	clashes map[string]Conflict // told, by name
}

func newView() view {
	return view{told: map[string]Member{}, clashes: map[string]Conflict{}}
}

// take returns what is to be told of a name.
func (v *view) take(name string, s sighting) []Event {
	old, known := v.told[name]
	switch {
	case !known && !s.present: // came and went while nobody looked
		return nil
	case !known:
		v.told[name] = s.member
		return []Event{{Joined, s.member}}
	case !s.present:
		delete(v.told, name)
		return []Event{ended(old, s.member)}
	case !old.sameLife(s.member):
		v.told[name] = s.member
		return []Event{ended(old, old), {Joined, s.member}}
	case old != s.member:
		v.told[name] = s.member
		return []Event{{Updated, s.member}}
	}
	return nil
}

// ended is the end of a life, of which last was seen: perhaps of a later one,
// that nobody was told of.
func ended(life, last Member) Event {
	if life.sameLife(last) {
		life = last
	}
	if life.Leaving {
		return Event{Left, life}
	}
	return Event{Failed, life}
}

// joined returns the conflicts that a member brings along: others with its ID.
// A conflict about its name may be told anew.
func (v *view) joined(m Member) (twins []Conflict) {
	delete(v.clashes, m.Name)
	for _, other := range v.all() {
		if other.ID == m.ID && other.Name != m.Name {
			twins = append(twins, Conflict{Existing: other, Other: m})
		}
	}
	return twins
}

// clash reports a conflict about a name that was not told yet.
func (v *view) clash(c Conflict) bool {
	if v.clashes[c.Other.Name].Other == c.Other {
		return false
	}
	v.clashes[c.Other.Name] = c
	return true
}

// all members, by name.
func (v *view) all() []Member {
	return slices.SortedFunc(maps.Values(v.told), func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
}
