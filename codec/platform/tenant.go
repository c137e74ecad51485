package platform

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// TenantStatus is whether a tenant is served.
type TenantStatus string

const (
	TenantActive    TenantStatus = "ACTIVE"
	TenantSuspended TenantStatus = "SUSPENDED"
)

// Tenant is one of those who share a cluster and see nothing of one another.
type Tenant struct {
	ID           string
	Domain       string // name under which the tenant is reached
	Company      string
	Status       TenantStatus
	AdminName    string // userName of the first user
	AdminEmail   string
	ContactName  string
	ContactPhone string
	Parent       string // ID of the tenant that made this one
	Created      time.Time
	MakesTenants bool            // allowCreateTenants
	Custom       json.RawMessage // customProperties, an object; nil for none
}

// Bounds of a tenant, in bytes.
const (
	MaxTenantID   = 32
	maxTenantText = 256
)

const (
	// CurrentTenantPath is where users find their tenant.
	CurrentTenantPath = "/tenant/currentTenant"
	// TenantsPath is where all tenants are.
	TenantsPath = "/tenant/tenants"
)

// TenantsList is the name of the list in a page of tenants.
const TenantsList = "tenants"

// TenantAddress is where one tenant is.
func TenantAddress(id string) string { return TenantsPath + "/" + segment(id) }

// AppendTenant appends the tenant as those see it who manage tenants.
func AppendTenant(dst []byte, t *Tenant, base string) []byte {
	self := base + TenantAddress(t.ID)
	o := newObject(dst)
	o.text("id", t.ID)
	o.text("self", self)
	o.optional("domain", t.Domain)
	o.optional("company", t.Company)
	o.optional("status", string(t.Status))
	o.optional("adminName", t.AdminName)
	o.optional("adminEmail", t.AdminEmail)
	o.optional("contactName", t.ContactName)
	o.optional("contactPhone", t.ContactPhone)
	o.optional("parent", t.Parent)
	o.time("creationTime", t.Created)
	o.bool("allowCreateTenants", t.MakesTenants)
	appendApplications(o, self)
	if t.Custom != nil {
		o.raw("customProperties", t.Custom)
	}
	return o.close()
}

// AppendCurrentTenant appends the tenant as its own users see it. Clients take
// "name" for the ID, and put it into the addresses of users.
func AppendCurrentTenant(dst []byte, t *Tenant, base string) []byte {
	o := newObject(dst)
	o.text("name", t.ID)
	o.text("domainName", t.Domain)
	o.bool("allowCreateTenants", t.MakesTenants)
	o.optional("parent", t.Parent)
	o.text("self", base+CurrentTenantPath)
	appendApplications(o, base+TenantAddress(t.ID))
	if t.Custom != nil {
		o.raw("customProperties", t.Custom)
	}
	return o.close()
}

// appendApplications shows that there are none.
func appendApplications(o *object, tenant string) {
	o.name("applications")
	a := newObject(o.buf)
	a.text("self", tenant+"/applications")
	a.raw("references", json.RawMessage("[]"))
	o.buf = a.close()
}

// ParseTenant reads what AppendTenant wrote, as a client does.
func ParseTenant(body []byte) (t Tenant, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return t, err
	}
	r := reader{fragments: f}
	t = Tenant{
		ID: r.text("id"), Domain: r.text("domain"), Company: r.text("company"), Status: TenantStatus(r.text("status")),
		AdminName: r.text("adminName"), AdminEmail: r.text("adminEmail"), ContactName: r.text("contactName"), ContactPhone: r.text("contactPhone"),
		Parent: r.text("parent"), Created: r.time("creationTime"), MakesTenants: r.bool("allowCreateTenants"), Custom: r.object("customProperties"),
	}
	if r.err != nil {
		return Tenant{}, r.err
	}
	return t, nil
}

// TenantChange is what a client wants of a tenant: of a new one or, with nil for
// what stays, of one that there is. Its texts are not to be logged.
type TenantChange struct {
	ID                        *string // of a new one; nil for one that the server makes up
	Domain, Company           *string
	Status                    *TenantStatus
	AdminName, AdminPassword  *string
	AdminEmail                *string
	ContactName, ContactPhone *string
	MakesTenants              *bool
	Custom                    json.RawMessage // nil for what stays
}

// ParseTenantChange reads the body of a POST or PUT. Members that are the
// server's are passed over. Errors never quote the password.
func ParseTenantChange(body []byte) (c TenantChange, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return c, err
	}
	r := reader{fragments: f}
	c = TenantChange{
		ID: r.pointer("id"), Domain: r.pointer("domain"), Company: r.pointer("company"),
		AdminName: r.pointer("adminName"), AdminPassword: r.pointer("adminPass"), AdminEmail: r.pointer("adminEmail"),
		ContactName: r.pointer("contactName"), ContactPhone: r.pointer("contactPhone"),
		MakesTenants: r.flag("allowCreateTenants"), Custom: r.object("customProperties"),
	}
	if c.AdminPassword == nil { // the documentation has both names
		c.AdminPassword = r.pointer("adminPassword")
	}
	if status := r.text("status"); status != "" {
		s := TenantStatus(status)
		c.Status = &s
	}
	if err := firstOf(r.err, c.check()); err != nil {
		return TenantChange{}, err
	}
	return c, nil
}

func (c *TenantChange) check() error {
	if c.Status != nil && *c.Status != TenantActive && *c.Status != TenantSuspended {
		return fmt.Errorf("%w: status %.40q is neither ACTIVE nor SUSPENDED", ErrShape, string(*c.Status))
	}
	var faults []error
	if c.ID != nil {
		faults = append(faults, CheckTenantID(*c.ID))
	}
	if c.AdminName != nil {
		faults = append(faults, CheckUserName(*c.AdminName))
	}
	if c.AdminPassword != nil {
		faults = append(faults, bounded("adminPass", *c.AdminPassword, MaxPassword))
	}
	for _, t := range []struct {
		name  string
		value *string
	}{{"domain", c.Domain}, {"company", c.Company}, {"adminEmail", c.AdminEmail}, {"contactName", c.ContactName}, {"contactPhone", c.ContactPhone}} {
		if t.value != nil && len(*t.value) > maxTenantText {
			faults = append(faults, fmt.Errorf("%w: %s has %d bytes, at most %d", ErrShape, t.name, len(*t.value), maxTenantText))
		}
	}
	return firstOf(faults...)
}

// CheckTenantID refuses what cannot be the ID of a tenant: it has a letter first,
// then letters, digits, - and _. It stands before the slash of a log-in.
func CheckTenantID(id string) error {
	if err := bounded("id", id, MaxTenantID); err != nil {
		return err
	}
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	for i := range len(id) {
		if c := id[i]; !letter(c) && (i == 0 || (c < '0' || c > '9') && !strings.ContainsRune("-_", rune(c))) {
			return fmt.Errorf("%w: id %q is no ID of a tenant: a letter, then letters, digits, - and _", ErrShape, id)
		}
	}
	return nil
}
