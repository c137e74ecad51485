package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
)

const externalForm = `{"self":"http://127.0.0.1:8080/identity/externalIds/c8y_Serial/urn:imei:1%2F2","externalId":"urn:imei:1/2","type":"c8y_Serial",` +
	`"managedObject":{"id":"24","self":"http://127.0.0.1:8080/inventory/managedObjects/24"}}`

func TestExternalIDBothDirections(t *testing.T) {
	e := ExternalID{"c8y_Serial", "urn:imei:1/2", 24}
	if got := string(AppendExternalID(nil, &e, base)); got != externalForm {
		t.Errorf("got  %s\nwant %s", got, externalForm)
	}
	if got, err := ParseExternalID([]byte(externalForm)); err != nil || got != e {
		t.Errorf("parsed %+v, %v", got, err)
	}
	if got, err := ParseNewExternalID([]byte(externalForm), 24); err != nil || got != e {
		t.Errorf("what was read cannot be written back: %+v, %v", got, err)
	}
	list := `{"self":"http://127.0.0.1:8080/identity/globalIds/24/externalIds","externalIds":[` + externalForm + `,` + externalForm + `]}`
	if got := string(AppendExternalIDs(nil, 24, []ExternalID{e, e}, base)); got != list {
		t.Errorf("got  %s\nwant %s", got, list)
	}
	if got := string(AppendExternalIDs(nil, 5, nil, base)); got != `{"self":"http://127.0.0.1:8080/identity/globalIds/5/externalIds","externalIds":[]}` {
		t.Error(got)
	}
}

