package access

import "net/netip"

// Principal is who makes a request, and what he may do.
type Principal struct {
	Tenant      string // that he acts in
	Home        string // that he is of; another than Tenant for a platform-admin who acts for it
	User        string
	Permissions Permissions
	Token       TokenID    // that he logged in with; 0: none
	Source      netip.Addr // where the request came from
}

// Actor names the user: home/user.
func (p *Principal) Actor() string { return p.Home + "/" + p.User }

// Must is nil where he may do what; else ErrForbidden, which says what was missing.
func (p *Principal) Must(what Permissions) error {
	if !p.Permissions.Has(what) {
		return Forbid("%s lacks %s", p.Actor(), what&^p.Permissions)
	}
	return nil
}

// Act makes the principal of a user who is logged in. In another tenant than his
// own only a platform-admin of Management acts, and a token only if its scope has
// platform:admin.
func Act(u *User, tenant string, scope Permissions) (Principal, error) {
	p := Principal{Tenant: tenant, Home: u.Tenant, User: u.Name, Permissions: u.Roles.Permissions() & scope}
	if u.Tenant != Management {
		p.Permissions &^= PlatformAdmin
	}
	if tenant != u.Tenant && !p.Permissions.Has(PlatformAdmin) {
		return Principal{}, Forbid("%s may not act for another tenant", p.Actor())
	}
	return p, nil
}

// Grants is nil where he may give the roles to a user, or change and remove one who
// has them. Else a tenant-admin of Management would set the password of a
// platform-admin, and log in as him.
func (p *Principal) Grants(r Roles) error {
	if err := p.Must(UserAdmin); err != nil {
		return err
	}
	if missing := r.Permissions() &^ p.Permissions; missing != 0 {
		return Forbid("%s has not all that the role allows: %s", p.Actor(), missing)
	}
	return nil
}
