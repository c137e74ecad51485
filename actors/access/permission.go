package access

import (
	"math/bits"
	"strings"
)

// Permissions is a set of them. The numbers are stored with tokens, and stay.
type Permissions uint64

const (
	InventoryRead Permissions = 1 << iota
	InventoryWrite
	OperationRead
	OperationCreate
	DeviceAdmin // devices: register, remove, suspend, settings
	CredentialsRead
	CredentialsWrite
	DataRead // measurements, events, alarms
	DataWrite
	ProtocolRead
	ProtocolWrite
	BinaryRead
	BinaryWrite
	UserRead
	UserAdmin
	TenantRead
	TenantAdmin // the settings of one's own tenant
	AuditRead
	PlatformAdmin // all tenants, the cluster, /metrics and /debug

	permissionsEnd
)

// AllPermissions is the set of all.
const AllPermissions = permissionsEnd - 1

// permissionNames in the order of the bits.
var permissionNames = [...]string{
	"inventory:read", "inventory:write", "operation:read", "operation:create", "device:admin", "credentials:read", "credentials:write",
	"data:read", "data:write", "protocol:read", "protocol:write", "binary:read", "binary:write", "user:read", "user:admin",
	"tenant:read", "tenant:admin", "audit:read", "platform:admin",
}

// Has says that all of others are in the set.
func (p Permissions) Has(others Permissions) bool { return others&^p == 0 }

// Names lists the set in the order of the constants.
func (p Permissions) Names() []string {
	list := make([]string, 0, bits.OnesCount64(uint64(p)))
	for i, name := range permissionNames {
		if p&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

func (p Permissions) String() string { return strings.Join(p.Names(), " ") }

// MarshalText implements encoding.TextMarshaler.
func (p Permissions) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ParsePermissions reads names. ErrInvalid is wrapped.
func ParsePermissions(names ...string) (p Permissions, err error) {
	for _, name := range names {
		at := indexOf(permissionNames[:], name)
		if at < 0 {
			return 0, invalid("there is no permission of that name; there are %s", strings.Join(permissionNames[:], ", "))
		}
		p |= 1 << at
	}
	return p, nil
}

func indexOf(list []string, s string) int {
	for i, name := range list {
		if name == s {
			return i
		}
	}
	return -1
}
