package access

import (
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// rights is the whole table, written out: a change of the code must be one here.
var rights = map[string][]string{
	"inventory:read":    {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"inventory:write":   {"operator", "device-admin", "tenant-admin", "platform-admin"},
	"operation:read":    {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"operation:create":  {"operator", "device-admin", "tenant-admin", "platform-admin"},
	"device:admin":      {"device-admin", "tenant-admin", "platform-admin"},
	"credentials:read":  {"device-admin", "tenant-admin", "platform-admin"},
	"credentials:write": {"device-admin", "tenant-admin", "platform-admin"},
	"data:read":         {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"data:write":        {"operator", "device-admin", "tenant-admin", "platform-admin"},
	"protocol:read":     {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"protocol:write":    {"device-admin", "tenant-admin", "platform-admin"},
	"binary:read":       {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"binary:write":      {"device-admin", "tenant-admin", "platform-admin"},
	"user:read":         {"tenant-admin", "platform-admin"},
	"user:admin":        {"tenant-admin", "platform-admin"},
	"tenant:read":       {"reader", "operator", "device-admin", "tenant-admin", "platform-admin"},
	"tenant:admin":      {"tenant-admin", "platform-admin"},
	"audit:read":        {"tenant-admin", "platform-admin"},
	"platform:admin":    {"platform-admin"},
}

func TestRolesAllowWhatTheTableSays(t *testing.T) {
	if len(rights) != len(permissionNames) || bits.OnesCount64(uint64(AllPermissions)) != len(permissionNames) {
		t.Fatalf("%d rights, %d names, %d bits", len(rights), len(permissionNames), bits.OnesCount64(uint64(AllPermissions)))
	}
	// Every set of roles: it allows what one of its roles does, and nothing else.
	for set := range rolesEnd {
		names := set.Names()
		for _, permission := range permissionNames {
			p, err := ParsePermissions(permission)
			want := slices.ContainsFunc(names, func(role string) bool { return slices.Contains(rights[permission], role) })
			if err != nil || Allows(set, p) != want {
				t.Errorf("%v, %s: %v, %v", names, permission, !want, err)
			}
		}
		if again, err := ParseRoles(names...); err != nil || again != set {
			t.Errorf("%v: %v, %v", names, again, err)
		}
	}
	if Roles(0).Permissions() != 0 || (^(rolesEnd - 1)).Permissions() != 0 {
		t.Error("what is no role allows something")
	}
}

func TestNamesOfPermissions(t *testing.T) {
	p, err := ParsePermissions(AllPermissions.Names()...)
	if err != nil || p != AllPermissions {
		t.Errorf("%v, %v", p, err)
	}
	for _, bad := range []string{"", "inventory:*", "Inventory:read", "planted-word"} {
		if _, err := ParsePermissions(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestNobodyHasMoreThanHisRoles: any user, with any token, in any tenant.
func TestNobodyHasMoreThanHisRoles(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	tenants := []string{Management, "a", "b"}
	for range 20_000 {
		u := &User{Tenant: tenants[r.IntN(3)], Name: "u", Roles: Roles(r.Uint32())} // roles that may not be, too
		tenant, scope := tenants[r.IntN(3)], Permissions(r.Uint64())
		p, err := Act(u, tenant, scope)
		if err != nil {
			if !errors.Is(err, ErrForbidden) || p != (Principal{}) || tenant == u.Tenant {
				t.Fatalf("seed %d: %+v, %v", seed, p, err)
			}
			continue
		}
		if !u.Roles.Permissions().Has(p.Permissions) || !scope.Has(p.Permissions) {
			t.Fatalf("seed %d: roles %v and scope %x give %v", seed, u.Roles, uint64(scope), p.Permissions)
		}
		if (tenant != u.Tenant || p.Permissions.Has(PlatformAdmin)) && (u.Tenant != Management || u.Roles&RolePlatformAdmin == 0 || !scope.Has(PlatformAdmin)) {
			t.Fatalf("seed %d: %+v acts in %s", seed, u, tenant)
		}
		// What he gives, he has; and who may change somebody has all that he has.
		roles := Roles(r.Uint32N(uint32(rolesEnd)))
		if p.Grants(roles) == nil && (!p.Permissions.Has(roles.Permissions()) || !p.Permissions.Has(UserAdmin)) {
			t.Fatalf("seed %d: %v gives %v", seed, p.Permissions, roles)
		}
	}
}

func TestGrants(t *testing.T) {
	for _, tc := range []struct {
		home    string
		has     Roles
		gives   Roles
		granted bool
	}{
		{"a", RoleTenantAdmin, RoleTenantAdmin, true},
		{"a", RoleTenantAdmin, RoleReader, true},
		{"a", RoleDeviceAdmin, RoleReader, false},
		{Management, RoleTenantAdmin, RolePlatformAdmin, false},
		{Management, RolePlatformAdmin, RolePlatformAdmin, true},
	} {
		p, err := Act(&User{Tenant: tc.home, Name: "u", Roles: tc.has}, tc.home, AllPermissions)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Grants(tc.gives); (err == nil) != tc.granted || err != nil && !errors.Is(err, ErrForbidden) {
			t.Errorf("%v gives %v: %v", tc.has, tc.gives, err)
		}
	}
}
