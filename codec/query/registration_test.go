package query

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/lwm2m"
)

// registrations are written again option by option.
var registrations = []struct {
	query string // options joined by "&"
	want  Registration
}{
	{"", Registration{}},
	{
		"ep=example-client&lt=86400&lwm2m=1.1",
		Registration{Endpoint: "example-client", HasEndpoint: true, Lifetime: 86400, HasLifetime: true, Version: lwm2m.V1_1},
	},
	{
		"ep=node&lt=86400&lwm2m=1.1&b=U&Q&sms=12345678",
		Registration{
			Endpoint: "node", HasEndpoint: true, Lifetime: 86400, HasLifetime: true, Version: lwm2m.V1_1,
			Binding: "U", HasBinding: true, Queue: true, SMS: "12345678",
		},
	},
	{"lt=600000", Registration{Lifetime: 600000, HasLifetime: true}},
	{"lt=0", Registration{HasLifetime: true}},
	{"lt=4294967295", Registration{Lifetime: 4294967295, HasLifetime: true}},
	{"b=UQ", Registration{Binding: "UQ", HasBinding: true, Queue: true}},
	{"Q", Registration{Queue: true}},
	{"lwm2m=1.2&pid=6:27354b9a", Registration{Version: lwm2m.V1_2, ProfileID: "6:27354b9a"}},
	{"pid=6:1234abcd,1:00", Registration{ProfileID: "6:1234abcd,1:00"}},
	{"at=180000", Registration{AwakeTime: 180 * time.Second, HasAwakeTime: true}},
	{"at=0", Registration{HasAwakeTime: true}},
	{"ep=a=b c%20ä", Registration{Endpoint: "a=b c%20ä", HasEndpoint: true}},
	{
		"hb&x-vendor=1&x-vendor=2&empty=&EP=upper",
		Registration{Extra: []Pair{{Name: "hb", Flag: true}, {Name: "x-vendor", Value: "1"}, {Name: "x-vendor", Value: "2"}, {Name: "empty"}, {Name: "EP", Value: "upper"}}},
	},
	{"lwm2m=1.3", Registration{Version: lwm2m.Version{Major: 1, Minor: 3}}},
}

func options(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "&")
}

func TestRegistrationBothWays(t *testing.T) {
	for _, c := range registrations {
		got, err := ParseRegistration(options(c.query))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseRegistration(%q) = %+v, %v; want %+v", c.query, got, err, c.want)
		}
		if got := c.want.Queries(); !slices.Equal(got, options(c.query)) {
			t.Errorf("Queries = %q, want %q", got, c.query)
		}
	}
}

// TestRegistrationTolerated gives the canonical options of what clients send.
func TestRegistrationTolerated(t *testing.T) {
	for _, c := range []struct{ query, canonical string }{
		{"lwm2m=1.0&lt=60&ep=x", "ep=x&lt=60&lwm2m=1.0"},
		{"Q&b=U&lt=60", "lt=60&b=U&Q"},
		{"Q=", "Q"},
		{"b=UQ&Q", "b=UQ"},
		{"sms=+4912345", "sms=4912345"},
		{"lt=0060", "lt=60"},
		{"ep=x&&lt=60&", "ep=x&lt=60"},
		{"ep=x&lt=60&ep=x", "ep=x&lt=60"},
		{"Q&Q", "Q"},
	} {
		r, err := ParseRegistration(options(c.query))
		if err != nil || !slices.Equal(r.Queries(), options(c.canonical)) {
			t.Errorf("ParseRegistration(%q) means %q, %v; want %q", c.query, r.Queries(), err, c.canonical)
		}
	}
}

func TestRegistrationRefused(t *testing.T) {
	for _, c := range []struct {
		query string
		want  error
	}{
		{"ep", ErrMalformed}, {"ep=", ErrMalformed}, {"ep=\xff", ErrMalformed},
		{"ep=" + strings.Repeat("x", MaxEndpoint+1), ErrMalformed},
		{"ep=a&ep=b", ErrMalformed},
		{"lt", ErrMalformed}, {"lt=", ErrMalformed}, {"lt=-1", ErrMalformed}, {"lt=+1", ErrMalformed}, {"lt=1.5", ErrMalformed},
		{"lt=4294967296", ErrMalformed}, {"lt=99999999999999999999", ErrMalformed}, {"lt=1_000", ErrMalformed}, {"lt=60&lt=61", ErrMalformed},
		{"lwm2m", ErrMalformed}, {"lwm2m=", ErrMalformed}, {"lwm2m=abc", ErrMalformed}, {"lwm2m=1.x", ErrMalformed},
		{"lwm2m=2", ErrVersion}, {"lwm2m=1.0.2", ErrVersion}, {"lwm2m=999.0", ErrVersion}, {"lwm2m=0.0", ErrVersion}, {"lwm2m=01.1", ErrVersion}, {"lwm2m=1.01", ErrVersion}, {"lwm2m=1.00", ErrVersion}, {"lwm2m=00.1", ErrVersion},
		{"lwm2m=1.1&lwm2m=2", ErrMalformed}, {"Q=1&Q=1", ErrMalformed}, {"lt=60&b=U&x&lt=61", ErrMalformed},
		{"b", ErrMalformed}, {"b=", ErrMalformed}, {"b=u", ErrMalformed}, {"b=U Q", ErrMalformed}, {"b=UUUUUUUUU", ErrMalformed}, {"b=U&b=S", ErrMalformed},
		{"Q=1", ErrMalformed},
		{"sms=", ErrMalformed}, {"sms=+", ErrMalformed}, {"sms=12a", ErrMalformed}, {"sms=" + strings.Repeat("1", 21), ErrMalformed},
		{"pid=", ErrMalformed}, {"pid=6", ErrMalformed}, {"pid=:ab", ErrMalformed}, {"pid=6:", ErrMalformed}, {"pid=6:ab,", ErrMalformed},
		{"at=", ErrMalformed}, {"at=-1", ErrMalformed}, {"at=4294967296", ErrMalformed}, {"at=1s", ErrMalformed},
		{strings.Repeat("&x", MaxParameters+1)[1:], ErrMalformed},
	} {
		r, err := ParseRegistration(options(c.query))
		if !errors.Is(err, c.want) || !reflect.DeepEqual(r, Registration{}) {
			t.Errorf("ParseRegistration(%.40q) = %+v, %v; want %v alone", c.query, r, err, c.want)
		}
	}
}

