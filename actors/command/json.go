package command

import (
	"encoding/json"
	"strings"

	"dormouse/codec/lwm2m"
)

// member is one name of a JSON object with its value.
type member struct {
	name   string
	nameAt int // offset in the text
	item   item
}

// item is a JSON value: a scalar with its literal text, or an object.
type item struct {
	kind    lwm2m.Kind // String, Boolean, Integer or Float as the literal says; None: null or object
	text    string     // the literal, a string without its quotes
	at      int        // offset in the text
	object  bool
	members []member
}

// maxMembers bounds the names of one JSON object.
const maxMembers = 10000

// object reads a JSON object, at most depth objects deep. It is read token by
// token, because numbers must stay as they are written and errors need their
// place.
func (s *scanner) object(depth int) ([]member, error) {
	if s.peek() != '{' {
		return nil, s.fail(s.pos, "expected a JSON object {…}")
	}
	r := reader{scanner: s, base: s.pos, decoder: json.NewDecoder(strings.NewReader(s.text[s.pos:]))}
	r.decoder.UseNumber()
	root, err := r.item(depth)
	if err != nil {
		return nil, err
	}
	s.pos = r.base + int(r.decoder.InputOffset())
	return root.members, nil
}

// reader turns the tokens of encoding/json into items.
type reader struct {
	*scanner
	base    int
	decoder *json.Decoder
}

// next is the offset of the next token.
func (r *reader) next() int {
	i := r.base + int(r.decoder.InputOffset())
	for i < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[i]) >= 0 {
		i++
	}
	return i
}

func (r *reader) token() (json.Token, int, error) {
	at := r.next()
	t, err := r.decoder.Token()
	if err != nil {
		return nil, at, r.fail(at, "expected well-formed JSON: %v", err)
	}
	return t, at, nil
}

func (r *reader) item(depth int) (item, error) {
	t, at, err := r.token()
	if err != nil {
		return item{}, err
	}
	out := item{at: at}
	switch t := t.(type) {
	case json.Delim:
		if t != '{' || depth == 0 {
			return out, r.fail(at, "expected a string, a number, true or false")
		}
		out.object = true
		out.members, err = r.members(depth - 1)
	case string:
		out.kind, out.text = lwm2m.KindString, t
	case bool:
		out.kind, out.text = lwm2m.KindBoolean, lwm2m.Boolean(t).String()
	case json.Number:
		out.kind, out.text = lwm2m.KindInteger, t.String()
		if strings.ContainsAny(out.text, ".eE") {
			out.kind = lwm2m.KindFloat
		}
	}
	return out, err
}

// members reads up to the closing brace.
func (r *reader) members(depth int) ([]member, error) {
	var out []member
	seen := map[string]bool{}
	for r.decoder.More() {
		t, at, err := r.token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, r.fail(at, "expected a name in quotes")
		}
		if seen[name] {
			return nil, r.fail(at, "expected each name once, found %q again", shown(name))
		}
		if seen[name] = true; len(seen) > maxMembers {
			return nil, r.fail(at, "expected at most %d names", maxMembers)
		}
		value, err := r.item(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, member{name: name, nameAt: at, item: value})
	}
	_, _, err := r.token()
	return out, err
}
