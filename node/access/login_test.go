package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/actors/access"
	"dormouse/codec/wire"
)

func isKind(err, target error) bool { return errors.Is(err, target) }

var (
	elsewhereAddr = netip.MustParseAddr("203.0.113.9")
	tokenTime     = 24 * time.Hour
)

func TestWhoIsLetIn(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleReader)
	for credentials, want := range map[string]string{
		"management/admin:" + adminPassword:            "management/admin in management",
		"admin:" + adminPassword:                       "management/admin in management",
		"acme/management/admin:" + adminPassword:       "management/admin in acme",
		"ACME/Bob:planted-bob":                         "acme/bob in acme",
		"acme/bob:planted-Bob":                         "unauthorized",
		"acme/bob:":                                    "unauthorized",
		"acme/nobody:planted-bob":                      "unauthorized",
		"nowhere/bob:planted-bob":                      "unauthorized",
		"bob:planted-bob":                              "unauthorized",
		"nowhere/management/admin:" + adminPassword:    "not found",
		"management/management/admin:" + adminPassword: "management/admin in management",
	} {
		p, err := w.try(w.node, credentials, home)
		got := kind(err)
		if err == nil {
			got = p.Actor() + " in " + p.Tenant
		}
		if got != want {
			t.Errorf("%s: %s, want %s", credentials, got, want)
		}
	}
	// Nobody of another tenant acts elsewhere, whatever he is.
	for _, tenant := range []string{"management", "nowhere"} {
		_, err := w.Login(t.Context(), Request{Authorization: basic("acme/ann:" + annPassword), Tenant: tenant, Source: home})
		if kind(err) != "forbidden" {
			t.Errorf("ann in %s: %v", tenant, err)
		}
	}
	p, err := w.Login(t.Context(), Request{Authorization: basic("admin:" + adminPassword), Tenant: "acme", Source: home})
	if err != nil || p.Tenant != "acme" || p.Source != home {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := w.Login(t.Context(), Request{Authorization: basic("acme/management/admin:" + adminPassword), Tenant: "management", Source: home}); kind(err) != "unprocessable" {
		t.Errorf("two tenants: %v", err)
	}
}

// TestWhoIsOut: at the very next request, though his password was remembered.
func TestWhoIsOut(t *testing.T) {
	off, suspended, other := false, access.Suspended, access.Secret("another-password")
	for name, change := range map[string]func(w *world, ann *access.Principal) error{
		"disabled": func(w *world, ann *access.Principal) error {
			_, err := w.ChangeUser(w.Context(), ann, "bob", UserChange{Enabled: &off}, 0)
			return err
		},
		"removed": func(w *world, ann *access.Principal) error { return w.RemoveUser(w.Context(), ann, "bob", 0) },
		"another password": func(w *world, ann *access.Principal) error {
			_, err := w.ChangeUser(w.Context(), ann, "bob", UserChange{Password: &other}, 0)
			return err
		},
		"tenant suspended": func(w *world, _ *access.Principal) error {
			_, err := w.ChangeTenant(w.Context(), &w.admin, "acme", TenantChange{Status: &suspended}, 0)
			return err
		},
		"tenant removed": func(w *world, _ *access.Principal) error { return w.RemoveTenant(w.Context(), &w.admin, "acme", 0) },
	} {
		w := newWorld(t, 2, nil)
		w.user("bob", access.RoleReader)
		ann, bob := w.login("acme/ann:"+annPassword), w.login("acme/bob:planted-bob")
		_, text, err := w.MakeToken(t.Context(), &bob, NewToken{Scope: access.InventoryRead, Expires: w.now().Add(tokenTime)})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range w.nodes {
			if _, err := w.try(n, "acme/bob:planted-bob", home); err != nil {
				t.Fatal(err)
			}
		}
		if err := change(w, &ann); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, n := range w.nodes {
			if _, err := w.try(n, "acme/bob:planted-bob", home); kind(err) != "unauthorized" {
				t.Errorf("%s, node %d: %v", name, i, err)
			}
			if _, err := w.try(n, string(text), home); (err == nil) != (name == "another password") {
				t.Errorf("%s, node %d, token: %v", name, i, err)
			}
		}
	}
}

