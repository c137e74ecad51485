package access

import "strings"

// Roles is a set of roles. The numbers are stored with users, and stay.
type Roles uint16

const (
	RoleReader Roles = 1 << iota
	RoleOperator
	RoleDeviceAdmin
	RoleTenantAdmin
	RolePlatformAdmin // in Management alone

	rolesEnd
)

var roleNames = [...]string{"reader", "operator", "device-admin", "tenant-admin", "platform-admin"}

// What each role allows: all that the one before it does, and more.
const (
	reader        = InventoryRead | OperationRead | DataRead | ProtocolRead | BinaryRead | TenantRead
	operator      = reader | OperationCreate | InventoryWrite | DataWrite
	deviceAdmin   = operator | DeviceAdmin | CredentialsRead | CredentialsWrite | ProtocolWrite | BinaryWrite
	tenantAdmin   = deviceAdmin | UserRead | UserAdmin | TenantAdmin | AuditRead
	platformAdmin = tenantAdmin | PlatformAdmin
)

var roleTable = [...]Permissions{reader, operator, deviceAdmin, tenantAdmin, platformAdmin}

// Permissions is what the roles allow together. A bit that is no role of this
// release allows nothing.
func (r Roles) Permissions() (p Permissions) {
	for i, allowed := range roleTable {
		if r&(1<<i) != 0 {
			p |= allowed
		}
	}
	return p
}

// Allows says that the roles allow all of what.
func Allows(r Roles, what Permissions) bool { return r.Permissions().Has(what) }

// Names lists the roles from the least to the highest.
func (r Roles) Names() []string {
	list := []string{}
	for i, name := range roleNames {
		if r&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

func (r Roles) String() string { return strings.Join(r.Names(), " ") }

// ParseRoles reads names. ErrInvalid is wrapped.
func ParseRoles(names ...string) (r Roles, err error) {
	for _, name := range names {
		at := indexOf(roleNames[:], name)
		if at < 0 {
			return 0, invalid("there is no role of that name; there are %s", strings.Join(roleNames[:], ", "))
		}
		r |= 1 << at
	}
	return r, nil
}

// In checks that users of a tenant may have the roles.
func (r Roles) In(tenant string) error {
	switch {
	case r >= rolesEnd:
		return invalid("there are no such roles")
	case r&RolePlatformAdmin != 0 && tenant != Management:
		return invalid("the role platform-admin is for users of the tenant %s alone", Management)
	}
	return nil
}
