package access

import "encoding/binary"

// Keys of the records, all in ids.System, behind class and shard. No name has a
// zero byte, so that the records of a tenant, or of a user, are one range.

// TenantKey is that of a tenant.
func TenantKey(id string) []byte { return []byte(id) }

// UsersOf begins the keys of a tenant's users.
func UsersOf(tenant string) []byte { return append([]byte(tenant), 0) }

// UserKey is that of a user.
func UserKey(tenant, name string) []byte { return append(UsersOf(tenant), name...) }

// UserOfKey is the name in a key of UserKey.
func UserOfKey(tenant string, key []byte) string { return string(key[min(len(key), len(tenant)+1):]) }

// TokenKey is that of a token.
func TokenKey(id TokenID) []byte { return binary.BigEndian.AppendUint64([]byte{'i'}, uint64(id)) }

// TokensOf begins the keys of the index of a user's tokens; with an empty name, of
// all tokens of the tenant.
func TokensOf(tenant, name string) []byte {
	key := append(append([]byte{'u'}, tenant...), 0)
	if name != "" {
		key = append(append(key, name...), 0)
	}
	return key
}

// TokenIndexKey is that of a token in the index, whose value is empty.
func TokenIndexKey(t *Token) []byte {
	return binary.BigEndian.AppendUint64(TokensOf(t.Tenant, t.User), uint64(t.ID))
}

// TokenOfKey is the token that a key ends with.
func TokenOfKey(key []byte) TokenID {
	if len(key) < 9 {
		return 0
	}
	return TokenID(binary.BigEndian.Uint64(key[len(key)-8:]))
}

// AuditOf begins the keys of a tenant's audit entries.
func AuditOf(tenant string) []byte { return append([]byte(tenant), 0) }

// AuditKey is that of an audit entry: those of a tenant ascend with time.
func AuditKey(tenant string, id AuditID) []byte {
	return binary.BigEndian.AppendUint64(AuditOf(tenant), uint64(id))
}

// AuditOfKey takes a key of AuditKey apart; false: it is none.
func AuditOfKey(key []byte) (tenant string, id AuditID, ok bool) {
	at := len(key) - 9
	if at < 1 || key[at] != 0 {
		return "", 0, false
	}
	return string(key[:at]), AuditID(binary.BigEndian.Uint64(key[at+1:])), true
}
