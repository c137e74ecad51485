package access

import (
	"encoding/base64"
	"strings"
)

// MaxAuthorization bounds the header, in bytes.
const MaxAuthorization = 8 << 10

// Login is what an Authorization header says, not proved yet. Either User and
// Password are set, or Bearer is.
type Login struct {
	Tenant   string // that is acted in, "" where none is named
	Home     string // of the user
	User     string
	Password Secret
	Bearer   Secret
}

// ParseAuthorization reads an Authorization header (RFC 9110 section 11.6.2): Basic
// (RFC 7617), whose user-id is one of
//
//	user                     of Management
//	tenant/user              of that tenant
//	tenant/management/user   of Management, who acts for that tenant
//
// or Bearer (RFC 6750). ErrUnauthorized is the only error, and bare.
func ParseAuthorization(header string) (Login, error) {
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || len(header) > MaxAuthorization {
		return Login{}, ErrUnauthorized
	}
	rest = strings.Trim(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		return parseBasic(rest)
	case strings.EqualFold(scheme, "Bearer") && rest != "" && !strings.ContainsAny(rest, " \t\r\n"):
		return Login{Bearer: Secret(rest)}, nil
	}
	return Login{}, ErrUnauthorized
}

func parseBasic(text string) (Login, error) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder passes over
		return Login{}, ErrUnauthorized
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return Login{}, ErrUnauthorized
	}
	id, password, ok := strings.Cut(string(raw), ":")
	if !ok || len(password) > MaxPassword {
		return Login{}, ErrUnauthorized
	}
	l, err := parseUserID(id)
	if err != nil {
		return Login{}, ErrUnauthorized
	}
	l.Password = Secret(password)
	return l, nil
}

func parseUserID(id string) (l Login, err error) {
	parts := strings.Split(id, "/")
	switch len(parts) {
	case 1:
		parts = []string{Management, Management, parts[0]}
	case 2:
		parts = []string{parts[0], parts[0], parts[1]}
	case 3:
		if lower(parts[1]) != Management {
			return Login{}, ErrUnauthorized
		}
	default:
		return Login{}, ErrUnauthorized
	}
	if l.Tenant, err = ParseTenantID(parts[0]); err != nil {
		return Login{}, err
	}
	l.Home = lower(parts[1])
	l.User, err = ParseUserName(parts[2])
	return l, err
}