func TestNewExternalID(t *testing.T) {
	for _, body := range []string{
		`{"externalId":"42","type":"c8y_Serial"}`, `{"externalId":"42","type":"c8y_Serial","managedObject":{"id":"7"}}`, `{"externalId":"42","type":"c8y_Serial","managedObject":{"id":7}}`,
		`{"externalId":"42","type":"c8y_Serial","managedObject":{"self":"https://x/inventory/managedObjects/7"}}`, `{"externalId":"42","type":"c8y_Serial","managedObject":null}`,
	} {
		if e, err := ParseNewExternalID([]byte(body), 7); err != nil || e != (ExternalID{"c8y_Serial", "42", 7}) {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
	}
	for _, body := range []string{
		`{}`, `{"externalId":"42"}`, `{"type":"x"}`, `{"externalId":"","type":"x"}`, `{"externalId":1,"type":"x"}`, `{"externalId":"1","type":"a/b"}`,
		`{"externalId":"1","type":"x","managedObject":{"id":"8"}}`, `{"externalId":"1","type":"x","managedObject":{}}`, `{"externalId":"1","type":"x","managedObject":"7"}`,
		`{"externalId":"1","type":"x","managedObject":{"id":-7}}`, `{"externalId":"` + strings.Repeat("x", MaxExternalID+1) + `","type":"x"}`,
	} {
		if e, err := ParseNewExternalID([]byte(body), 7); !errors.Is(err, ErrShape) {
			t.Errorf("%.80s: %+v, %v", body, e, err)
		}
	}
	if got := ExternalIDAddress("..", "a b"); got != "/identity/externalIds/%2E%2E/a%20b" {
		t.Error(got)
	}
}

func TestRelations(t *testing.T) {
	m := ManagedObject{ID: 1, Name: "house", Fragments: fragments(t, `{"c8y_IsDeviceGroup":{}}`)}
	m.References[ChildAssets] = []Reference{{2, "room"}, {3, ""}}
	m.References[AssetParents] = []Reference{{4, "town"}}
	form := string(AppendManagedObject(nil, &m, base))
	for _, want := range []string{
		`"childAssets":{"self":"http://127.0.0.1:8080/inventory/managedObjects/1/childAssets","references":[` +
			`{"managedObject":{"id":"2","name":"room","self":"http://127.0.0.1:8080/inventory/managedObjects/2"},"self":"http://127.0.0.1:8080/inventory/managedObjects/1/childAssets/2"},` +
			`{"managedObject":{"id":"3","self":"http://127.0.0.1:8080/inventory/managedObjects/3"},"self":"http://127.0.0.1:8080/inventory/managedObjects/1/childAssets/3"}]}`,
		`"assetParents":{"self":"http://127.0.0.1:8080/inventory/managedObjects/1/assetParents","references":[{"managedObject":{"id":"4","name":"town"`,
	} {
		if !strings.Contains(form, want) {
			t.Errorf("%s\nhas no %s", form, want)
		}
	}
	if got, err := ParseManagedObject([]byte(form)); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	ref := string(AppendReference(nil, 9, ChildAssets, &m, base))
	if want := `{"managedObject":` + form + `,"self":"http://127.0.0.1:8080/inventory/managedObjects/9/childAssets/1"}`; ref != want {
		t.Errorf("got  %s\nwant %s", ref, want)
	}
	for r := range relations {
		back, ok := ParseRelation(r.String())
		if !ok || back != r || r.Reverse().Reverse() != r || r.Reverse().Parents() == r.Parents() {
			t.Errorf("%s: %s, %t, reverse %s", r, back, ok, r.Reverse())
		}
	}
	if ChildAssets.Reverse() != AssetParents || ChildDevices.Parents() {
		t.Error("relations are turned round wrongly")
	}
	if _, ok := ParseRelation("children"); ok {
		t.Error("there is no relation children")
	}
	for _, wrong := range []string{`{"id":"1","childAssets":[]}`, `{"id":"1","childAssets":{"references":[{"managedObject":{"id":"x"}}]}}`} {
		if _, err := ParseManagedObject([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestParseReferences(t *testing.T) {
	for body, want := range map[string]string{
		`{"managedObject":{"id":"5"}}`: "[5] false", `{"managedObject":{"id":5,"name":"x"},"self":"y"}`: "[5] false",
		`{"managedObject":{"self":"http://h/inventory/managedObjects/5"}}`:           "[5] false",
		`{"references":[{"managedObject":{"id":"5"}},{"managedObject":{"id":"6"}}]}`: "[5 6] true",
		`{"references":[]}`: "[] true",
	} {
		list, many, err := ParseReferences([]byte(body))
		if got := fmt.Sprint(list, many); err != nil || got != want {
			t.Errorf("%s: %s, %v", body, got, err)
		}
	}
	for _, body := range []string{`{}`, `{"managedObject":{}}`, `{"managedObject":{"id":"x"}}`, `{"references":{}}`, `{"references":[5]}`, `{"references":[{}]}`, `{"managedObject":{"self":"http://h/"}}`} {
		if list, _, err := ParseReferences([]byte(body)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v, %v", body, list, err)
		}
	}
	many := `{"references":[` + strings.TrimSuffix(strings.Repeat(`{"managedObject":{"id":"1"}},`, MaxReferences+1), ",") + `]}`
	if _, _, err := ParseReferences([]byte(many)); !errors.Is(err, ErrBounds) {
		t.Error(err)
	}
}

func TestBinary(t *testing.T) {
	info := BinaryInfoOf("application/pdf", 217152)
	c, err := ParseNewBinary([]byte(`{"name":"my-file.pdf","type":"application/pdf","id":"1","length":5,"c8y_Global":{}}`), "other", info)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ManagedObject{ID: 3, Owner: "management/ann", Created: at}.Apply(c, at)
	if err != nil {
		t.Fatal(err)
	}
	form := string(AppendBinary(nil, &m, base))
	for _, want := range []string{
		`{"id":"3","self":"http://127.0.0.1:8080/inventory/binaries/3","type":"application/pdf","name":"my-file.pdf","owner":"management/ann",`,
		`"childAssets":{"self":"http://127.0.0.1:8080/inventory/managedObjects/3/childAssets",`,
		`"length":217152,"c8y_Global":{},"c8y_IsBinary":{},"contentType":"application/pdf"}`,
	} {
		if !strings.Contains(form, want) {
			t.Errorf("%s\nhas no %s", form, want)
		}
	}
	if got, ok := m.Binary(); !ok || got != info {
		t.Errorf("%+v, %t", got, ok)
	}
	if _, ok := (&ManagedObject{}).Binary(); ok {
		t.Error("an object that is none is a binary")
	}
	c, err = ParseNewBinary(nil, "fw.bin", BinaryInfoOf("", 0))
	if err != nil || *c.Name != "fw.bin" || *c.Type != octets || len(c.Fragments) != 3 {
		t.Errorf("without a description: %+v, %v", c, err)
	}
	for _, wrong := range []string{"", "x", "text/html\r\nSet-Cookie: a", "a/" + strings.Repeat("b", maxContentType)} {
		if got := BinaryInfoOf(wrong, 1).ContentType; got != octets {
			t.Errorf("%.40q is %q", wrong, got)
		}
	}
	if _, err := ParseNewBinary([]byte(`[]`), "", info); !errors.Is(err, ErrShape) {
		t.Error(err)
	}
}

var ann = User{
	Tenant: "t1", Name: "ann@example.org", FirstName: "Ann", LastName: "Lee", Email: "ann@example.org", Phone: "+1234567890", Enabled: true, PasswordChanged: at,
	Roles: []Role{{"ROLE_INVENTORY_READ", "ROLE_INVENTORY_READ"}}, Custom: json.RawMessage(`{"language":"en"}`),
	Groups: []Group{{2, "operators", []Role{{"ROLE_INVENTORY_READ", "ROLE_INVENTORY_READ"}, {"ROLE_DEVICE_CONTROL_ADMIN", "ROLE_DEVICE_CONTROL_ADMIN"}}}},
}

const person = `"userName":"ann@example.org","firstName":"Ann","lastName":"Lee","displayName":"Ann Lee","email":"ann@example.org","phone":"+1234567890","enabled":true,` +
	`"shouldResetPassword":false,"lastPasswordChange":"2026-01-31T12:00:00.007Z","customProperties":{"language":"en"},`

func TestUser(t *testing.T) {
	form := string(AppendUser(nil, &ann, ""))
	want := `{"id":"ann@example.org","self":"/user/t1/users/ann@example.org",` + person +
		`"roles":{"self":"/user/t1/users/ann@example.org/roles","references":[{"role":{"id":"ROLE_INVENTORY_READ","name":"ROLE_INVENTORY_READ","self":"/user/roles/ROLE_INVENTORY_READ"},` +
		`"self":"/user/t1/users/ann@example.org/roles/ROLE_INVENTORY_READ"}]},` +
		`"groups":{"self":"/user/t1/users/ann@example.org/groups","references":[{"group":{"id":2,"name":"operators","self":"/user/t1/groups/2","roles":{"self":"/user/t1/groups/2/roles","references":[` +
		`{"role":{"id":"ROLE_INVENTORY_READ","name":"ROLE_INVENTORY_READ","self":"/user/roles/ROLE_INVENTORY_READ"},"self":"/user/t1/groups/2/roles/ROLE_INVENTORY_READ"},` +
		`{"role":{"id":"ROLE_DEVICE_CONTROL_ADMIN","name":"ROLE_DEVICE_CONTROL_ADMIN","self":"/user/roles/ROLE_DEVICE_CONTROL_ADMIN"},"self":"/user/t1/groups/2/roles/ROLE_DEVICE_CONTROL_ADMIN"}]}},` +
		`"self":"/user/t1/users/ann@example.org/groups/2"}]},"devicePermissions":{}}`
	if form != want {
		t.Errorf("got  %s\nwant %s", form, want)
	}
	form = string(AppendCurrentUser(nil, &ann, base))
	want = `{"id":"ann@example.org","self":"http://127.0.0.1:8080/user/currentUser",` + person +
		`"effectiveRoles":[{"id":"ROLE_INVENTORY_READ","name":"ROLE_INVENTORY_READ","self":"http://127.0.0.1:8080/user/roles/ROLE_INVENTORY_READ"},` +
		`{"id":"ROLE_DEVICE_CONTROL_ADMIN","name":"ROLE_DEVICE_CONTROL_ADMIN","self":"http://127.0.0.1:8080/user/roles/ROLE_DEVICE_CONTROL_ADMIN"}],"devicePermissions":{}}`
	if form != want {
		t.Errorf("got  %s\nwant %s", form, want)
	}
	if form := string(AppendUser(nil, &User{Tenant: "t", Name: "b"}, "")); !strings.HasPrefix(form, `{"id":"b","self":"/user/t/users/b","userName":"b","enabled":false,"shouldResetPassword":false,"roles":{`) {
		t.Error(form)
	}
}

func TestUserChange(t *testing.T) {
	body := AppendUser(nil, &ann, base) // which a client writes back
	c, err := ParseUserChange(body)
	if err != nil || *c.Name != ann.Name || *c.FirstName != "Ann" || !*c.Enabled || c.Password != nil || string(c.Custom) != `{"language":"en"}` {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = ParseNewUser([]byte(`{"userName":"bob","password":"planted-secret","enabled":null,"email":""}`))
	if err != nil || *c.Name != "bob" || *c.Password != "planted-secret" || c.Enabled != nil || c.ResetPassword != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if shown := fmt.Sprintf("%+v", c); strings.Contains(shown, "planted-secret") {
		t.Error(shown)
	}
	if _, err := ParseNewUser([]byte(`{"userName":"bob","sendPasswordResetEmail":true}`)); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{
		`{}`, `{"password":"planted-secret"}`, `{"userName":"bob"}`, `{"userName":"a/b","password":"planted-secret"}`, `{"userName":"a:b","password":"planted-secret"}`,
		`{"userName":"a b","password":"planted-secret"}`, `{"userName":"","password":"planted-secret"}`, `{"userName":"b","password":""}`, `{"userName":"b","password":{"planted-secret":1}}`,
		`{"userName":"b","password":"` + strings.Repeat("planted-secret", 20) + `"}`, `{"userName":"b","password":"planted-secret","enabled":"yes"}`,
		`{"userName":"b","password":"planted-secret","email":"nobody"}`, `{"userName":"b","password":"planted-secret","email":"A <a@b.c>"}`,
		`{"userName":"b","password":"planted-secret","customProperties":[]}`, `{"userName":"b","password":"planted-secret","phone":"` + strings.Repeat("1", maxPerson+1) + `"}`,
		`{"userName":"` + strings.Repeat("u", MaxUserName+1) + `","password":"planted-secret"}`, `{"userName":"a\u0000","password":"planted-secret"}`,
	} {
		if c, err := ParseNewUser([]byte(wrong)); !errors.Is(err, ErrShape) || strings.Contains(err.Error(), "planted-secret") {
			t.Errorf("%.80s: %+v, %v", wrong, c, err)
		}
	}
}

var tenant = Tenant{
	ID: "t1", Domain: "t1.example.org", Company: "Lee & Co", Status: TenantActive, AdminName: "ann", AdminEmail: "ann@example.org",
	ContactName: "Ann", ContactPhone: "+1", Parent: "management", Created: at, Custom: json.RawMessage(`{"a":1}`),
}

const tenantForm = `{"id":"t1","self":"http://127.0.0.1:8080/tenant/tenants/t1","domain":"t1.example.org","company":"Lee & Co","status":"ACTIVE","adminName":"ann","adminEmail":"ann@example.org",` +
	`"contactName":"Ann","contactPhone":"+1","parent":"management","creationTime":"2026-01-31T12:00:00.007Z","allowCreateTenants":false,` +
	`"applications":{"self":"http://127.0.0.1:8080/tenant/tenants/t1/applications","references":[]},"customProperties":{"a":1}}`

func TestTenantBothDirections(t *testing.T) {
	if got := string(AppendTenant(nil, &tenant, base)); got != tenantForm {
		t.Errorf("got  %s\nwant %s", got, tenantForm)
	}
	if got, err := ParseTenant([]byte(tenantForm)); err != nil || !reflect.DeepEqual(got, tenant) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	want := `{"name":"t1","domainName":"t1.example.org","allowCreateTenants":false,"parent":"management","self":"/tenant/currentTenant",` +
		`"applications":{"self":"/tenant/tenants/t1/applications","references":[]},"customProperties":{"a":1}}`
	if got := string(AppendCurrentTenant(nil, &tenant, "")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTenantChange(t *testing.T) {
	c, err := ParseTenantChange([]byte(tenantForm))
	if err != nil || *c.ID != "t1" || *c.Status != TenantActive || *c.Company != "Lee & Co" || c.AdminPassword != nil {
		t.Errorf("what was read cannot be written back: %+v, %v", c, err)
	}
	for _, body := range []string{`{"company":"x","adminName":"a","adminPass":"planted-secret"}`, `{"company":"x","adminName":"a","adminPassword":"planted-secret"}`} {
		if c, err := ParseTenantChange([]byte(body)); err != nil || *c.AdminPassword != "planted-secret" || c.ID != nil || c.Status != nil || c.MakesTenants != nil {
			t.Errorf("%s: %+v, %v", body, c, err)
		}
	}
	for _, wrong := range []string{
		`{"status":"GONE"}`, `{"id":""}`, `{"id":"1a"}`, `{"id":"a/b"}`, `{"id":"a.b"}`, `{"id":"` + strings.Repeat("a", MaxTenantID+1) + `"}`, `{"adminName":"a:b"}`,
		`{"adminPass":"` + strings.Repeat("planted-secret", 20) + `"}`, `{"adminPass":["planted-secret"]}`, `{"domain":"` + strings.Repeat("d", maxTenantText+1) + `"}`, `{"customProperties":1}`,
	} {
		if c, err := ParseTenantChange([]byte(wrong)); !errors.Is(err, ErrShape) || strings.Contains(err.Error(), "planted-secret") {
			t.Errorf("%.60s: %+v, %v", wrong, c, err)
		}
	}
}

const auditForm = `{"id":"123","self":"http://127.0.0.1:8080/audit/auditRecords/123","creationTime":"2026-01-31T12:00:01.007Z","time":"2026-01-31T12:00:00.007Z","type":"User",` +
	`"activity":"User updated","text":"ann was changed","severity":"INFORMATION","user":"bob","application":"devicemanagement",` +
	`"source":{"id":"24","self":"http://127.0.0.1:8080/inventory/managedObjects/24"},"changes":[{"attribute":"enabled","changeType":"REPLACED","type":"Boolean","previousValue":true,"newValue":false},` +
	`{"attribute":"email","changeType":"ADDED","newValue":"a@b"},{"attribute":"phone","changeType":"REMOVED","previousValue":{"n":1}}]}`

func TestAuditRecordBothDirections(t *testing.T) {
	a := AuditRecord{
		ID: "123", Type: "User", Activity: "User updated", Text: "ann was changed", Severity: Information, User: "bob", App: "devicemanagement",
		Time: at, Created: at.Add(time.Second), Source: "24",
		Changes: []AuditChange{{"enabled", "Boolean", json.RawMessage("true"), json.RawMessage("false")}, {"email", "", nil, json.RawMessage(`"a@b"`)}, {"phone", "", json.RawMessage(`{"n":1}`), nil}},
	}
	if got := string(AppendAuditRecord(nil, &a, base)); got != auditForm {
		t.Errorf("got  %s\nwant %s", got, auditForm)
	}
	if got, err := ParseAuditRecord([]byte(auditForm)); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("parsed %+v, %v", got, err)
	}
	bare := AuditRecord{ID: "1", Type: "Inventory", Activity: "x", Text: "y"}
	if got := string(AppendAuditRecord(nil, &bare, "")); got != `{"id":"1","self":"/audit/auditRecords/1","type":"Inventory","activity":"x","text":"y","changes":[]}` {
		t.Error(got)
	}
	for _, wrong := range []string{`{"source":5}`, `{"source":{"id":[]}}`, `{"changes":{}}`, `{"time":"noon"}`, `{"user":1}`} {
		if _, err := ParseAuditRecord([]byte(wrong)); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// The root document leads somewhere: every link begins with its part's address.
func TestPlatformDocument(t *testing.T) {
	all := AppendPlatform(nil, base, func(string) bool { return true })
	var document map[string]any
	if err := json.Unmarshal(all, &document); err != nil {
		t.Fatal(err)
	}
	if document["self"] != base+"/platform" || len(document) != len(apis)+1 {
		t.Errorf("%s", all)
	}
	for _, a := range apis {
		alone, ok := AppendAPI(nil, a.path, base)
		var part map[string]any
		if err := json.Unmarshal(alone, &part); err != nil || !ok || !reflect.DeepEqual(part, document[a.name]) {
			t.Errorf("%s: %s, %v", a.path, alone, err)
		}
		for name, to := range part {
			if list, ok := to.(map[string]any); ok {
				to = list["self"]
			}
			if s, _ := to.(string); !strings.HasPrefix(s, base+a.path) {
				t.Errorf("%s.%s leads to %v", a.name, name, to)
			}
		}
	}
	if got := string(AppendPlatform(nil, "", func(part string) bool { return part == "identity" })); got != `{"self":"/platform","identity":{"self":"/identity",`+
		`"externalId":"/identity/externalIds/{type}/{externalId}","externalIdsOfGlobalId":"/identity/globalIds/{globalId}/externalIds"}}` {
		t.Error(got)
	}
	if _, ok := AppendAPI(nil, "/nothing", base); ok {
		t.Error("there is nothing there")
	}
}

func TestMediaNames(t *testing.T) {
	for kind, want := range map[string]string{
		"application/vnd.com.nsn.cumulocity.managedObjectReference+json": MediaReference, MediaType(MediaUser): MediaUser,
		"application/vnd.com.nsn.cumulocity.currentUser+json": MediaCurrentUser,
		"application/json": "", "application/vnd.com.nsn.cumulocity.+json": "", "application/vnd.com.nsn.cumulocity.user": "", "application/vnd.com.nsn.cumulocity+json": "",
	} {
		if got, ok := MediaName(kind); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %t", kind, got, ok)
		}
	}
}

// A client's bytes, cut anywhere, are refused and never half taken.
func TestDirectoryCutAtEveryByte(t *testing.T) {
	cut(t, externalForm, ParseExternalID)
	cut(t, externalForm, func(b []byte) (ExternalID, error) { return ParseNewExternalID(b, 24) })
	cut(t, tenantForm, ParseTenant)
	cut(t, tenantForm, ParseTenantChange)
	cut(t, auditForm, ParseAuditRecord)
	cut(t, string(AppendUser(nil, &ann, base)), ParseUserChange)
	cut(t, `{"references":[{"managedObject":{"id":"5"}}]}`, func(b []byte) ([]ids.Object, error) {
		list, _, err := ParseReferences(b)
		return list, err
	})
}

func cut[T any](t *testing.T, form string, parse func([]byte) (T, error)) {
	t.Helper()
	for i := range len(form) {
		if v, err := parse([]byte(form[:i])); err == nil {
			t.Errorf("%T of %d bytes was taken", v, i)
		}
	}
}

func FuzzDirectory(f *testing.F) {
	for _, form := range []string{externalForm, tenantForm, auditForm, `{"managedObject":{"id":"5"}}`, `{"references":[{"managedObject":{"id":"5"}}]}`, `{"userName":"b","password":"p"}`} {
		f.Add([]byte(form))
	}
	f.Add(AppendUser(nil, &ann, base))
	f.Fuzz(func(t *testing.T, body []byte) {
		checkAgain(t, body, ParseExternalID, func(e ExternalID) []byte { return AppendExternalID(nil, &e, base) })
		checkAgain(t, body, ParseTenant, func(v Tenant) []byte { return AppendTenant(nil, &v, base) })
		checkAgain(t, body, ParseAuditRecord, func(a AuditRecord) []byte { return AppendAuditRecord(nil, &a, base) })
		ParseTenantChange(body)
		ParseReferences(body)
		if c, err := ParseNewUser(body); err == nil {
			u := User{Tenant: "t", Name: *c.Name, Custom: c.Custom}
			if form := AppendUser(nil, &u, base); !json.Valid(form) {
				t.Fatalf("%s", form)
			}
		}
		c, err := ParseNewBinary(body, "f", BinaryInfoOf("text/plain", 5))
		if err != nil {
			return
		}
		if m, err := (ManagedObject{}).Apply(c, at); err == nil {
			if b, ok := m.Binary(); !ok || b.Length != 5 || b.ContentType != "text/plain" {
				t.Fatalf("%s: %+v", body, b)
			}
		}
	})
}
