package access

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Management is the tenant that is always there.
const Management = "management"

// Bounds of names and texts, in bytes.
const (
	MaxTenantID = 32
	MaxUserName = 128
	MaxText     = 256 // display fields, labels
)

// ParseTenantID checks the ID of a tenant, and makes it lower case: IDs that
// differ in case alone are one.
func ParseTenantID(s string) (string, error) {
	if len(s) == 0 || len(s) > MaxTenantID {
		return "", invalid("a tenant's ID has 1 to %d characters", MaxTenantID)
	}
	id := lower(s)
	for i := range len(id) {
		if c := id[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return "", invalid("a tenant's ID has letters, digits, - and _ alone")
		}
	}
	return id, nil
}

// ParseUserName checks the name of a user, and makes it lower case. It has no
// "/" and no ":", so that tenant/user:password is read in one way.
func ParseUserName(s string) (string, error) {
	if len(s) == 0 || len(s) > MaxUserName {
		return "", invalid("a user's name has 1 to %d characters", MaxUserName)
	}
	name := lower(s)
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && !strings.ContainsRune("-_.@+", rune(c)) {
			return "", invalid("a user's name has letters, digits, and - _ . @ + alone")
		}
	}
	return name, nil
}

// lower is that of ASCII: letters of other alphabets are refused afterwards, and
// must not become ASCII before (the Kelvin sign would be a k).
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// checkText checks a text that is shown.
func checkText(field, s string) error {
	switch {
	case len(s) > MaxText:
		return invalid("%s has at most %d bytes", field, MaxText)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return invalid("%s is UTF-8 without control characters", field)
	}
	return nil
}
