package access

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// User is the stored record (wire.ClassUser, key: UserKey).
type User struct {
	Tenant          string    `json:"tenant"`
	Name            string    `json:"userName"`
	FirstName       string    `json:"firstName,omitempty"`
	LastName        string    `json:"lastName,omitempty"`
	Email           string    `json:"email,omitempty"`
	Phone           string    `json:"phone,omitempty"`
	Roles           Roles     `json:"-"`
	Enabled         bool      `json:"enabled"`
	Hash            Secret    `json:"-"` // of the password, "" for none: then he logs in by others' word alone
	Created         time.Time `json:"created"`
	PasswordChanged time.Time `json:"lastPasswordChange,omitzero"`
	Revision        uint64    `json:"revision,string"`
}

// MarshalJSON is the user as audit entries show him: without the hash.
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	return json.Marshal(struct {
		plain
		Roles []string `json:"roles"`
	}{plain(u), u.Roles.Names()})
}

// Check says whether the record may be stored. ErrInvalid is wrapped.
func (u *User) Check() error {
	tenant, err := ParseTenantID(u.Tenant)
	if err != nil {
		return err
	}
	name, err := ParseUserName(u.Name)
	if err != nil {
		return err
	}
	if tenant != u.Tenant || name != u.Name {
		return invalid("names are stored in lower case")
	}
	for _, t := range [][2]string{{"firstName", u.FirstName}, {"lastName", u.LastName}, {"email", u.Email}, {"phone", u.Phone}} {
		if err := checkText(t[0], t[1]); err != nil {
			return err
		}
	}
	if u.Hash != "" {
		if _, err := parseHash(u.Hash); err != nil {
			return err
		}
	}
	return u.Roles.In(u.Tenant)
}

const flagEnabled = 1

// Append appends the stored form (docs/formats/access.md).
func (u *User) Append(dst []byte) []byte {
	var flags byte
	if u.Enabled {
		flags |= flagEnabled
	}
	dst = binary.AppendUvarint(append(dst, version, flags), uint64(u.Roles))
	for _, s := range []string{u.FirstName, u.LastName, u.Email, u.Phone, string(u.Hash)} {
		dst = wire.AppendText(dst, s)
	}
	dst = wire.AppendTime(wire.AppendTime(dst, u.Created), u.PasswordChanged)
	return binary.AppendUvarint(dst, u.Revision)
}

// ParseUser reads what Append wrote. ErrRecord is wrapped.
func ParseUser(tenant, name string, b []byte) (u User, err error) {
	f := wire.NewFields(b)
	v, flags, roles := f.Byte(), f.Byte(), f.Uvarint()
	u = User{
		Tenant: tenant, Name: name, Enabled: flags&flagEnabled != 0, Roles: Roles(roles),
		FirstName: f.Text(), LastName: f.Text(), Email: f.Text(), Phone: f.Text(),
	}
	h := f.Text()
	u.Created, u.PasswordChanged, u.Revision = f.Time(), f.Time(), f.Uvarint()
	if err := ended(&f, v, "user"); err != nil {
		return User{}, err
	}
	if flags&^flagEnabled != 0 || roles >= uint64(rolesEnd) || u.Check() != nil {
		return User{}, fmt.Errorf("%w: a user who may not be", ErrRecord)
	}
	u.Hash = Secret(h) // not checked, which takes time at each request: one that is none has no password
	return u, nil
}
