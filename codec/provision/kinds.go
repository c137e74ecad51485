package provision

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"dormouse/codec/wire"
)

// check is what the value of one field is held against.
type check struct {
	*Field
	rules Rules
}

// body is that of a section of a record.
type body = wire.Fields

func text[T any](at func(*T) *string) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			*at(t) = s
			return c.length(s)
		},
		text:   func(t *T) (string, bool) { return *at(t), *at(t) != "" },
		clear:  func(t *T) { *at(t) = "" },
		append: func(dst []byte, t *T) []byte { return append(dst, *at(t)...) },
		read:   func(t *T, b *body) { *at(t) = string(b.Rest()) },
	}
}

func (c check) length(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case int64(len(s)) > c.Max:
		return fmt.Sprintf("has %d bytes, at most %d", len(s), c.Max)
	}
	return ""
}

// address is a text that is a URI.
func address[T any](at func(*T) *string) ops[T] {
	o := text(at)
	o.parse = func(c check, t *T, s string) string {
		*at(t) = s
		if reason := c.length(s); reason != "" {
			return reason
		}
		return c.uri(s)
	}
	return o
}

// uri has no more than a scheme, a host, a port, and a path and query if there
// must be. What net/url says of a fault would quote it.
func (c check) uri(s string) string {
	scheme, _, _ := strings.Cut(s, "://")
	if !c.knows(strings.ToLower(scheme)) || scheme == s {
		return "must begin with " + list(c.Schemes, "://")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || strings.ContainsAny(s, " \t\r\n"):
		return "is no URI"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "must not hold a user"
	case u.Fragment != "":
		return "must not have a fragment"
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has a port that is not from 1 to 65535"
		}
	}
	return ""
}

func (c check) knows(scheme string) bool {
	for _, s := range c.Schemes {
		if s == scheme {
			return true
		}
	}
	return false
}

// list is "a", "a or b", "a, b or c", each with an end.
func list(words []string, end string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(w + end)
	}
	return b.String()
}

func choice[T any, S ~string](at func(*T) *S) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			for _, v := range c.Values {
				if v == s || strings.EqualFold(v, s) {
					*at(t) = S(v)
					return ""
				}
			}
			switch {
			case c.Lenient:
				*at(t) = S(c.Default)
				return ""
			case strings.EqualFold(s, x509):
				return "is X509, which is not supported yet; it may be " + list(c.Values, "")
			}
			return "must be " + list(c.Values, "")
		},
		text:   func(t *T) (string, bool) { return string(*at(t)), *at(t) != "" },
		clear:  func(t *T) { *at(t) = "" },
		append: func(dst []byte, t *T) []byte { return append(dst, *at(t)...) },
		read:   func(t *T, b *body) { *at(t) = S(b.Rest()) },
	}
}

// key is in hex, and leaves by no way that this table has: see AppendKeys.
func key[T any](at func(*T) *Key) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			b, reason := c.hex(s)
			*at(t) = NewKey(b)
			return reason
		},
		text:   func(*T) (string, bool) { return "", false },
		given:  func(t *T) bool { return !at(t).IsZero() },
		clear:  func(t *T) { *at(t) = Key{} },
		append: func(dst []byte, _ *T) []byte { return dst },
		read:   func(_ *T, b *body) { b.Fail() },
	}
}

func (c check) hex(s string) ([]byte, string) {
	b, err := hex.DecodeString(s)
	switch {
	case errors.Is(err, hex.ErrLength):
		return nil, "has an odd number of hex digits"
	case err != nil: // whose text quotes a digit
		return nil, "has characters that are no hex digits"
	case int64(len(b)) < c.Min || int64(len(b)) > c.Max:
		return nil, fmt.Sprintf("has %d hex digits, must have %d to %d", len(s), 2*c.Min, 2*c.Max)
	}
	return b, ""
}

// octets are hex, or else base64. What could be both is hex.
func octets[T any](at func(*T) *[]byte) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			b, err := hex.DecodeString(s)
			if err != nil {
				if b, err = unbase64(s); err != nil || len(b) == 0 {
					return "is neither hex nor base64"
				}
			}
			*at(t) = b
			if int64(len(b)) > c.Max {
				return fmt.Sprintf("has %d bytes, at most %d", len(b), c.Max)
			}
			return ""
		},
		text:   func(t *T) (string, bool) { return hex.EncodeToString(*at(t)), len(*at(t)) > 0 },
		clear:  func(t *T) { *at(t) = nil },
		append: func(dst []byte, t *T) []byte { return append(dst, *at(t)...) },
		read:   func(t *T, b *body) { *at(t) = append([]byte(nil), b.Rest()...) },
	}
}

// unbase64 reads either alphabet, padded or not.
func unbase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

// later is a field that has no place in a T yet.
func later[T any]() ops[T] {
	return ops[T]{
		parse:  func(check, *T, string) string { return "is of X.509, which is not supported yet" },
		text:   func(*T) (string, bool) { return "", false },
		clear:  func(*T) {},
		append: func(dst []byte, _ *T) []byte { return dst },
		read:   func(_ *T, b *body) { b.Fail() },
	}
}
