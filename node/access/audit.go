package access

import (
	"context"

	"dormouse/actors/access"
	"dormouse/codec/wire"
)

// Audit lists entries of the tenant that he acts in, newest first, at most limit of
// them that are older than the one called before; 0: from the newest on.
func (s *Service) Audit(by *access.Principal, before access.AuditID, limit int) (list []access.Entry, err error) {
	if err := by.Must(access.AuditRead); err != nil || limit <= 0 {
		return nil, err
	}
	var from []byte
	if before != 0 {
		from = access.AuditKey(by.Tenant, before)
	}
	err = s.scan(wire.ClassAudit, access.AuditOf(by.Tenant), from, true, func(key, value []byte) (bool, error) {
		_, id, _ := access.AuditOfKey(key)
		e, err := access.ParseEntry(by.Tenant, id, value)
		list = append(list, e)
		return len(list) < limit, err
	})
	return list, err
}

// Record is the audit entry of a change that others made: of devices, settings, and the
// like.
type Record struct {
	Activity, What string // device.removed, device/urn:imei:1
	Before, After  any    // shown as JSON, so without secrets; nil: there was or is none
}

// Record writes an entry in the audit of the tenant that he acts in. It is called after
// the change, where the system group is led: the two lie in different shards, and what
// a crash leaves between them is a change without an entry.
func (s *Service) Record(ctx context.Context, by *access.Principal, r Record) error {
	return s.turn(ctx, by, func(c *change) error {
		return c.audit(by.Tenant, r.Activity, r.What, r.Before, r.After)
	})
}
