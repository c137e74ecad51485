package platform

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// Bounds of a user, in bytes.
const (
	MaxUserName = 254
	MaxPassword = 256
	maxPerson   = 254 // of each other text
)

// User is whoever may log in. A password never comes out again.
type User struct {
	Tenant          string // in links alone
	Name            string // also the ID; unique in the tenant
	FirstName       string
	LastName        string
	Email, Phone    string
	Enabled         bool
	ResetPassword   bool // the next log-in must set another
	PasswordChanged time.Time
	Roles           []Role // given to the user
	Groups          []Group
	Custom          json.RawMessage // customProperties, an object; nil for none
}

// Role is something that one may do, such as ROLE_INVENTORY_READ.
type Role struct{ ID, Name string }

// Group has users that share roles. The platform numbers groups.
type Group struct {
	ID    int64
	Name  string
	Roles []Role
}

// CurrentUserPath is where users find themselves.
const CurrentUserPath = "/user/currentUser"

// UsersList is the name of the list in a page of users.
const UsersList = "users"

// UsersAddress is where the users of a tenant are.
func UsersAddress(tenant string) string { return "/user/" + segment(tenant) + "/users" }

// UserAddress is where one user is.
func UserAddress(tenant, name string) string { return UsersAddress(tenant) + "/" + segment(name) }

// AppendUser appends the user as user+json: with roles and groups.
func AppendUser(dst []byte, u *User, base string) []byte {
	self := base + UserAddress(u.Tenant, u.Name)
	o := newObject(dst)
	appendPerson(o, u, self)
	o.name("roles")
	o.buf = appendRoleReferences(o.buf, self+"/roles", u.Roles, base)
	o.name("groups")
	o.buf = appendGroupReferences(o.buf, self+"/groups", u, base)
	o.raw("devicePermissions", json.RawMessage("{}"))
	return o.close()
}

// AppendCurrentUser appends the user as currentUser+json: with all roles, from
// wherever they come, each once.
func AppendCurrentUser(dst []byte, u *User, base string) []byte {
	o := newObject(dst)
	appendPerson(o, u, base+CurrentUserPath)
	o.name("effectiveRoles")
	o.buf = append(o.buf, '[')
	for i, role := range u.EffectiveRoles() {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = appendRole(o.buf, role, base)
	}
	o.buf = append(o.buf, ']')
	o.raw("devicePermissions", json.RawMessage("{}"))
	return o.close()
}

func appendPerson(o *object, u *User, self string) {
	o.text("id", u.Name)
	o.text("self", self)
	o.text("userName", u.Name)
	o.optional("firstName", u.FirstName)
	o.optional("lastName", u.LastName)
	o.optional("displayName", strings.TrimSpace(u.FirstName+" "+u.LastName))
	o.optional("email", u.Email)
	o.optional("phone", u.Phone)
	o.bool("enabled", u.Enabled)
	o.bool("shouldResetPassword", u.ResetPassword)
	o.time("lastPasswordChange", u.PasswordChanged)
	if u.Custom != nil {
		o.raw("customProperties", u.Custom)
	}
}

// EffectiveRoles are the user's own and those of the groups, each once.
func (u *User) EffectiveRoles() (all []Role) {
	seen := map[string]bool{}
	add := func(roles []Role) {
		for _, role := range roles {
			if !seen[role.ID] {
				seen[role.ID] = true
				all = append(all, role)
			}
		}
	}
	add(u.Roles)
	for _, g := range u.Groups {
		add(g.Roles)
	}
	return all
}

func appendRole(dst []byte, role Role, base string) []byte {
	o := newObject(dst)
	o.text("id", role.ID)
	o.text("name", role.Name)
	o.text("self", base+"/user/roles/"+segment(role.ID))
	return o.close()
}

