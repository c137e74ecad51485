package access

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func basic(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

func TestAuthorizations(t *testing.T) {
	for header, want := range map[string]Login{
		basic("acme/ann:pass:word"):         {Tenant: "acme", Home: "acme", User: "ann", Password: "pass:word"},
		basic("ACME/Ann:"):                  {Tenant: "acme", Home: "acme", User: "ann"},
		basic("ann:x"):                      {Tenant: Management, Home: Management, User: "ann", Password: "x"},
		basic("acme/management/ann:x"):      {Tenant: "acme", Home: Management, User: "ann", Password: "x"},
		basic("acme/a+b@x.org:\xc3\xa4/ :"): {Tenant: "acme", Home: "acme", User: "a+b@x.org", Password: "\xc3\xa4/ :"},
		"bAsIc   " + basic("a/b:c")[6:]:     {Tenant: "a", Home: "a", User: "b", Password: "c"},
		"Bearer abc.def":                    {Bearer: "abc.def"},
	} {
		if got, err := ParseAuthorization(header); err != nil || got != want {
			t.Errorf("%s: %+v, %v", header, got, err)
		}
	}
	for _, header := range []string{
		"", "Basic", "Basic ", "Bearer", "Bearer  ", "Bearer a b", "Digest x", "Basic !", basic("nocolon"), basic(":x"), basic("/a:x"), basic("a/:x"),
		basic("a/b/c:x"), basic("a/management/b/c:x"), basic("a\x00/b:x"), basic("a/b c:x"), basic("\xe2\x84\xaa/b:x"),
		basic("a/b:" + strings.Repeat("x", MaxPassword+1)), basic(strings.Repeat("a", MaxTenantID+1) + "/b:x"), basic("a/" + strings.Repeat("b", MaxUserName+1) + ":x"),
		"Basic " + strings.TrimRight(basic("a/b:c")[6:], "="), "Basic YS9i\nOmM=", "Bearer " + strings.Repeat("x", MaxAuthorization),
	} {
		if got, err := ParseAuthorization(header); err != ErrUnauthorized || got != (Login{}) {
			t.Errorf("%q: %+v, %v", header, got, err)
		}
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(basic("acme/ann:secret"))
	f.Add(basic("acme/management/ann:secret"))
	f.Add("Bearer dm_0000000000000001_AAAA")
	f.Fuzz(func(t *testing.T, header string) {
		l, err := ParseAuthorization(header)
		if err != nil {
			if l != (Login{}) {
				t.Fatalf("%q: %+v", header, l)
			}
			return
		}
		if l.Bearer != "" {
			ParsePresented(l.Bearer)
			return
		}
		if l.Home != l.Tenant && l.Home != Management {
			t.Fatalf("%q: %+v", header, l)
		}
		id := l.Tenant + "/" + l.User
		if l.Home != l.Tenant {
			id = l.Tenant + "/" + l.Home + "/" + l.User
		}
		if again, err := ParseAuthorization(basic(id + ":" + string(l.Password))); err != nil || again != l {
			t.Fatalf("%q: %+v became %+v, %v", header, l, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "A-_9": true, Management: true, strings.Repeat("a", 32): true, strings.Repeat("a", 33): false, "": false,
		"a.b": false, "a/b": false, "ä": false, "\u212a": false, "a b": false, "a\x00": false,
	} {
		got, err := ParseTenantID(name)
		if (err == nil) != ok || ok && got != strings.ToLower(name) || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}
