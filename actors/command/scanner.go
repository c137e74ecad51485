package command

import (
	"encoding/json"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// scanner reads a text word by word. It stops at the line break; only a JSON
// object takes it beyond (json.go).
type scanner struct {
	text   string // line breaks are "\n"
	start  int    // offset of the line
	number int    // of the line, from 1
	pos    int

	written map[lwm2m.Path]bool // paths that the line gave a value
}

// fail places an error at an offset of the text.
func (s *scanner) fail(offset int, format string, args ...any) error {
	return errorAt(s.text[s.start:], offset-s.start, s.number, format, args...)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// atEnd reports the end of the line or of the text.
func (s *scanner) atEnd() bool { return s.pos == len(s.text) || s.text[s.pos] == '\n' }

// blanks skips blanks between two words. Those behind the last word are an
// error, since they could be meant as part of a value.
func (s *scanner) blanks() error {
	start := s.pos
	for !s.atEnd() && isBlank(s.text[s.pos]) {
		s.pos++
	}
	if s.pos > start && s.atEnd() {
		return s.fail(start, "expected the end of the line, found blanks")
	}
	return nil
}

// word is the next word and its offset, "" at the end of the line.
func (s *scanner) word() (string, int, error) {
	if err := s.blanks(); err != nil {
		return "", s.pos, err
	}
	start := s.pos
	for !s.atEnd() && !isBlank(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos], start, nil
}

// peek is the next character of the line, 0 at its end.
func (s *scanner) peek() byte {
	if s.atEnd() {
		return 0
	}
	return s.text[s.pos]
}

// rest is what is left of the line and its offset.
func (s *scanner) rest() (string, int, error) {
	if err := s.blanks(); err != nil {
		return "", s.pos, err
	}
	start := s.pos
	for !s.atEnd() {
		s.pos++
	}
	end := s.pos
	for end > start && isBlank(s.text[end-1]) {
		end--
	}
	if end < s.pos {
		return "", start, s.fail(end, "expected the end of the line, found blanks (quote a value that ends in blanks)")
	}
	return s.text[start:end], start, nil
}

// end accepts the end of the line only.
func (s *scanner) end() error {
	if err := s.blanks(); err != nil {
		return err
	}
	if !s.atEnd() {
		return s.fail(s.pos, "expected the end of the line")
	}
	return nil
}

// path reads a path of least to most IDs.
func (s *scanner) path(least, most int) (lwm2m.Path, error) {
	w, at, err := s.word()
	if err != nil {
		return lwm2m.Path{}, err
	}
	if w == "" || w[0] != '/' {
		return lwm2m.Path{}, s.fail(at, "expected a path such as %s", "/3/0/0/0"[:2*max(most, 1)])
	}
	p, err := lwm2m.ParsePath(w)
	if err != nil {
		return p, s.fail(at, "expected a path of IDs 0 to 65535, found %q", shown(w))
	}
	if p.Len() < least || p.Len() > most {
		expected := strconv.Itoa(least)
		if most > least {
			expected += " to " + strconv.Itoa(most)
		}
		return p, s.fail(at, "expected a path of %s IDs, found %s with %d", expected, p, p.Len())
	}
	return p, nil
}

// flag skips the word if it is next, and reports whether it was.
func (s *scanner) flag(word string) (bool, error) {
	before := s.pos
	w, _, err := s.word()
	if err != nil || w == word {
		return err == nil, err
	}
	s.pos = before
	return false, nil
}

// value reads a value: quoted, or one word, or with toEnd what is left of the
// line. Its offset counts from the start of the line.
func (s *scanner) value(p lwm2m.Path, toEnd bool) (Value, error) {
	if err := s.blanks(); err != nil {
		return Value{}, err
	}
	v := Value{Path: p, offset: s.pos - s.start}
	var err error
	switch {
	case s.atEnd():
		return v, s.fail(s.pos, `expected a value for %s ("" writes an empty one)`, p)
	case s.peek() == '"':
		v.Kind = lwm2m.KindString
		v.Text, err = s.quoted()
	case toEnd:
		v.Text, _, err = s.rest()
	default:
		v.Text, _, err = s.word()
	}
	return v, err
}

// quoted reads "…" with the escapes of JSON.
func (s *scanner) quoted() (string, error) {
	start := s.pos
	for s.pos++; !s.atEnd() && s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n' {
			s.pos++
		}
	}
	if s.atEnd() {
		return "", s.fail(s.pos, "expected a closing quote for the value")
	}
	s.pos++
	if !s.atEnd() && !isBlank(s.text[s.pos]) {
		return "", s.fail(s.pos, "expected a blank or the end of the line behind the closing quote")
	}
	var out string
	quoted := strings.ReplaceAll(s.text[start:s.pos], "\t", `\t`) // a tab is the one control character that a terminal types
	if err := json.Unmarshal([]byte(quoted), &out); err != nil {
		return "", s.fail(start, `expected the escapes \" \\ \/ \b \f \n \r \t \uXXXX in the quoted value`)
	}
	return out, nil
}
