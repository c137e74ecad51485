package platform

import (
	"encoding/json"
	"fmt"
	"time"
)

// AuditRecord is who did what, when and to what, in the platform's words.
type AuditRecord struct {
	ID       string
	Type     string // of what was touched: Inventory, Operation, User, Tenant, …
	Activity string // such as "User updated"
	Text     string
	Severity Severity
	User     string // userName, "" for the server itself
	App      string // application, "" for none
	Time     time.Time
	Created  time.Time
	Source   string // ID of what was touched, "" for none
	Changes  []AuditChange
}

// Severity of alarms and audit records.
type Severity string

const (
	Critical Severity = "CRITICAL"
	Major    Severity = "MAJOR"
	Minor    Severity = "MINOR"
	Warning  Severity = "WARNING"
	// Information is a severity of audit records alone.
	Information Severity = "INFORMATION"
)

// AuditChange is one attribute before and after. Secrets are shown in neither.
type AuditChange struct {
	Attribute string
	Type      string          // of the values, such as String
	Before    json.RawMessage // nil for what was not there
	After     json.RawMessage // nil for what is no more
}

// AuditPath is where audit records are found.
const AuditPath = "/audit/auditRecords"

// AuditRecordsList is the name of the list in a page of audit records.
const AuditRecordsList = "auditRecords"

// AppendAuditRecord appends the record as the platform shows it.
func AppendAuditRecord(dst []byte, a *AuditRecord, base string) []byte {
	o := newObject(dst)
	o.text("id", a.ID)
	o.text("self", base+AuditPath+"/"+segment(a.ID))
	o.time("creationTime", a.Created)
	o.time("time", a.Time)
	o.text("type", a.Type)
	o.text("activity", a.Activity)
	o.text("text", a.Text)
	o.optional("severity", string(a.Severity))
	o.optional("user", a.User)
	o.optional("application", a.App)
	if a.Source != "" {
		o.name("source")
		s := newObject(o.buf)
		s.text("id", a.Source)
		s.text("self", base+ObjectsPath+"/"+segment(a.Source))
		o.buf = s.close()
	}
	o.name("changes")
	o.buf = append(o.buf, '[')
	for i := range a.Changes {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = a.Changes[i].append(o.buf)
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

func (c *AuditChange) append(dst []byte) []byte {
	o := newObject(dst)
	o.text("attribute", c.Attribute)
	o.text("changeType", c.kind())
	o.optional("type", c.Type)
	if c.Before != nil {
		o.raw("previousValue", c.Before)
	}
	if c.After != nil {
		o.raw("newValue", c.After)
	}
	return o.close()
}

func (c *AuditChange) kind() string {
	switch {
	case c.Before == nil:
		return "ADDED"
	case c.After == nil:
		return "REMOVED"
	}
	return "REPLACED"
}

// ParseAuditRecord reads what AppendAuditRecord wrote, as a client does.
func ParseAuditRecord(body []byte) (a AuditRecord, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return a, err
	}
	r := reader{fragments: f}
	a = AuditRecord{
		ID: r.text("id"), Type: r.text("type"), Activity: r.text("activity"), Text: r.text("text"), Severity: Severity(r.text("severity")),
		User: r.text("user"), App: r.text("application"), Time: r.time("time"), Created: r.time("creationTime"),
	}
	if source := r.object("source"); source != nil {
		s, err := ParseFragments(source)
		if err != nil {
			return AuditRecord{}, fmt.Errorf("source: %w", err)
		}
		a.Source, err = idText(s)
		r.fault(err)
	}
	if r.err != nil {
		return AuditRecord{}, r.err
	}
	if a.Changes, err = parseChanges(f.Get("changes")); err != nil {
		return AuditRecord{}, err
	}
	return a, nil
}

func parseChanges(raw json.RawMessage) (changes []AuditChange, err error) {
	if raw == nil || isNull(raw) {
		return nil, nil
	}
	var list []struct {
		Attribute, Type         string
		PreviousValue, NewValue json.RawMessage
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%w: changes: %w", ErrShape, err)
	}
	if len(list) > MaxMembers {
		return nil, fmt.Errorf("%w: %d changes, at most %d", ErrBounds, len(list), MaxMembers)
	}
	for _, c := range list {
		changes = append(changes, AuditChange{c.Attribute, c.Type, c.PreviousValue, c.NewValue})
	}
	return changes, nil
}
