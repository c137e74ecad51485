package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/wire"
)

// TokenID names a token: 64 random bits, not secret. 0 is none.
type TokenID uint64

// String is the ID in 16 hexadecimal digits.
func (id TokenID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// ParseTokenID reads what String writes.
func ParseTokenID(s string) (TokenID, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || v == 0 || TokenID(v).String() != s {
		return 0, invalid("a token's ID has 16 hexadecimal digits")
	}
	return TokenID(v), nil
}

// A token's text is "dm_", its ID, "_" and its secret in base64url.
const (
	tokenPrefix = "dm_"
	// TokenSecretLen is the number of random bytes in a token.
	TokenSecretLen = 32
	lastLen        = 4
)

var tokenEncoding = base64.RawURLEncoding.Strict()

// Token is the stored record (wire.ClassToken, key: TokenKey). Its secret is
// stored as its SHA-256: nobody guesses 256 random bits, so that a slow hash would
// cost each request and gain nothing.
type Token struct {
	ID      TokenID     `json:"-"`
	Tenant  string      `json:"tenant"`
	User    string      `json:"userName"`
	Label   string      `json:"label,omitempty"`
	Sum     [32]byte    `json:"-"`
	Last    string      `json:"last"` // the last four characters, to know it by
	Scope   Permissions `json:"-"`    // it has what is both here and its user's
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires"`
}

// MarshalJSON is the token as lists and audit entries show it.
func (t Token) MarshalJSON() ([]byte, error) {
	type plain Token
	return json.Marshal(struct {
		ID string `json:"id"`
		plain
		Scope []string `json:"permissions"`
	}{t.ID.String(), plain(t), t.Scope.Names()})
}

// Issue gives the token its secret, and returns its text, which nobody can tell
// from the record.
func (t *Token) Issue(secret [TokenSecretLen]byte) Secret {
	text := tokenEncoding.EncodeToString(secret[:])
	t.Sum, t.Last = sha256.Sum256(secret[:]), text[len(text)-lastLen:]
	return Secret(tokenPrefix + t.ID.String() + "_" + text)
}

// Presented is a token as a request has it.
type Presented struct {
	ID     TokenID
	secret [TokenSecretLen]byte
}

// Format implements fmt.Formatter, for every verb: it does not show the secret.
func (p Presented) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "token "+p.ID.String()) }

// Check says whether the record may be stored. ErrInvalid is wrapped.
func (t *Token) Check() error {
	if t.ID == 0 || !t.Expires.After(t.Created) {
		return invalid("a token has an ID, and expires after it was made")
	}
	return checkText("label", t.Label)
}

// ParsePresented reads a token's text; false: it has another form.
func ParsePresented(text Secret) (p Presented, ok bool) {
	rest, ok := strings.CutPrefix(string(text), tokenPrefix)
	if !ok || len(rest) < 17 || rest[16] != '_' {
		return Presented{}, false
	}
	id, err := ParseTokenID(rest[:16])
	if err != nil || len(rest[17:]) != tokenEncoding.EncodedLen(TokenSecretLen) || strings.ContainsAny(rest, "\r\n") {
		return Presented{}, false
	}
	p.ID = id
	n, err := tokenEncoding.Decode(p.secret[:], []byte(rest[17:]))
	return p, err == nil && n == TokenSecretLen
}

// Is says that what was presented is the token, expired or not.
func (t *Token) Is(p Presented) bool {
	sum := sha256.Sum256(p.secret[:])
	return subtle.ConstantTimeCompare(sum[:], t.Sum[:]) == 1 && t.ID == p.ID
}

// Opens says that it is, and that it has not expired.
func (t *Token) Opens(p Presented, now time.Time) bool { return t.Is(p) && now.Before(t.Expires) }

// Append appends the stored form (docs/formats/access.md).
func (t *Token) Append(dst []byte) []byte {
	dst = append(dst, version)
	for _, s := range []string{t.Tenant, t.User, t.Label, t.Last} {
		dst = wire.AppendText(dst, s)
	}
	dst = binary.AppendUvarint(append(dst, t.Sum[:]...), uint64(t.Scope))
	return wire.AppendTime(wire.AppendTime(dst, t.Created), t.Expires)
}

// ParseToken reads what Append wrote. ErrRecord is wrapped. A permission that this
// release does not know is dropped.
func ParseToken(id TokenID, b []byte) (t Token, err error) {
	f := wire.NewFields(b)
	v := f.Byte()
	t = Token{ID: id, Tenant: f.Text(), User: f.Text(), Label: f.Text(), Last: f.Text()}
	copy(t.Sum[:], f.Cut(len(t.Sum)))
	t.Scope, t.Created, t.Expires = Permissions(f.Uvarint())&AllPermissions, f.Time(), f.Time()
	if err := ended(&f, v, "token"); err != nil {
		return Token{}, err
	}
	return t, nil
}
