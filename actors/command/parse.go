package command

import (
	"strings"
	"unicode/utf8"

	"dormouse/codec/lwm2m"
)

// Bounds of a command text (bytes; lines that are not empty).
const (
	MaxText  = 256 << 10
	MaxLines = 1000
)

// Parse reads a command text. Its error is a *SyntaxError, at the first
// fault; no line of a faulty text is returned.
func Parse(text string) ([]Line, error) {
	if len(text) > MaxText {
		return nil, errorAt(text, 0, 1, "expected at most %d bytes, found %d", MaxText, len(text))
	}
	if bad := invalid(text); bad >= 0 {
		return nil, errorAt(text, bad, 1, "expected UTF-8")
	}
	s := scanner{text: strings.ReplaceAll(text, "\r\n", "\n"), number: 1}
	var lines []Line
	for s.pos < len(s.text) {
		if s.atEnd() {
			s.next()
			continue
		}
		if len(lines) == MaxLines {
			return nil, s.fail(s.pos, "expected at most %d lines", MaxLines)
		}
		line, err := s.line()
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, s.fail(s.pos, "expected a command: %s", verbNames())
	}
	return lines, nil
}

// invalid is the offset of the first byte that is no UTF-8, -1 for none.
func invalid(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// next moves behind the line break.
func (s *scanner) next() {
	s.number += strings.Count(s.text[s.start:s.pos], "\n")
	if s.pos < len(s.text) {
		s.pos++
		s.number++
	}
	s.start, s.written = s.pos, nil
}

// line reads one command up to its line break and moves behind that.
func (s *scanner) line() (Line, error) {
	if isBlank(s.text[s.pos]) {
		return Line{}, s.fail(s.pos, "expected a command without blanks before it")
	}
	name, at, err := s.word()
	if err != nil {
		return Line{}, err
	}
	verb, ok := verbOf(name)
	if !ok {
		return Line{}, s.fail(at, "expected a command (%s), found %q", verbNames(), shown(name))
	}
	l := Line{Number: s.number, Verb: verb, Format: lwm2m.FormatNone, Depth: -1}
	if err := s.arguments(&l); err != nil {
		return Line{}, err
	}
	if err := s.end(); err != nil {
		return Line{}, err
	}
	l.Text = s.text[s.start:s.pos]
	s.next()
	return l, nil
}

// arguments reads what follows the verb; a line that ends too early is told
// the whole grammar of its verb.
func (s *scanner) arguments(l *Line) error {
	g := grammars[l.Verb]
	if s.atEnd() {
		return s.fail(s.pos, "expected %s %s", g.name, g.arguments)
	}
	return g.parse(s, l)
}