func TestARoleThatWasTakenAwayIsGone(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleOperator)
	ann, bob := w.login("acme/ann:"+annPassword), w.login("acme/bob:planted-bob")
	_, text, err := w.MakeToken(t.Context(), &bob, NewToken{Scope: access.OperationCreate | access.InventoryRead, Expires: w.now().Add(tokenTime)})
	if err != nil {
		t.Fatal(err)
	}
	less := access.RoleReader
	if _, err := w.ChangeUser(t.Context(), &ann, "bob", UserChange{Roles: &less}, 0); err != nil {
		t.Fatal(err)
	}
	if p := w.login("acme/bob:planted-bob"); p.Permissions != access.RoleReader.Permissions() {
		t.Errorf("%v", p.Permissions)
	}
	if p := w.login(string(text)); p.Permissions != access.InventoryRead || p.Token == 0 {
		t.Errorf("%v", p.Permissions)
	}
}

func TestAttacksOnAUser(t *testing.T) {
	for _, user := range []string{"acme/ann", "acme/nobody"} { // they look alike
		w := newWorld(t, 2, nil)
		second := w.nodes[1]
		if _, err := w.try(second, "acme/ann:"+annPassword, home); err != nil { // known there
			t.Fatal(err)
		}
		guesses, locked := 0, 0
		for at := w.now(); w.now().Before(at.Add(time.Hour)); {
			_, err := w.try(w.nodes[(guesses+locked)%2], user+":guess", elsewhereAddr)
			switch kind(err) {
			case "unauthorized":
				guesses++
			case "throttled":
				locked++
				w.pass(time.Second)
			default:
				t.Fatal(err)
			}
		}
		if guesses < 10 || guesses > 35 {
			t.Errorf("%s: %d guesses in an hour over two nodes", user, guesses)
		}
		// From elsewhere nobody gets in under that name, and the user himself does
		// where he was before.
		w.try(w.node, user+":guess", elsewhereAddr)
		for i, n := range w.nodes {
			if _, err := w.try(n, user+":"+annPassword, elsewhereAddr); kind(err) != "throttled" {
				t.Errorf("%s at node %d: %v", user, i, err)
			}
		}
		if _, err := w.try(second, "acme/ann:"+annPassword, home); err != nil {
			t.Errorf("the user himself: %v", err)
		}
	}
}

