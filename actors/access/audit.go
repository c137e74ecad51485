package access

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"dormouse/codec/wire"
)

// AuditID is the ID of an audit entry; those of one tenant ascend with time:
//
//	milliseconds since 2025 41 | count 22, printed in decimal
type AuditID uint64

// auditEpoch is 2025-01-01T00:00:00Z in milliseconds, as that of operations.
const auditEpoch = 1735689600000

// NextAudit is the smallest ID above last and not older than now.
func NextAudit(now time.Time, last AuditID) AuditID {
	return max(FirstAudit(now), last+1)
}

// FirstAudit is the smallest ID that is not older than a time.
func FirstAudit(t time.Time) AuditID { return AuditID(max(t.UnixMilli()-auditEpoch, 0) << 22) }

// Time is when the entry was written, to the millisecond.
func (id AuditID) Time() time.Time { return time.UnixMilli(int64(id>>22) + auditEpoch) }

func (id AuditID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MaxAuditJSON bounds what an entry shows of before and after, in bytes each.
const MaxAuditJSON = 8 << 10

// Entry is the stored record of one change (wire.ClassAudit, key: AuditKey). It is
// written in the batch of the change, and never changed.
type Entry struct {
	ID       AuditID
	Tenant   string // in whose audit it is
	Number   uint64 // counts the tenant's entries: what was pruned is missing at the beginning alone
	Actor    string // home/user, or the node
	Token    TokenID
	Source   string // address, "" for none
	Activity string // user.created
	What     string // user/alice
	Before   json.RawMessage
	After    json.RawMessage
}

// Shown is what an entry shows of a record: its JSON, or nothing for nil. Types of
// this package show no secrets.
func Shown(record any) json.RawMessage {
	if record == nil {
		return nil
	}
	b, err := json.Marshal(record)
	if err != nil {
		return json.RawMessage(`"not shown"`)
	}
	if len(b) > MaxAuditJSON {
		return json.RawMessage(`"too long to be shown"`)
	}
	return b
}

// Append appends the stored form (docs/formats/access.md).
func (e *Entry) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, version), e.Number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Token))
	for _, s := range []string{e.Actor, e.Source, e.Activity, e.What, string(e.Before), string(e.After)} {
		dst = wire.AppendText(dst, s)
	}
	return dst
}

// ParseEntry reads what Append wrote. ErrRecord is wrapped.
func ParseEntry(tenant string, id AuditID, b []byte) (e Entry, err error) {
	f := wire.NewFields(b)
	v := f.Byte()
	e = Entry{ID: id, Tenant: tenant, Number: f.Uvarint(), Token: TokenID(f.Uint64()), Actor: f.Text(), Source: f.Text(), Activity: f.Text(), What: f.Text()}
	e.Before, e.After = shown(f.Text()), shown(f.Text())
	if err := ended(&f, v, "audit entry"); err != nil {
		return Entry{}, err
	}
	for _, j := range []json.RawMessage{e.Before, e.After} {
		if j != nil && !json.Valid(j) {
			return Entry{}, fmt.Errorf("%w: an audit entry whose JSON is none", ErrRecord)
		}
	}
	return e, nil
}

func shown(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}
