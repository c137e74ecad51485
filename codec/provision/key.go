package provision

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// hidden is what is shown in place of a key.
const hidden = "***"

// Key is a pre-shared key. It prints as three stars whatever the verb and
// whoever prints; Bytes alone gives it away. The zero Key is absent and prints
// as nothing. Keys are compared by Equal.
type Key struct {
	// Behind a pointer: fmt calls no method of what lies in an unexported field
	// of others, and follows no pointer there.
	secret *string
}

// NewKey copies b; an empty b is the zero Key.
func NewKey(b []byte) Key {
	if len(b) == 0 {
		return Key{}
	}
	s := string(b)
	return Key{&s}
}

// IsZero says that there is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// Bytes is a copy of the key, nil for the zero Key.
func (k Key) Bytes() []byte {
	if k.secret == nil {
		return nil
	}
	return []byte(*k.secret)
}

// Len is the length in bytes.
func (k Key) Len() int {
	if k.secret == nil {
		return 0
	}
	return len(*k.secret)
}

// Equal takes the same time for all keys of a length.
func (k Key) Equal(other Key) bool {
	return subtle.ConstantTimeCompare(k.Bytes(), other.Bytes()) == 1
}

// String implements fmt.Stringer.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return hidden
}

// Format implements fmt.Formatter, for all verbs and flags.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText implements encoding.TextMarshaler: JSON, XML and slog show this.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