func TestLongEndpoint(t *testing.T) {
	name := strings.Repeat("ä", MaxEndpoint/2)
	if r, err := ParseRegistration([]string{"ep=" + name}); err != nil || r.Endpoint != name {
		t.Errorf("an endpoint of %d bytes: %v", len(name), err)
	}
}

// TestValidate has the bindings of each version: in 1.0 Q is a letter, later
// it is not; transports of later versions are none of an earlier one.
func TestValidate(t *testing.T) {
	good := map[string][]string{
		"1.0": {"", "b=U", "b=UQ", "b=S", "b=SQ", "b=US", "b=UQS", "b=USQ", "b=U&Q"},
		"1.1": {"", "b=U", "b=T", "b=S", "b=N", "b=UT", "b=UTSN", "b=SU", "b=U&Q"},
		"1.2": {"", "b=U", "b=UM", "b=H", "b=UTSNMH", "b=U&Q", "pid=6:ab"},
	}
	bad := map[string][]string{
		"1.0": {"b=UT", "b=T", "b=N", "b=UM", "b=Q", "b=UU", "b=UQQ", "b=X"},
		"1.1": {"b=UQ", "b=SQ", "b=UQS", "b=Q", "b=UM", "b=H", "b=UU", "b=X"},
		"1.2": {"b=UQ", "b=Q", "b=UX", "b=MM"},
	}
	check := func(version, query string, want error) {
		v, err := lwm2m.ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseRegistration(options(query))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(v); !errors.Is(err, want) {
			t.Errorf("Update %q of a %s registration: %v, want %v", query, version, err, want)
		}
		r.Version = v
		if err := r.Validate(lwm2m.Version{}); !errors.Is(err, want) {
			t.Errorf("Register %q of version %s: %v, want %v", query, version, err, want)
		}
	}
	for version, queries := range good {
		for _, q := range queries {
			check(version, q, nil)
		}
	}
	for version, queries := range bad {
		for _, q := range queries {
			check(version, q, ErrMalformed)
		}
	}
	for _, version := range []string{"0.9", "1.3", "2.0", "255.255"} {
		check(version, "b=U", ErrVersion)
	}
}

func TestEnablerVersion(t *testing.T) {
	if v := (Registration{}).EnablerVersion(); v != lwm2m.V1_0 {
		t.Errorf("a Register without lwm2m is %s, want 1.0", v)
	}
	if err := (Registration{Binding: "UQ", HasBinding: true}).Validate(lwm2m.Version{}); err != nil {
		t.Errorf("UQ in a Register without lwm2m: %v", err)
	}
	if v := (Registration{Version: lwm2m.V1_2}).EnablerVersion(); v != lwm2m.V1_2 {
		t.Errorf("lwm2m=1.2 is %s", v)
	}
	if Supported(lwm2m.Version{}) || !Supported(lwm2m.V1_0) || !Supported(lwm2m.V1_2) {
		t.Error("Supported")
	}
}

// FuzzParseRegistration splits at "&", which a Uri-Query option may hold, but
// no test needs.
func FuzzParseRegistration(f *testing.F) {
	for _, c := range registrations {
		f.Add(c.query)
	}
	f.Add("b=UQ&Q&sms=+1&Q=&lt=007&=x&x&")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRegistration(options(s))
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%q: %v wraps no sentinel", s, err)
			}
			return
		}
		again, err := ParseRegistration(r.Queries())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q: %+v, then from %q %+v, %v", s, r, r.Queries(), again, err)
		}
		if err := r.Validate(lwm2m.V1_1); err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
			t.Fatalf("%q: Validate: %v", s, err)
		}
	})
}
