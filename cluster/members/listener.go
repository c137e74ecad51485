package members

import "fmt"

// Kind of an Event.
type Kind uint8

// What happened to a member. The own node is a member like all others.
const (
	Joined  Kind = iota + 1
	Left         // on its own will, which it had announced
	Failed       // without a word, or replaced by its next life
	Updated      // its address or metadata changed within the same life
)

func (k Kind) String() string {
	switch k {
	case Joined:
		return "joined"
	case Left:
		return "left"
	case Failed:
		return "failed"
	case Updated:
		return "updated"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is one change of the list. Of a member that is gone it has what was
// known last.
type Event struct {
	Kind   Kind
	Member Member
}

// Conflict is two nodes that claim the same name from two addresses, or the
// same ID under two names. It is reported once, and again after either of them
// has joined anew. With the same name only Existing is in the list, and hears
// nothing of it: the other nodes do, and the newcomer, for which it is itself
// the existing one.
type Conflict struct {
	Existing, Other Member
}

// Same says what both claim: "name" or "ID".
func (c Conflict) Same() string {
	if c.Existing.Name == c.Other.Name {
		return "name"
	}
	return "ID"
}

// Listener is told what happens, in order, from one goroutine; it may block,
// and call every method but Close. Functions that are nil are not called.
type Listener struct {
	// Changed has what changed, at least one event, and all members after it,
	// by name. It may keep both slices and must not change them.
	Changed func(events []Event, all []Member)
	// Conflict comes after the Changed that it belongs to.
	Conflict func(Conflict)
}
