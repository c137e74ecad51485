package bootstrap

import (
	"fmt"
	"log/slog"
)

// Secret is a key. However it is printed or encoded, it does not show; the pointer
// keeps it out of a struct that is printed around its methods, too.
type Secret struct{ bytes *[]byte }

// hidden is what stands in the place of a secret.
const hidden = "[secret]"

// NewSecret copies the bytes of a key.
func NewSecret(b []byte) Secret {
	c := append([]byte(nil), b...)
	return Secret{&c}
}

// Reveal is the key itself. It is the Secret's memory, and not changed.
func (s Secret) Reveal() []byte {
	if s.bytes == nil {
		return nil
	}
	return *s.bytes
}

// Len is the number of bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// String, Format, LogValue and MarshalText are what printers, loggers and encoders ask.
func (Secret) String() string               { return hidden }
func (Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, hidden) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
