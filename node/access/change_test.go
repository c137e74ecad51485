package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/actors/access"
	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func TestTheFirstStart(t *testing.T) {
	w := newWorld(t, 1, nil)
	if shown, err := w.First(t.Context(), "another-password"); shown != "" || err != nil {
		t.Errorf("a second start: %q, %v", string(shown), err)
	}
	w.login("admin:" + adminPassword)
	fresh := &node{sys: &system{records: map[string][]byte{}}}
	fresh.Service = New(Options{Store: fresh, Cost: cheap})
	if _, err := fresh.First(t.Context(), ""); kind(err) != "elsewhere" || !errors.Is(err, endpoint.ErrElsewhere) || !errors.Is(err, admin.ErrBusy) {
		t.Errorf("where nobody leads: %v", err)
	}
	fresh.sys.lead(fresh)
	if _, err := fresh.First(t.Context(), "short"); kind(err) != "unprocessable" {
		t.Errorf("a short password: %v", err)
	}
	shown, err := fresh.First(t.Context(), "")
	if err != nil || len(shown) != 24 {
		t.Fatalf("%d characters, %v", len(shown), err)
	}
	p, err := fresh.Login(t.Context(), Request{Authorization: basic("management/admin:" + string(shown)), Source: home})
	if err != nil || !p.Permissions.Has(access.AllPermissions) {
		t.Errorf("%+v, %v", p, err)
	}
	if again, err := fresh.First(t.Context(), ""); again != "" || err != nil {
		t.Errorf("shown again: %v", err)
	}
}

