package filter

import (
	"encoding/json"
	"strings"
)

// What follows walks compact or loose JSON without taking it apart: an object of
// a fleet's scan is looked at in two or three places. Bytes that are no JSON lead
// nowhere, and never to a panic.

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func skipBlanks(raw []byte, i int) int {
	for i < len(raw) && blank(raw[i]) {
		i++
	}
	return i
}

// skipString is behind the string that begins at i, at most the end.
func skipString(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// skipValue is behind the value that begins at i.
func skipValue(raw []byte, i int) int {
	level := 0
	for i < len(raw) {
		switch c := raw[i]; c {
		case '"':
			i = skipString(raw, i)
			if level == 0 {
				return i
			}
			continue
		case '{', '[':
			level++
		case '}', ']':
			if level--; level <= 0 {
				return i + max(level+1, 0)
			}
		case ',':
			if level == 0 {
				return i
			}
		}
		i++
	}
	return len(raw)
}

// items calls each for every value of an object or array with its name, which is
// still quoted, nil in an array. It ends when each returns false.
func items(raw []byte, each func(name, value []byte) bool) {
	i := skipBlanks(raw, 0)
	if i == len(raw) || raw[i] != '{' && raw[i] != '[' {
		return
	}
	named := raw[i] == '{'
	for i++; ; i++ { // past the bracket or the comma
		var name []byte
		if i = skipBlanks(raw, i); named {
			if i >= len(raw) || raw[i] != '"' {
				return
			}
			from := i
			i = skipString(raw, i)
			name = raw[from:i]
			if i = skipBlanks(raw, i); i >= len(raw) || raw[i] != ':' {
				return
			}
			i = skipBlanks(raw, i+1)
		}
		from := i
		i = min(skipValue(raw, i), len(raw))
		if i == from || !each(name, trimBlanks(raw[from:i])) {
			return
		}
		if i = skipBlanks(raw, i); i >= len(raw) || raw[i] != ',' {
			return
		}
	}
}

func trimBlanks(raw []byte) []byte {
	for len(raw) > 0 && blank(raw[len(raw)-1]) {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// isName compares a quoted name with a plain one.
func isName(quoted []byte, name string) bool {
	if len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
		return !strings.Contains(name, `\`)
	}
	if len(quoted) <= len(name)+2 {
		return false // an escape is longer than what it stands for
	}
	text, ok := unquote(quoted)
	return ok && text == name
}

// unquote reads a JSON string.
func unquote(raw []byte) (text string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c < ' ' || c == '"' {
			return text, json.Unmarshal(raw, &text) == nil
		}
	}
	return string(inner), true
}

// member is the value of a name in an object, nil for none.
func member(raw []byte, name string) (value []byte) {
	items(raw, func(n, v []byte) bool {
		if n != nil && isName(n, name) {
			value = v
		}
		return value == nil
	})
	return value
}

// element is the value at a place in an array, nil for none.
func element(raw []byte, place int) (value []byte) {
	items(raw, func(_, v []byte) bool {
		if place == 0 {
			value = v
		}
		place--
		return place >= 0
	})
	return value
}
