package filter

import (
	"bytes"
	"strings"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// Object is what a query is held against.
type Object interface {
	// Value is what stands under a name: id, type, name, owner, creationTime,
	// lastUpdated or a fragment. The zero Value stands for nothing.
	Value(name string) Value
}

// Grouped is an Object that knows its groups; without it no group holds.
type Grouped interface {
	// In reports that the object is an asset of the group or, where below, the
	// group itself or anywhere under it.
	In(group ids.Object, below bool) bool
}

// Managed is a managed object as an Object.
type Managed struct{ *platform.ManagedObject }

// Value is as Object wants it.
func (m Managed) Value(name string) Value {
	switch name {
	case "id":
		return TextValue(m.ID.String())
	case "type":
		return textOrNull(m.Type)
	case "name":
		return textOrNull(m.Name)
	case "owner":
		return textOrNull(m.Owner)
	case "creationTime":
		return TimeValue(m.Created)
	case "lastUpdated":
		return TimeValue(m.Updated)
	}
	for _, f := range m.Fragments {
		if f.Name == name {
			return JSONValue(f.Raw)
		}
	}
	return Value{}
}

// textOrNull is null for "", which the platform does not show.
func textOrNull(s string) Value {
	if s == "" {
		return Value{}
	}
	return TextValue(s)
}

// Begins reports that the name, the type or a fragment that is a text begins
// with text, in any case of letters.
func (m Managed) Begins(text string) bool {
	text = strings.ToLower(text)
	if strings.HasPrefix(strings.ToLower(m.Name), text) || strings.HasPrefix(strings.ToLower(m.Type), text) {
		return true
	}
	for _, f := range m.Fragments {
		if !bytes.HasPrefix(f.Raw, []byte{'"'}) {
			continue
		}
		if s, ok := unquote(f.Raw); ok && strings.HasPrefix(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}
