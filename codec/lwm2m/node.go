package lwm2m

import (
	"slices"
	"time"
)

// Stamp is the time that a device gave to a value, in nanoseconds. 0 means
// none. Below RelativeBelow it counts from "now" at the receiver, as RFC 8428
// section 4.5.3 has it, and may be negative; from there on it counts from the
// Unix epoch.
type Stamp int64

// RelativeBelow is 2^28 s: the bound between relative and absolute times.
const RelativeBelow Stamp = (1 << 28) * Stamp(time.Second)

// Resolve turns a stamp into a point in time, given the time of reception.
// ok is false where the device gave none.
func (s Stamp) Resolve(now time.Time) (at time.Time, ok bool) {
	switch {
	case s == 0:
		return now, false
	case s < RelativeBelow:
		return now.Add(time.Duration(s)), true
	}
	return time.Unix(0, int64(s)), true
}

// Node is one value at a resource or resource instance, or an empty container
// (KindNone) at any path.
type Node struct {
	Path  Path
	Value Value
	At    Stamp
}

// Types tells the data type of a resource. Path has at least three IDs; the
// fourth is ignored. Unknown resources are KindNone.
type Types interface {
	KindOf(Path) Kind
	// Multiple reports whether the resource has resource instances.
	Multiple(Path) bool
}

// Untyped knows no resource: every format falls back to what its bytes say.
type Untyped struct{}

func (Untyped) KindOf(Path) Kind   { return KindNone }
func (Untyped) Multiple(Path) bool { return false }

// SortNodes orders by path, then by stamp, oldest first; it is stable.
func SortNodes(nodes []Node) {
	slices.SortStableFunc(nodes, func(a, b Node) int {
		if c := a.Path.Compare(b.Path); c != 0 {
			return c
		}
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
}
