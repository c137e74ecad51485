package command

import (
	"slices"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// Line is one command. Which fields count depends on the verb.
type Line struct {
	Text   string // as written, without the line break at its end
	Number int    // of its first line in the text, from 1
	Verb   Verb

	Paths    []lwm2m.Path // targets in the order written
	Values   []Value      // Write, WriteComposite, Create
	Instance lwm2m.Path   // Create: what is made; instance 65535: the client chooses
	Replace  bool         // Write: what is not given goes
	Passive  bool         // CancelObservation: by a reset to the next notification

	Arguments  []query.Argument  // Execute
	Attributes []query.Attribute // WriteAttributes; Observe: of this observation alone (1.2)
	// CancelAfter ends our observation of the path once WriteAttributes was
	// answered with success (the attribute named "cancel").
	CancelAfter bool
	Depth       int // Discover: 0 to 3, -1 for none

	// Format is what Serialization sets (FormatNone: the default again). In
	// other lines it is FormatNone after Parse; a caller that sets it goes
	// over the head of every preference.
	Format lwm2m.Format

	// Payload is the text of ExecuteLegacy and the bytes of WriteBinary. The
	// bytes of a WriteBinary line that names a File are put in by the caller,
	// who knows the files, before Request.
	Payload []byte
	File    string // WriteBinary: file ID, "" for none

	Raw *Raw // Coap
}

// Value is one value as it was written.
type Value struct {
	Path lwm2m.Path // resource or resource instance
	Text string     // without quotes, escapes resolved
	// Kind is what the notation says: String for quotes, Boolean, Integer or
	// Float for literals of JSON, None for a bare word.
	Kind  lwm2m.Kind
	Empty bool // {}: a resource without instances

	offset int // in Line.Text
}

// Local reports a line that sends nothing: Serialization, and a passive
// CancelObservation, which waits for the next notification. LocalResult is
// its result.
func (l *Line) Local() bool {
	return l.Verb == Serialization || l.Verb == CancelObservation && l.Passive
}

// Idempotent reports that the line's request may go out again when the fate
// of the first one is unknown (platform 10).
func (l *Line) Idempotent() bool { return l.Verb.Idempotent() }

// Observation is the set of paths of the observation that the line makes
// (Observe, ObserveComposite) or ends (Ends), in the order of PathSet. ok is
// false for other lines. format is Line.Format, FormatNone as a rule: then
// the Accept of the request that was answered is the one to remember.
func (l *Line) Observation() (paths []lwm2m.Path, format lwm2m.Format, ok bool) {
	switch {
	case l.Verb == Observe, l.Verb == ObserveComposite, l.Ends():
		return PathSet(l.Paths), l.Format, true
	}
	return nil, lwm2m.FormatNone, false
}

// Ends reports that the line's success ends the observation that Observation
// names.
func (l *Line) Ends() bool {
	return l.Verb == CancelObservation || l.Verb == WriteAttributes && l.CancelAfter
}

// PathSet sorts paths and drops repetitions: two observations with equal sets
// are the same one. The argument is not changed.
func PathSet(paths []lwm2m.Path) []lwm2m.Path {
	set := slices.Clone(paths)
	slices.SortFunc(set, lwm2m.Path.Compare)
	return slices.Compact(set)
}

// fail places an error that only the device's model shows at an offset of the
// line.
func (l *Line) fail(offset int, format string, args ...any) error {
	return errorAt(l.Text, offset, l.Number, format, args...)
}
