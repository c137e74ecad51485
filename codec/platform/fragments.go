package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Fragment is one member of an object: its decoded name and its value as
// compact JSON, numbers to the letter.
type Fragment struct {
	Name string
	Raw  json.RawMessage
}

// Fragments are the members of one object in order, each name once. They are
// treated as immutable: every method that changes them returns others.
type Fragments []Fragment

// ParseFragments takes a JSON object apart; it copies what it keeps.
func ParseFragments(body []byte) (Fragments, error) {
	if err := check(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%w: not an object", ErrShape)
	}
	var list Fragments
	seen := make(map[string]bool)
	for dec.More() {
		f, err := parseMember(dec)
		if err != nil {
			return nil, err
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("%w: %q stands twice", ErrShape, f.Name)
		}
		if len(list) == MaxMembers {
			return nil, fmt.Errorf("%w: more than %d members", ErrBounds, MaxMembers)
		}
		seen[f.Name] = true
		list = append(list, f)
	}
	return list, nil
}

// parseMember reads one member; check has seen to it that the body is valid.
func parseMember(dec *json.Decoder) (f Fragment, err error) {
	t, err := dec.Token()
	name, ok := t.(string)
	if err != nil || !ok {
		return f, fmt.Errorf("%w: no member name", ErrSyntax)
	}
	if len(name) > MaxName {
		return f, fmt.Errorf("%w: a name of %d bytes", ErrBounds, len(name))
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return f, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return f, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return Fragment{name, compact.Bytes()}, nil
}

// Get is the value of a member, nil where there is none.
func (f Fragments) Get(name string) json.RawMessage {
	if i := f.index(name); i >= 0 {
		return f[i].Raw
	}
	return nil
}

func (f Fragments) index(name string) int {
	return slices.IndexFunc(f, func(g Fragment) bool { return g.Name == name })
}

// Text is the value of a string member; "" where it is absent or null. Any
// other value is ErrShape.
func (f Fragments) Text(name string) (string, error) {
	raw := f.Get(name)
	if raw == nil || isNull(raw) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("%w: %s is no string", ErrShape, name)
	}
	return s, nil
}

// Int is the value of an integer member, written as a number or as text;
// ok is false where it is absent or null. Any other value is ErrShape.
func (f Fragments) Int(name string) (v int64, ok bool, err error) {
	raw := f.Get(name)
	if raw == nil || isNull(raw) {
		return 0, false, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if text, err = f.Text(name); err != nil {
			return 0, false, err
		}
	}
	v, err = strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %s is no integer", ErrShape, name)
	}
	return v, true, nil
}

// Bool is the value of a Boolean member, false where it is absent or null.
func (f Fragments) Bool(name string) (bool, error) {
	switch raw := f.Get(name); {
	case raw == nil, isNull(raw), string(raw) == "false":
		return false, nil
	case string(raw) == "true":
		return true, nil
	}
	return false, fmt.Errorf("%w: %s is neither true nor false", ErrShape, name)
}

// With sets one member, in its place or at the end.
func (f Fragments) With(name string, raw json.RawMessage) Fragments {
	return f.Merge(Fragments{{name, raw}})
}

// Without leaves the named members out.
func (f Fragments) Without(names ...string) Fragments {
	var rest Fragments
	for _, g := range f {
		if !slices.Contains(names, g.Name) {
			rest = append(rest, g)
		}
	}
	return rest
}

// Merge replaces members by those of change in their place, appends new ones
// in their order, and removes those that change sets to null.
func (f Fragments) Merge(change Fragments) Fragments {
	merged := slices.Clone(f)
	for _, g := range change {
		i := merged.index(g.Name)
		switch {
		case isNull(g.Raw):
			if i >= 0 {
				merged = slices.Delete(merged, i, i+1)
			}
		case i >= 0:
			merged[i] = g
		default:
			merged = append(merged, g)
		}
	}
	return merged
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// Append appends the members as one JSON object: what ParseFragments reads.
func (f Fragments) Append(dst []byte) []byte {
	w := object{buf: append(dst, '{')}
	w.fragments(f)
	return w.close()
}