// appendRoleReferences appends {"self","references":[{"role":{"id","name","self"},"self"},…]}.
func appendRoleReferences(dst []byte, self string, roles []Role, base string) []byte {
	o := newObject(dst)
	o.text("self", self)
	o.name("references")
	o.buf = append(o.buf, '[')
	for i, role := range roles {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		ref := newObject(o.buf)
		ref.raw("role", appendRole(nil, role, base))
		ref.text("self", self+"/"+segment(role.ID))
		o.buf = ref.close()
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

func appendGroupReferences(dst []byte, self string, u *User, base string) []byte {
	o := newObject(dst)
	o.text("self", self)
	o.name("references")
	o.buf = append(o.buf, '[')
	for i, g := range u.Groups {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		address := fmt.Sprintf("%s/user/%s/groups/%d", base, segment(u.Tenant), g.ID)
		group := newObject(nil)
		group.integer("id", g.ID)
		group.text("name", g.Name)
		group.text("self", address)
		group.name("roles")
		group.buf = appendRoleReferences(group.buf, address+"/roles", g.Roles, base)
		ref := newObject(o.buf)
		ref.raw("group", group.close())
		ref.text("self", fmt.Sprintf("%s/%d", self, g.ID))
		o.buf = ref.close()
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

// UserChange is what a client wants of a user: of a new one or, with nil for
// what stays, of one that there is. Its texts are not to be logged.
type UserChange struct {
	Name            *string // of a new one
	Password        *string
	FirstName       *string
	LastName        *string
	Email, Phone    *string
	Enabled         *bool
	ResetPassword   *bool
	SendPasswordURL bool            // sendPasswordResetEmail: instead of a password
	Custom          json.RawMessage // customProperties; nil for what stays
}

// ParseNewUser reads the body of a POST to the users of a tenant.
func ParseNewUser(body []byte) (UserChange, error) {
	c, err := ParseUserChange(body)
	switch {
	case err != nil:
		return UserChange{}, err
	case c.Name == nil:
		return UserChange{}, fmt.Errorf("%w: userName is missing", ErrShape)
	case c.Password == nil && !c.SendPasswordURL:
		return UserChange{}, fmt.Errorf("%w: password is missing", ErrShape)
	}
	return c, nil
}

// ParseUserChange reads the body of a PUT. Members that are the server's, roles
// and groups are passed over. Errors name the member that is wrong, and never
// quote the password.
func ParseUserChange(body []byte) (c UserChange, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return c, err
	}
	r := reader{fragments: f}
	c = UserChange{
		Name: r.pointer("userName"), Password: r.pointer("password"), FirstName: r.pointer("firstName"), LastName: r.pointer("lastName"),
		Email: r.pointer("email"), Phone: r.pointer("phone"), Enabled: r.flag("enabled"), ResetPassword: r.flag("shouldResetPassword"),
		SendPasswordURL: r.bool("sendPasswordResetEmail"), Custom: r.object("customProperties"),
	}
	if err := firstOf(r.err, c.check()); err != nil {
		return UserChange{}, err
	}
	return c, nil
}

func (c *UserChange) check() error {
	if c.Name != nil {
		if err := CheckUserName(*c.Name); err != nil {
			return err
		}
	}
	if c.Password != nil {
		if err := bounded("password", *c.Password, MaxPassword); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		name  string
		value *string
	}{{"firstName", c.FirstName}, {"lastName", c.LastName}, {"email", c.Email}, {"phone", c.Phone}} {
		if t.value != nil && len(*t.value) > maxPerson {
			return fmt.Errorf("%w: %s has %d bytes, at most %d", ErrShape, t.name, len(*t.value), maxPerson)
		}
	}
	if c.Email != nil && *c.Email != "" {
		if a, err := mail.ParseAddress(*c.Email); err != nil || a.Address != *c.Email {
			return fmt.Errorf("%w: email is no address such as ann@example.org", ErrShape)
		}
	}
	return nil
}

// CheckUserName refuses what cannot stand in HTTP Basic credentials or in an
// address: white space, control characters, and the platform's / + $ and colon.
func CheckUserName(name string) error {
	if err := bounded("userName", name, MaxUserName); err != nil {
		return err
	}
	if i := strings.IndexFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune("/+$:\u00a0\u2028\u2029", c) }); i >= 0 {
		return fmt.Errorf("%w: userName has a character at byte %d that is not allowed: no white space, / + $ or colon", ErrShape, i)
	}
	return nil
}
