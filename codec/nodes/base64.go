package nodes

import (
	"encoding/base64"
	"fmt"
	"strings"

	"dormouse/codec/lwm2m"
)

// urlAlphabet maps the standard alphabet to that of base64url.
var urlAlphabet = strings.NewReplacer("+", "-", "/", "_")

// ParseBase64 reads an Opaque from base64 of either alphabet, with or without
// padding: text/plain and OMA JSON want one form (RFC 4648 section 4), SenML
// the other (section 5), and devices mix them.
func ParseBase64(s string) (lwm2m.Value, error) {
	plain := urlAlphabet.Replace(strings.TrimRight(s, "="))
	b, err := base64.RawURLEncoding.DecodeString(plain)
	if err != nil {
		return lwm2m.Value{}, fmt.Errorf("reading base64: %w", err)
	}
	return lwm2m.Opaque(b), nil
}
