package access

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// now is a time as records keep it: whole milliseconds.
var now = time.UnixMilli(1_800_000_000_123)

// record is a stored form and its parser.
type record struct {
	name  string
	value interface{ Append([]byte) []byte }
	parse func([]byte) (interface{ Append([]byte) []byte }, error)
	hex   string
}

const goldenHash = Secret("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$YWFhYWFhYWFhYWFhYWFhYQ")

// records are the golden bytes of docs/formats/access.md.
var records = []record{
	{
		"tenant",
		&Tenant{ID: "acme", Name: "Acme", Status: Active, Quotas: Quotas{1000, 50, 1 << 20, 10}, Created: now, Revision: 3},
		func(b []byte) (interface{ Append([]byte) []byte }, error) {
			t, err := ParseTenant("acme", b)
			return &t, err
		},
		"01" + "01" + "0441636d65" + "f6c1e285e368" + "03" + "e807" + "32" + "808040" + "0a",
	},
	{
		"user",
		&User{Tenant: "acme", Name: "ann", FirstName: "A", LastName: "N", Email: "a@n", Phone: "1", Roles: RoleReader | RoleTenantAdmin, Enabled: true, Hash: goldenHash, Created: now, PasswordChanged: now, Revision: 300},
		func(b []byte) (interface{ Append([]byte) []byte }, error) {
			u, err := ParseUser("acme", "ann", b)
			return &u, err
		},
		"01" + "01" + "09" + "0141" + "014e" + "0361406e" + "0131" + "49" + hex.EncodeToString([]byte(goldenHash)) + "f6c1e285e368" + "f6c1e285e368" + "ac02",
	},
	{
		"token",
		&Token{ID: 7, Tenant: "acme", User: "ann", Label: "ci", Sum: [32]byte{1, 31: 2}, Last: "wxyz", Scope: InventoryRead | OperationCreate, Created: now, Expires: now},
		func(b []byte) (interface{ Append([]byte) []byte }, error) { t, err := ParseToken(7, b); return &t, err },
		"01" + "0461636d65" + "03616e6e" + "026369" + "047778797a" + "01" + "000000000000000000000000000000000000000000000000000000000000" + "02" + "09" + "f6c1e285e368" + "f6c1e285e368",
	},
	{
		"lock",
		&Count{Failures: 6, Last: now, Until: now},
		func(b []byte) (interface{ Append([]byte) []byte }, error) { c, err := ParseCount(b); return &c, err },
		"01" + "06" + "f6c1e285e368" + "f6c1e285e368",
	},
	{
		"audit entry",
		&Entry{ID: 9, Tenant: "acme", Number: 2, Token: 7, Actor: "acme/ann", Source: "::1", Activity: "x", What: "y", After: json.RawMessage("{}")},
		func(b []byte) (interface{ Append([]byte) []byte }, error) {
			e, err := ParseEntry("acme", 9, b)
			return &e, err
		},
		"01" + "02" + "0000000000000007" + "0861636d652f616e6e" + "033a3a31" + "0178" + "0179" + "00" + "027b7d",
	},
}

func TestRecordsBothWaysAndCut(t *testing.T) {
	for _, r := range records {
		raw := r.value.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != r.hex {
			t.Errorf("%s: %s, want %s", r.name, got, r.hex)
		}
		again, err := r.parse(raw)
		if err != nil || !bytes.Equal(again.Append(nil), raw) {
			t.Errorf("%s: %+v, %v", r.name, again, err)
		}
		for n := range raw {
			if _, err := r.parse(raw[:n]); !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %v", r.name, n, err)
			}
		}
		if _, err := r.parse(append(raw[:len(raw):len(raw)], 0)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s and a byte more: %v", r.name, err)
		}
		if _, err := r.parse(append([]byte{2}, raw[1:]...)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s of version 2: %v", r.name, err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for i, r := range records {
		raw, _ := hex.DecodeString(r.hex)
		f.Add(byte(i), raw)
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		r := records[int(which)%len(records)]
		v, err := r.parse(data)
		if err != nil {
			return
		}
		raw := v.Append(nil)
		again, err := r.parse(raw)
		if err != nil || !bytes.Equal(again.Append(nil), raw) {
			t.Fatalf("%s %x: %+v became %+v, %v", r.name, data, v, again, err)
		}
	})
}

func TestAuditIDsAscend(t *testing.T) {
	first := NextAudit(now, 0)
	if !first.Time().Equal(now) || NextAudit(now, first) != first+1 || NextAudit(now.Add(-time.Hour), first) != first+1 {
		t.Errorf("%v of %v", first, first.Time())
	}
	if next := NextAudit(now.Add(time.Millisecond), first); next != first+1<<22 || FirstAudit(now) != first {
		t.Errorf("%v after %v", next, first)
	}
	tenant, id, ok := AuditOfKey(AuditKey("acme", first))
	if !ok || tenant != "acme" || id != first {
		t.Errorf("%q %v %v", tenant, id, ok)
	}
	if FirstAudit(time.Unix(0, 0)) != 0 {
		t.Error("before the epoch")
	}
}

func TestKeys(t *testing.T) {
	tok := &Token{ID: 0x0102030405060708, Tenant: "a", User: "b"}
	for want, got := range map[string][]byte{
		"61":                         TenantKey("a"),
		"610062":                     UserKey("a", "b"),
		"690102030405060708":         TokenKey(tok.ID),
		"75610062000102030405060708": TokenIndexKey(tok),
		"756100":                     TokensOf("a", ""),
		"61000000000000000009":       AuditKey("a", 9),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
	if UserOfKey("a", UserKey("a", "b")) != "b" || TokenOfKey(TokenIndexKey(tok)) != tok.ID || TokenOfKey(nil) != 0 {
		t.Error("keys are not taken apart")
	}
}

func TestRecordsThatMayNotBe(t *testing.T) {
	for name, check := range map[string]error{
		"upper case":           (&Tenant{ID: "Acme", Status: Active}).Check(),
		"no status":            (&Tenant{ID: "acme"}).Check(),
		"management suspended": (&Tenant{ID: Management, Status: Suspended}).Check(),
		"quota below 0":        (&Tenant{ID: "acme", Status: Active, Quotas: Quotas{Rate: -1}}).Check(),
		"control character":    (&Tenant{ID: "acme", Status: Active, Name: "a\nb"}).Check(),
		"foreign admin":        (&User{Tenant: "acme", Name: "a", Roles: RolePlatformAdmin}).Check(),
		"unknown role":         (&User{Tenant: Management, Name: "a", Roles: rolesEnd}).Check(),
		"long name":            (&User{Tenant: "acme", Name: "a", FirstName: string(make([]byte, MaxText+1))}).Check(),
		"no hash":              (&User{Tenant: "acme", Name: "a", Hash: "plain"}).Check(),
	} {
		if !errors.Is(check, ErrInvalid) {
			t.Errorf("%s: %v", name, check)
		}
	}
}
