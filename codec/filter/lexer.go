package filter

import (
	"fmt"
	"strings"
)

// tokenKind tells tokens apart.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // text is what was written
	tokenString           // parts are what stands between wildcards
	tokenSign             // text is one of ( ) , =
)

type token struct {
	kind  tokenKind
	at    int // byte where it begins
	text  string
	parts []string
}

func (t token) is(kind tokenKind, text string) bool { return t.kind == kind && t.text == text }

// keyword compares a word, in any case of letters.
func (t token) keyword(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

// String is the token in the sentence of an error.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenString:
		return "a text"
	}
	return fmt.Sprintf("%.40q", t.text)
}

const signs = "(),="

// lexer cuts a query into tokens.
type lexer struct {
	text string
	at   int
}

// next is the token that begins behind blanks.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) && blank(l.text[l.at]) {
		l.at++
	}
	from := l.at
	if from == len(l.text) {
		return token{kind: tokenEnd, at: from}, nil
	}
	c := l.text[from]
	switch {
	case strings.IndexByte(signs, c) >= 0:
		l.at++
		return token{kind: tokenSign, at: from, text: l.text[from:l.at]}, nil
	case c == '\'':
		parts, err := l.quoted()
		return token{kind: tokenString, at: from, parts: parts}, err
	}
	for l.at < len(l.text) && isWord(l.text[l.at]) {
		l.at++
	}
	return token{kind: tokenWord, at: from, text: l.text[from:l.at]}, nil
}

func isWord(c byte) bool { return !blank(c) && c != '\'' && strings.IndexByte(signs, c) < 0 }

// quoted reads a text from its opening quote on, cut at its wildcards.
func (l *lexer) quoted() (parts []string, err error) {
	from := l.at
	var part strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; c {
		case '*':
			parts = append(parts, part.String())
			part.Reset()
			if len(parts) > MaxStars {
				return nil, fmt.Errorf("%w at byte %d: a text has at most %d wildcards", ErrBounds, from, MaxStars)
			}
		case '\\':
			if l.at++; l.at == len(l.text) {
				return nil, l.unclosed(from)
			}
			part.WriteByte(l.text[l.at])
		case '\'':
			if l.at++; l.at == len(l.text) || l.text[l.at] != '\'' {
				return append(parts, part.String()), nil
			}
			part.WriteByte('\'')
		default:
			part.WriteByte(c)
		}
	}
	return nil, l.unclosed(from)
}

func (l *lexer) unclosed(from int) error {
	return fmt.Errorf("%w at byte %d: the text has no closing quote", ErrSyntax, from)
}

// appendQuoted writes what quoted reads.
func appendQuoted(dst []byte, parts []string) []byte {
	dst = append(dst, '\'')
	for i, part := range parts {
		if i > 0 {
			dst = append(dst, '*')
		}
		for j := range len(part) {
			switch c := part[j]; c {
			case '\'':
				dst = append(dst, "''"...)
			case '\\', '*':
				dst = append(dst, '\\', c)
			default:
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '\'')
}
