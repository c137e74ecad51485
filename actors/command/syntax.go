package command

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where a command text is wrong and what was expected there.
type SyntaxError struct {
	Line   int // of the text, from 1
	Column int // in characters, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// errorAt places an error at a byte offset of text, whose first line has the
// given number.
func errorAt(text string, offset, number int, format string, args ...any) *SyntaxError {
	before := text[:min(offset, len(text))]
	number += strings.Count(before, "\n")
	before = before[strings.LastIndexByte(before, '\n')+1:]
	return &SyntaxError{Line: number, Column: utf8.RuneCountInString(before) + 1, Reason: fmt.Sprintf(format, args...)}
}

// shown cuts a piece of input to what an error may repeat of it.
func shown(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
