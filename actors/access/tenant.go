package access

import (
	"encoding/binary"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// Status of a tenant.
type Status byte

const (
	Active    Status = 1
	Suspended Status = 2 // nobody of it logs in; its data stays
)

func (s Status) String() string {
	switch s {
	case Active:
		return "active"
	case Suspended:
		return "suspended"
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Quotas of a tenant; 0 is no bound.
type Quotas struct {
	Devices    int64 `json:"devices"`
	Operations int64 `json:"operations"` // queued, of all its devices
	Stored     int64 `json:"storedBytes"`
	Rate       int64 `json:"requestsPerSecond"` // of the API, at each node
}

// Tenant is the stored record (wire.ClassTenant, key: the ID).
type Tenant struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"` // what is shown, or a domain
	Status   Status    `json:"status"`
	Quotas   Quotas    `json:"quotas"`
	Created  time.Time `json:"created"`
	Revision uint64    `json:"revision,string"` // another one after each change
}

// Check says whether the record may be stored. ErrInvalid is wrapped.
func (t *Tenant) Check() error {
	if id, err := ParseTenantID(t.ID); err != nil {
		return err
	} else if id != t.ID {
		return invalid("a tenant's ID is stored in lower case")
	}
	q := t.Quotas
	switch {
	case t.Status != Active && t.Status != Suspended:
		return invalid("a tenant is active or suspended")
	case t.Status == Suspended && t.ID == Management:
		return invalid("the tenant %s cannot be suspended", Management)
	case min(q.Devices, q.Operations, q.Stored, q.Rate) < 0:
		return invalid("a quota is not below 0")
	}
	return checkText("name", t.Name)
}

const version = 1

// Append appends the stored form (docs/formats/access.md).
func (t *Tenant) Append(dst []byte) []byte {
	dst = wire.AppendText(append(dst, version, byte(t.Status)), t.Name)
	dst = binary.AppendUvarint(wire.AppendTime(dst, t.Created), t.Revision)
	for _, q := range []int64{t.Quotas.Devices, t.Quotas.Operations, t.Quotas.Stored, t.Quotas.Rate} {
		dst = binary.AppendUvarint(dst, uint64(q))
	}
	return dst
}

// ParseTenant reads what Append wrote. ErrRecord is wrapped.
func ParseTenant(id string, b []byte) (t Tenant, err error) {
	f := wire.NewFields(b)
	v := f.Byte()
	t = Tenant{ID: id, Status: Status(f.Byte()), Name: f.Text(), Created: f.Time(), Revision: f.Uvarint()}
	for _, q := range []*int64{&t.Quotas.Devices, &t.Quotas.Operations, &t.Quotas.Stored, &t.Quotas.Rate} {
		*q = int64(f.Uvarint())
	}
	if err := ended(&f, v, "tenant"); err != nil {
		return Tenant{}, err
	}
	if t.Check() != nil {
		return Tenant{}, fmt.Errorf("%w: a tenant that may not be", ErrRecord)
	}
	return t, nil
}

// ended checks that a record is whole and of the version that is known.
func ended(f *wire.Fields, v byte, what string) error {
	if f.Err() != nil || v != version {
		return fmt.Errorf("%w: %s of version %d", ErrRecord, what, v)
	}
	return nil
}