func TestASuccessEndsTheLockOfAllNodes(t *testing.T) {
	w := newWorld(t, 2, nil)
	for range 6 {
		w.try(w.node, "acme/ann:guess", elsewhereAddr)
	}
	if n, err := w.Service.count(wire.ClassLock, nil); n != 1 || err != nil {
		t.Fatalf("%d locks, %v", n, err)
	}
	w.pass(time.Minute)
	if _, err := w.try(w.nodes[1], "acme/ann:"+annPassword, elsewhereAddr); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Service.count(wire.ClassLock, nil); n != 0 || err != nil {
		t.Errorf("%d locks, %v", n, err)
	}
	// And an admin can end it.
	ann := w.login("acme/ann:" + annPassword)
	w.user("bob", 0)
	for range 6 {
		w.try(w.node, "acme/bob:guess", elsewhereAddr)
	}
	if err := w.UnlockUser(t.Context(), &ann, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.try(w.node, "acme/bob:planted-bob", elsewhereAddr); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

func TestAttacksFromASource(t *testing.T) {
	w := newWorld(t, 2, nil)
	neighbour := netip.MustParseAddr("203.0.113.77")
	if _, err := w.try(w.node, "acme/ann:"+annPassword, neighbour); err != nil {
		t.Fatal(err)
	}
	w.user("bob", 0)
	guesses := 0
	for i := range 200 { // a new name or token each time
		guess := fmt.Sprintf("acme/user%d:guess", i)
		if i%2 == 0 {
			guess = string((&access.Token{ID: access.TokenID(i + 1)}).Issue([32]byte{byte(i)}))
		}
		if _, err := w.try(w.node, guess, elsewhereAddr); kind(err) == "unauthorized" {
			guesses++
		}
	}
	if guesses > int(access.SourcePolicy.Free)+1 {
		t.Errorf("%d guesses at once", guesses)
	}
	for i, n := range w.nodes {
		if _, err := w.try(n, "acme/bob:planted-bob", neighbour); kind(err) != "throttled" {
			t.Errorf("node %d: %v", i, err)
		}
	}
	if _, err := w.try(w.node, "acme/ann:"+annPassword, neighbour); err != nil {
		t.Errorf("who was in before: %v", err)
	}
	if _, err := w.try(w.node, "acme/bob:planted-bob", home); err != nil {
		t.Errorf("from another source: %v", err)
	}
}

// TestManyRequestsAtOnce: of one client they are one attempt, of a guesser no more
// guesses than one after the other.
func TestManyRequestsAtOnce(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleReader)
	var wg sync.WaitGroup
	var mu sync.Mutex
	kinds := map[string]int{}
	try := func(credentials string) {
		wg.Go(func() {
			_, err := w.try(w.node, credentials, elsewhereAddr)
			mu.Lock()
			defer mu.Unlock()
			kinds[kind(err)]++
		})
	}
	for range 40 {
		try("acme/bob:planted-bob")
	}
	wg.Wait()
	if kinds["ok"] != 40 {
		t.Fatalf("%v", kinds)
	}
	clear(kinds)
	for i := range 40 {
		try(fmt.Sprintf("acme/ann:guess%d", i))
	}
	wg.Wait()
	if n := kinds["unauthorized"]; n > int(access.UserPolicy.Free)+1 || kinds["ok"] > 0 {
		t.Errorf("%v", kinds)
	}
}

func TestPasswordsAreMadeStronger(t *testing.T) {
	w := newWorld(t, 2, nil)
	dearer := cheap
	dearer.Time = 3
	w.nodes[1].o.Cost = dearer
	before, _, _ := w.Service.user("acme", "ann")
	for range 2 {
		if _, err := w.try(w.nodes[1], "acme/ann:"+annPassword, home); err != nil {
			t.Fatal(err)
		}
	}
	after, _, err := w.Service.user("acme", "ann")
	if err != nil || after.Hash == before.Hash || access.Weaker(after.Hash, dearer) || !access.Verify(after.Hash, annPassword) || after.Revision != before.Revision {
		t.Errorf("%s, %v", string(after.Hash), err)
	}
	// Not in place of a password that was set meanwhile.
	if err := w.Upgrade(t.Context(), Upgrade{"acme", "ann", before.Hash, before.Hash}); err != nil {
		t.Fatal(err)
	}
	if again, _, _ := w.Service.user("acme", "ann"); again.Hash != after.Hash {
		t.Error("an old hash came back")
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleOperator)
	bob := w.login("acme/bob:planted-bob")
	tok, text, err := w.MakeToken(t.Context(), &bob, NewToken{Label: "ci", Scope: access.InventoryRead, Expires: w.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	by := w.login(string(text))
	if by.Permissions != access.InventoryRead || by.Token != tok.ID || by.Actor() != "acme/bob" {
		t.Errorf("%+v", by)
	}
	for name, tc := range map[string]struct {
		by   *access.Principal
		n    NewToken
		want string
	}{
		"more than he may":  {&bob, NewToken{Scope: access.UserAdmin, Expires: w.now().Add(time.Hour)}, "forbidden"},
		"by a token":        {&by, NewToken{Scope: access.InventoryRead, Expires: w.now().Add(time.Hour)}, "forbidden"},
		"for ever":          {&bob, NewToken{Scope: access.InventoryRead, Expires: w.now().Add(MaxTokenLifetime + time.Hour)}, "unprocessable"},
		"expired":           {&bob, NewToken{Scope: access.InventoryRead, Expires: w.now()}, "unprocessable"},
		"without an expiry": {&bob, NewToken{Scope: access.InventoryRead}, "unprocessable"},
		"label":             {&bob, NewToken{Label: "a\n", Expires: w.now().Add(time.Hour)}, "unprocessable"},
	} {
		if _, _, err := w.MakeToken(t.Context(), tc.by, tc.n); kind(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := 1; ; i++ {
		_, _, err := w.MakeToken(t.Context(), &bob, NewToken{Expires: w.now().Add(time.Hour)})
		if err != nil {
			if i != MaxTokens || kind(err) != "limit" {
				t.Errorf("token %d: %v", i, err)
			}
			break
		}
	}
	ann := w.login("acme/ann:" + annPassword)
	list, err := w.Tokens(&ann, "bob")
	if err != nil || len(list) != MaxTokens {
		t.Fatalf("%d, %v", len(list), err)
	}
	if _, err := w.Tokens(&bob, "ann"); kind(err) != "forbidden" {
		t.Error(err)
	}
	if err := w.RevokeToken(t.Context(), &w.admin, tok.ID); kind(err) != "not found" {
		t.Errorf("in another tenant: %v", err)
	}
	if err := w.RevokeToken(t.Context(), &ann, tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.try(w.node, string(text), home); kind(err) != "unauthorized" {
		t.Errorf("revoked: %v", err)
	}
	w.pass(time.Hour)
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Service.count(wire.ClassToken, nil); n != 0 || err != nil {
		t.Errorf("%d records of tokens are left, %v", n, err)
	}
}

// TestTokensNeverExceed: what a token allows is what its user has when it is used, and
// it was given.
func TestTokensNeverExceed(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleTenantAdmin)
	ann := w.login("acme/ann:" + annPassword)
	for range 60 {
		roles := access.Roles(r.UintN(16))
		if _, err := w.ChangeUser(t.Context(), &ann, "bob", UserChange{Roles: &roles}, 0); err != nil {
			t.Fatal(err)
		}
		bob := w.login("acme/bob:planted-bob")
		scope := access.Permissions(r.Uint64()) & access.AllPermissions
		if r.IntN(2) == 0 {
			scope &= bob.Permissions
		}
		tok, text, err := w.MakeToken(t.Context(), &bob, NewToken{Scope: scope, Expires: w.now().Add(time.Hour)})
		if (err == nil) != roles.Permissions().Has(scope) {
			t.Fatalf("seed %d: %v makes %v: %v", seed, roles, scope, err)
		}
		if err != nil {
			continue
		}
		roles = access.Roles(r.UintN(16))
		if _, err := w.ChangeUser(t.Context(), &ann, "bob", UserChange{Roles: &roles}, 0); err != nil {
			t.Fatal(err)
		}
		if p := w.login(string(text)); p.Permissions != scope&roles.Permissions() {
			t.Fatalf("seed %d: %v of %v has %v", seed, scope, roles, p.Permissions)
		}
		if err := w.RevokeToken(t.Context(), &bob, tok.ID); err != nil {
			t.Fatal(err)
		}
	}
}

type verifier map[access.Secret][2]string

func (v verifier) Verify(_ context.Context, token access.Secret, _ time.Time) (string, string, error) {
	who, ok := v[token]
	if !ok {
		return "", "", fmt.Errorf("not mine: %w", access.ErrUnauthorized)
	}
	return who[0], who[1], nil
}

func TestBearersOfOthers(t *testing.T) {
	w := newWorld(t, 1, func(o *Options) { o.Bearer = verifier{"a.b.c": {"acme", "ann"}, "a.b.d": {"acme", "nobody"}} })
	for token, want := range map[string]string{"a.b.c": "ok", "a.b.d": "unauthorized", "a.b.e": "unauthorized"} {
		p, err := w.Login(t.Context(), Request{Authorization: "Bearer " + token, Source: home})
		if kind(err) != want || err == nil && (p.Actor() != "acme/ann" || p.Token != 0) {
			t.Errorf("%s: %+v, %v", token, p, err)
		}
	}
}

func TestRates(t *testing.T) {
	w := newWorld(t, 1, nil)
	ann := w.login("acme/ann:" + annPassword)
	if _, err := w.ChangeTenant(t.Context(), &w.admin, "acme", TenantChange{Quotas: &access.Quotas{Rate: 3}}, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := w.Admit(&ann); (kind(err) == "throttled") != (i == 3) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if err := w.Admit(&w.admin); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	w.pass(time.Second)
	if err := w.Admit(&ann); err != nil {
		t.Error(err)
	}
}

// TestSecretsStayHere: errors, logs and records of a life with planted secrets.
func TestSecretsStayHere(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.user("bob", access.RoleReader)
	var seen strings.Builder
	see := func(v any, err error) {
		b, _ := json.Marshal(v)
		fmt.Fprintf(&seen, "%v %+v %#v %s %v\n", v, v, v, b, err)
	}
	ann, bob := w.login("acme/ann:"+annPassword), w.login("acme/bob:planted-bob")
	tok, text, err := w.MakeToken(t.Context(), &bob, NewToken{Scope: access.InventoryRead, Expires: w.now().Add(time.Hour)})
	see(tok, err)
	see(text, nil)
	for range 8 {
		see(w.try(w.node, "acme/bob:planted-wrong", home))
		see(w.try(w.node, "planted-name:planted-wrong", home))
	}
	see(w.try(w.node, string(text)[:len(text)-2]+"AA", home))
	see(w.CreateUser(t.Context(), &ann, NewUser{Name: "carl", Password: "planted"}))
	see(w.CreateUser(t.Context(), &ann, NewUser{Name: "planted-carl", Password: "planted-carl"}))
	see(w.CreateUser(t.Context(), &ann, NewUser{Name: "carl", Password: access.Secret("planted" + strings.Repeat("x", 300))}))
	see(nil, w.ChangePassword(t.Context(), &bob, "planted-wrong", "planted-new"))
	w.pass(time.Hour)
	see(nil, w.ChangePassword(t.Context(), &bob, "planted-bob", "planted-new"))
	see(w.Users(&ann, "", 10))
	see(w.Tokens(&ann, "bob"))
	entries, err := w.Audit(&ann, 0, 100)
	see(entries, err)
	for _, e := range entries {
		seen.Write(e.Before)
		seen.Write(e.After)
	}
	seen.WriteString("\n" + w.log.String() + "\n")
	for k, v := range w.sys.records {
		fmt.Fprintf(&seen, "%q %q\n", k, v)
	}
	all := strings.ReplaceAll(seen.String(), "planted-carl", "") // a name
	for _, secret := range []string{"planted", string(text)[20:]} {
		if at := strings.Index(all, secret); at >= 0 {
			t.Errorf("%q: %s", secret, all[max(0, at-200):min(len(all), at+60)])
		}
	}
	for _, hash := range strings.Split(seen.String(), "\n") {
		if strings.Contains(hash, "argon2id") && !strings.HasPrefix(hash, `"U`) { // the records alone
			t.Errorf("a hash: %s", hash)
		}
	}
	if len(entries) == 0 || w.log.Len() > 0 && strings.Contains(w.log.String(), "planted") {
		t.Error("nothing was looked at")
	}
}

func BenchmarkLogin(b *testing.B) {
	for name, source := range map[string]func(i int) netip.Addr{
		"cached":   func(int) netip.Addr { return home },
		"uncached": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}) },
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, 1, func(o *Options) { o.Cost = access.DefaultCost })
			header, i := basic("acme/ann:"+annPassword), 0
			for b.Loop() {
				i++
				if _, err := w.Login(b.Context(), Request{Authorization: header, Source: source(i)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
