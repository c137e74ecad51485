package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bounds of one body.
const (
	MaxBody    = 1 << 20 // bytes
	MaxDepth   = 32      // nested objects and arrays, the body's own included
	MaxMembers = 1000    // members of an object that is taken apart
	MaxName    = 256     // bytes of a member's name
)

var (
	// ErrSyntax is wrapped where bytes are no JSON object in UTF-8.
	ErrSyntax = errors.New("platform: malformed JSON")
	// ErrBounds is wrapped where JSON is beyond one of the bounds.
	ErrBounds = errors.New("platform: JSON out of bounds")
	// ErrShape is wrapped where JSON is well formed and says the wrong thing.
	ErrShape = errors.New("platform: wrong JSON")
)

// check is all that is asked of a body before it is taken apart.
func check(body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrBounds, len(body), MaxBody)
	}
	if depth(body) > MaxDepth {
		return fmt.Errorf("%w: nested deeper than %d", ErrBounds, MaxDepth)
	}
	if !utf8.Valid(body) {
		return fmt.Errorf("%w: not UTF-8", ErrSyntax)
	}
	if !json.Valid(body) {
		return fmt.Errorf("%w%s", ErrSyntax, faultOf(body))
	}
	return nil
}

// faultOf says where body ceases to be JSON, for the sentence of an error.
func faultOf(body []byte) string {
	var raw json.RawMessage
	err := json.Unmarshal(body, &raw)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return ""
	}
	return " at byte " + strconv.FormatInt(syntax.Offset, 10) + ": " + syntax.Error()
}

// depth is the deepest nesting of brackets outside strings. It reads any
// bytes, so that the parser behind it never recurses deeper than the bound.
func depth(body []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
