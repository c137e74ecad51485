package provision

import (
	"encoding/json"
	"fmt"
	"slices"

	"dormouse/codec/platform"
)

// Parse reads a JSON object. Fields stand in it by their name, or in the object
// of their group, or in both with the same value. Numbers and Booleans may be
// given as strings, as forms send them; null and "" are as if absent. unknown are
// the members that are no fields, which are passed over. An error is Faults, or
// one of package platform where the body is no JSON object within its bounds.
func Parse(body []byte, rules Rules) (d Device, unknown []string, err error) {
	b := builder{rules: rules}
	if err := b.members(body); err != nil {
		return Device{}, b.unknown, err
	}
	return b.device, b.unknown, nil
}

// Change is the device with the fields of a JSON object in place of its own: null
// or "" takes one away, and servers are replaced as a whole. The keys must be in
// the device. Errors are those of Parse, and then nothing is changed.
func (d Device) Change(body []byte, rules Rules) (changed Device, unknown []string, err error) {
	b := builder{device: d, rules: rules, generated: d.Mode == PSKGenerated}
	if err := b.members(body); err != nil {
		return d, b.unknown, err
	}
	return b.device, b.unknown, nil
}

// members sets what stands in a body, and holds the whole against the rules.
func (b *builder) members(body []byte) error {
	f, err := platform.ParseFragments(body)
	if err != nil {
		return err
	}
	if raw := f.Get(serversName); raw != nil {
		b.list(raw)
	}
	object(b, devices, &b.device, "", f.Without(serversName))
	b.related()
	return b.faults.AsError()
}

// list reads the servers.
func (b *builder) list(raw json.RawMessage) {
	b.device.Servers = nil
	if isAbsent(raw) {
		return
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		b.faults = append(b.faults, Fault{Name: serversName, Reason: "must be a list"})
		return
	}
	if len(list) > MaxServers {
		b.faults = append(b.faults, Fault{Name: serversName, Reason: fmt.Sprintf("has %d servers, at most %d", len(list), MaxServers)})
		return
	}
	for i, raw := range list {
		var s Server
		if f, ok := b.fragments(raw, serverName(i)); ok {
			object(b, servers, &s, serverName(i), f)
		}
		b.device.Servers = append(b.device.Servers, s)
	}
}

// fragments takes an object apart; the body as a whole was checked before.
func (b *builder) fragments(raw json.RawMessage, name string) (platform.Fragments, bool) {
	f, err := platform.ParseFragments(raw)
	if err != nil {
		b.faults = append(b.faults, Fault{Name: name, Reason: "must be an object, each of its members once"})
		return nil, false
	}
	return f, true
}

// object sets the fields of v from its members.
func object[T any](b *builder, t *table[T], v *T, at string, f platform.Fragments) {
	given := make(map[int]string)
	for _, m := range f {
		if slices.Contains(t.groups, m.Name) {
			group(b, t, v, at, m, given)
			continue
		}
		single(b, t, v, at, "", m, given)
	}
}

// group sets the fields in a member that is an object.
func group[T any](b *builder, t *table[T], v *T, at string, m platform.Fragment, given map[int]string) {
	if isAbsent(m.Raw) {
		for i := range t.columns {
			if t.columns[i].Group == m.Name {
				t.columns[i].clear(v)
			}
		}
		return
	}
	f, ok := b.fragments(m.Raw, member(at, m.Name))
	if !ok {
		return
	}
	for _, inner := range f {
		single(b, t, v, at, m.Name, inner, given)
	}
}

// single sets one field. given has the texts of those that were set, for what
// stands in its group and outside.
func single[T any](b *builder, t *table[T], v *T, at, group string, m platform.Fragment, given map[int]string) {
	i := t.find(group, m.Name)
	if i < 0 {
		name := m.Name
		if group != "" {
			name = group + "." + name
		}
		b.unknown = append(b.unknown, member(at, name))
		return
	}
	c := &t.columns[i]
	s, reason := c.Field.scalar(m.Raw)
	before, twice := given[i]
	given[i] = s
	switch {
	case reason != "":
		c.clear(v)
		b.fault(&c.Field, at, reason)
	case twice && before != s && !b.faulty(member(at, c.Name)):
		b.fault(&c.Field, at, "is given twice, inside and outside of "+c.Group+", with two values")
	case twice:
	case s == "":
		c.clear(v)
	default:
		set(b, c, v, at, s)
	}
	if c.Kind == KindKey {
		b.generated = false // this one was not made here
	}
}

// scalar is a value as the text that stands for it in CSV.
func (f *Field) scalar(raw json.RawMessage) (text, reason string) {
	switch c := raw[0]; {
	case c == 'n':
		return "", ""
	case c == '"':
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", "is no text"
		}
		return text, ""
	case c == '{' || c == '[':
	case c == 't' || c == 'f':
		if f.Kind == KindBoolean || f.Kind == KindInteger { // whose own sentence is better
			return string(raw), ""
		}
	case f.Kind == KindInteger || f.Kind == KindBoolean:
		return string(raw), ""
	}
	return "", "must be " + article(f.Kind.json())
}

// json is the JSON type of a kind.
func (k Kind) json() string {
	switch k {
	case KindInteger:
		return "integer"
	case KindBoolean:
		return "boolean"
	}
	return "string"
}

func isAbsent(raw json.RawMessage) bool {
	return string(raw) == "null" || string(raw) == `""`
}

func article(word string) string {
	if word == "integer" {
		return "an " + word
	}
	return "a " + word
}