func TestTenants(t *testing.T) {
	w := newWorld(t, 1, nil)
	ctx := t.Context()
	ann := w.login("acme/ann:" + annPassword)
	name, quotas, suspended := "Acme Ltd.", access.Quotas{Devices: 5}, access.Suspended
	for what, tc := range map[string]struct {
		err  error
		want string
	}{
		"again":               {second(w.CreateTenant(ctx, &w.admin, NewTenant{ID: "ACME"})), "conflict"},
		"bad ID":              {second(w.CreateTenant(ctx, &w.admin, NewTenant{ID: "a/b"})), "unprocessable"},
		"by a tenant-admin":   {second(w.CreateTenant(ctx, &ann, NewTenant{ID: "other"})), "forbidden"},
		"suspend management":  {second(w.ChangeTenant(ctx, &w.admin, access.Management, TenantChange{Status: &suspended}, 0)), "unprocessable"},
		"remove management":   {w.RemoveTenant(ctx, &w.admin, "Management", 0), "conflict"},
		"remove nothing":      {w.RemoveTenant(ctx, &w.admin, "nowhere", 0), "not found"},
		"remove one's own":    {w.RemoveTenant(ctx, &ann, "acme", 0), "forbidden"},
		"quotas of one's own": {second(w.ChangeTenant(ctx, &ann, "acme", TenantChange{Quotas: &quotas}, 0)), "forbidden"},
		"another's name":      {second(w.ChangeTenant(ctx, &ann, access.Management, TenantChange{Name: &name}, 0)), "forbidden"},
		"one's own name":      {second(w.ChangeTenant(ctx, &ann, "acme", TenantChange{Name: &name}, 0)), "ok"},
		"see another":         {second(w.Tenant(&ann, access.Management)), "not found"},
		"see none":            {second(w.Tenant(&ann, "nowhere")), "not found"},
		"see one's own":       {second(w.Tenant(&ann, "acme")), "ok"},
		"revision":            {second(w.ChangeTenant(ctx, &w.admin, "acme", TenantChange{Quotas: &quotas}, 1)), "conflict"},
	} {
		if kind(tc.err) != tc.want {
			t.Errorf("%s: %v, want %s", what, tc.err, tc.want)
		}
	}
	if list, err := w.Tenants(&ann, "", 10); err != nil || len(list) != 1 || list[0].ID != "acme" || list[0].Name != name {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := w.Tenants(&w.admin, "acme", 10); err != nil || len(list) != 1 || list[0].ID != access.Management {
		t.Errorf("%+v, %v", list, err)
	}
	tn, err := w.Tenant(&w.admin, "acme")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTenant(ctx, &w.admin, "acme", tn.Revision); err != nil {
		t.Fatal(err)
	}
	for k := range w.sys.records {
		if strings.Contains(k, "acme\x00") || strings.HasSuffix(k, "acme") {
			t.Errorf("%q is left", k)
		}
	}
	// Made again it is another one: nobody of the old is in it, and its audit is empty.
	again, err := w.CreateTenant(ctx, &w.admin, NewTenant{ID: "acme"})
	if err != nil || again.Revision <= tn.Revision {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := w.try(w.node, "acme/ann:"+annPassword, home); kind(err) != "unauthorized" {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestUsers(t *testing.T) {
	w := newWorld(t, 1, nil)
	ctx := t.Context()
	ann := w.login("acme/ann:" + annPassword)
	bob := w.user("bob", access.RoleReader)
	boss := w.login("management/admin:" + adminPassword)
	reader := w.login("acme/bob:planted-bob")
	platform, name, off := access.RolePlatformAdmin, "Robert", false
	for what, tc := range map[string]struct {
		err  error
		want string
	}{
		"again":              {second(w.CreateUser(ctx, &ann, NewUser{Name: "BOB"})), "conflict"},
		"bad name":           {second(w.CreateUser(ctx, &ann, NewUser{Name: "a/b"})), "unprocessable"},
		"long field":         {second(w.CreateUser(ctx, &ann, NewUser{Name: "c", FirstName: strings.Repeat("x", 300)})), "unprocessable"},
		"by a reader":        {second(w.CreateUser(ctx, &reader, NewUser{Name: "c"})), "forbidden"},
		"a platform-admin":   {second(w.CreateUser(ctx, &ann, NewUser{Name: "c", Roles: platform})), "forbidden"},
		"promoted":           {second(w.ChangeUser(ctx, &ann, "bob", UserChange{Roles: &platform}, 0)), "forbidden"},
		"by a reader, too":   {second(w.ChangeUser(ctx, &reader, "bob", UserChange{FirstName: &name}, 0)), "forbidden"},
		"removed by reader":  {w.RemoveUser(ctx, &reader, "ann", 0), "forbidden"},
		"of another tenant":  {w.RemoveUser(ctx, &boss, "bob", 0), "not found"},
		"nobody":             {second(w.ChangeUser(ctx, &ann, "nobody", UserChange{FirstName: &name}, 0)), "not found"},
		"the last admin":     {w.RemoveUser(ctx, &boss, "admin", 0), "conflict"},
		"the last, off":      {second(w.ChangeUser(ctx, &boss, "admin", UserChange{Enabled: &off}, 0)), "conflict"},
		"listed by a reader": {second(w.Users(&reader, "", 10)), "forbidden"},
		"oneself":            {second(w.Self(&reader)), "ok"},
	} {
		if kind(tc.err) != tc.want {
			t.Errorf("%s: %v, want %s", what, tc.err, tc.want)
		}
	}
	// Even a platform-admin makes no platform-admin elsewhere.
	acting := w.login("acme/management/admin:" + adminPassword)
	if _, err := w.CreateUser(ctx, &acting, NewUser{Name: "c", Roles: platform}); kind(err) != "unprocessable" {
		t.Error(err)
	}
	changed, err := w.ChangeUser(ctx, &ann, "bob", UserChange{FirstName: &name}, bob.Revision)
	if err != nil || changed.FirstName != name || changed.Revision == bob.Revision {
		t.Errorf("%+v, %v", changed, err)
	}
	if _, err := w.ChangeUser(ctx, &ann, "bob", UserChange{FirstName: &name}, bob.Revision); kind(err) != "conflict" {
		t.Errorf("an old revision: %v", err)
	}
	if list, err := w.Users(&ann, "ann", 10); err != nil || len(list) != 1 || list[0].Name != "bob" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestATenantAdminOfManagementIsNoPlatformAdmin: nor does he become one.
func TestATenantAdminOfManagementIsNoPlatformAdmin(t *testing.T) {
	w := newWorld(t, 1, nil)
	ctx := t.Context()
	if _, err := w.CreateUser(ctx, &w.admin, NewUser{Name: "tim", Roles: access.RoleTenantAdmin, Password: "planted-tim"}); err != nil {
		t.Fatal(err)
	}
	tim := w.login("tim:planted-tim")
	password := access.Secret("stolen-password")
	if _, err := w.ChangeUser(ctx, &tim, "admin", UserChange{Password: &password}, 0); kind(err) != "forbidden" {
		t.Errorf("a password: %v", err)
	}
	if err := w.RemoveUser(ctx, &tim, "admin", 0); kind(err) != "forbidden" {
		t.Errorf("removed: %v", err)
	}
	if _, err := w.try(w.node, "acme/management/tim:planted-tim", home); kind(err) != "forbidden" {
		t.Errorf("in another tenant: %v", err)
	}
	all, err := w.Tenants(&tim, "", 10)
	if err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestOnesOwnPassword(t *testing.T) {
	w := newWorld(t, 1, nil)
	ctx := t.Context()
	w.user("bob", access.RoleReader)
	bob := w.login("acme/bob:planted-bob")
	_, text, err := w.MakeToken(ctx, &bob, NewToken{Scope: access.InventoryRead, Expires: w.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	byToken := w.login(string(text))
	for what, tc := range map[string]struct {
		err  error
		want string
	}{
		"a wrong one": {w.ChangePassword(ctx, &bob, "planted-wrong", "planted-new"), "forbidden"},
		"short":       {w.ChangePassword(ctx, &bob, "planted-bob", "new"), "unprocessable"},
		"none":        {w.ChangePassword(ctx, &bob, "planted-bob", ""), "unprocessable"},
		"by a token":  {w.ChangePassword(ctx, &byToken, "planted-bob", "planted-new"), "forbidden"},
	} {
		if kind(tc.err) != tc.want {
			t.Errorf("%s: %v, want %s", what, tc.err, tc.want)
		}
	}
	if err := w.ChangePassword(ctx, &bob, "planted-bob", "planted-new"); err != nil {
		t.Fatal(err)
	}
	w.login("acme/bob:planted-new")
	if _, err := w.try(w.node, "acme/bob:planted-bob", home); kind(err) != "unauthorized" {
		t.Errorf("the old one: %v", err)
	}
	// Who guesses it from a session that is open is locked as at the door.
	last := error(nil)
	for i := range 8 {
		last = w.ChangePassword(ctx, &bob, access.Secret(fmt.Sprintf("planted-%d", i)), "planted-more")
	}
	if kind(last) != "throttled" {
		t.Error(last)
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t, 1, func(o *Options) { o.AuditMost = 100; o.AuditFor = time.Hour })
	ctx := t.Context()
	ann := w.login("acme/ann:" + annPassword)
	w.user("bob", access.RoleReader)
	name := "Robert"
	if _, err := w.ChangeUser(ctx, &ann, "bob", UserChange{FirstName: &name}, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Record(ctx, &ann, Record{Activity: "device.removed", What: "device/a", Before: map[string]string{"name": "a"}}); err != nil {
		t.Fatal(err)
	}
	list, err := w.Audit(&ann, 0, 10)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprintf("%d %s %s %s from %s", e.Number, e.Actor, e.Activity, e.What, e.Source))
	}
	want := []string{
		"4 acme/ann device.removed device/a from 192.0.2.1", "3 acme/ann user.changed user/bob from 192.0.2.1",
		"2 acme/ann user.created user/bob from 192.0.2.1", "1 management/admin user.created user/ann from 192.0.2.1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if !bytes.Contains(list[1].After, []byte(`"firstName":"Robert"`)) || bytes.Contains(list[1].Before, []byte("Robert")) || list[0].After != nil {
		t.Errorf("%s → %s", list[1].Before, list[1].After)
	}
	if older, err := w.Audit(&ann, list[1].ID, 1); err != nil || len(older) != 1 || older[0].ID != list[2].ID {
		t.Errorf("%+v, %v", older, err)
	}
	reader := w.login("acme/bob:planted-bob")
	if _, err := w.Audit(&reader, 0, 10); kind(err) != "forbidden" {
		t.Error(err)
	}
	// It is bounded, by number and by age, and the newest stay.
	for i := range 300 {
		if err := w.Record(ctx, &ann, Record{Activity: "x", What: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if n, _ := w.Service.count(wire.ClassAudit, access.AuditOf("acme")); n > 100 {
			t.Fatalf("%d entries", n)
		}
	}
	if list, err = w.Audit(&ann, 0, 1000); err != nil || len(list) < 30 || list[0].What != "299" || list[len(list)-1].Number != 304-uint64(len(list))+1 {
		t.Errorf("%d, %v", len(list), err)
	}
	w.pass(time.Hour + time.Second)
	if err := w.Record(ctx, &ann, Record{Activity: "y"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if list, err = w.Audit(&ann, 0, 1000); err != nil || len(list) != 1 || list[0].Activity != "y" {
		t.Errorf("%d, %v", len(list), err)
	}
}

// TestOneChangeAtATime: of many that saw the same revision one is made.
func TestOneChangeAtATime(t *testing.T) {
	w := newWorld(t, 1, nil)
	ann := w.login("acme/ann:" + annPassword)
	bob := w.user("bob", access.RoleReader)
	var wg sync.WaitGroup
	var mu sync.Mutex
	kinds := map[string]int{}
	for i := range 30 {
		wg.Go(func() {
			name := fmt.Sprint(i)
			_, err := w.ChangeUser(t.Context(), &ann, "bob", UserChange{FirstName: &name}, bob.Revision)
			mu.Lock()
			defer mu.Unlock()
			kinds[kind(err)]++
		})
	}
	wg.Wait()
	if kinds["ok"] != 1 || kinds["conflict"] != 29 {
		t.Errorf("%v", kinds)
	}
}

// TestLeadershipThatMoves: a change that was decided under one leadership is not made
// under another, and the next one waits until its fate is known.
func TestLeadershipThatMoves(t *testing.T) {
	w := newWorld(t, 2, nil)
	ann := w.login("acme/ann:" + annPassword)
	if _, err := w.nodes[1].CreateUser(t.Context(), &ann, NewUser{Name: "bob"}); kind(err) != "elsewhere" {
		t.Errorf("at a node that does not lead: %v", err)
	}
	w.sys.mu.Lock()
	w.sys.hold = true
	w.sys.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- second(w.CreateUser(ctx, &ann, NewUser{Name: "bob"})) }()
	var held func(error)
	for held == nil {
		<-time.After(time.Millisecond)
		w.sys.mu.Lock()
		if len(w.sys.held) > 0 {
			held, w.sys.hold = w.sys.held[0], false
		}
		w.sys.mu.Unlock()
	}
	cancel()
	if err := <-result; kind(err) != "unknown outcome" {
		t.Errorf("given up: %v", err)
	}
	// The next one does not decide by what may be about to change.
	short, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	if _, err := w.CreateUser(short, &ann, NewUser{Name: "bob"}); kind(err) != "deadline" {
		t.Errorf("meanwhile: %v", err)
	}
	w.sys.lead(w.nodes[1])
	w.sys.lead(w.node)
	w.sys.mu.Lock()
	held(nil)
	w.sys.mu.Unlock()
	if _, err := w.CreateUser(t.Context(), &ann, NewUser{Name: "bob"}); err != nil {
		t.Errorf("afterwards: %v", err) // and not "already", for the first was not made
	}
}

func TestAStoreThatFails(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.sys.mu.Lock()
	w.sys.broken = errors.New("the disk is broken")
	w.sys.mu.Unlock()
	if _, err := w.try(w.node, "acme/ann:"+annPassword, home); err == nil || kind(err) == "unauthorized" {
		t.Errorf("a login: %v", err)
	}
	if _, err := w.Users(&w.admin, "", 10); err == nil {
		t.Error("a list")
	}
}
