package bootstrap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
)

func TestParseDiscover(t *testing.T) {
	ours := &Account{URI: "coap://bs", ShortID: 77}
	for _, tc := range []struct {
		name, text string
		a          *Account
		accounts   []uint16
		security   []uint16
		version    lwm2m.Version
		server     bool
		access     bool
		shared     string
	}{
		{"specification", `</>;lwm2m=1.1,</0/0>;ssid=101;uri="coaps://server_1.example.com", </0/1/>, </0/2>;ssid=102;uri="coaps://server_2.example.com"`, nil, []uint16{1}, []uint16{0, 2}, lwm2m.V1_1, false, false, "[]"},
		{"test specification", `lwm2m="1.1",</0/0>;ssid=1,</0/1>,</1/0>;ssid=1,</3/0>`, nil, []uint16{1}, []uint16{0}, lwm2m.V1_1, true, false, "[/3/0]"},
		{"1.0, unattached", `lwm2m=1.0,</0/0>;ssid=101,</0/1>,</2/0>`, nil, []uint16{1}, []uint16{0}, lwm2m.V1_0, false, true, "[]"},
		{"1.2", `</>;lwm2m=1.2,</0/0>;ssid=101;uri="x",</0/1>,</21/0>;ssid=101,</24/1>,</23/65>`, nil, []uint16{1}, []uint16{0}, lwm2m.V1_2, false, false, "[/24/1]"},
		{"no account, objects alone", `</0>,</1>,</3/0>,</3/0/1>,</5>`, nil, nil, nil, lwm2m.Version{}, false, false, "[/3/0]"},
		{"resources of an instance", `</0/1>,</0/1/0>,</0/1>`, nil, []uint16{1}, nil, lwm2m.Version{}, false, false, "[]"},
		{"ssid that is none", `</0/1>;ssid=0,</0/2>;ssid=65535,</0/3>;ssid`, nil, []uint16{1, 2, 3}, nil, lwm2m.Version{}, false, false, "[]"},
		{"ssid of the account", `</0/0>;ssid=1,</0/1>;ssid=77`, ours, []uint16{1}, []uint16{0}, lwm2m.Version{}, false, false, "[]"},
		{"URI of the account", `</0/0>,</0/1>;ssid=5;uri="coap://bs"`, ours, []uint16{1, 0}, nil, lwm2m.Version{}, false, false, "[]"},
		{"nothing", ``, nil, nil, nil, lwm2m.Version{}, false, false, "[]"},
	} {
		if tc.a == nil {
			tc.a = &Account{}
		}
		f, err := parseDiscover([]byte(tc.text), tc.a)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if !f.answered || !slices.Equal(f.accounts, tc.accounts) || !slices.Equal(f.security, tc.security) ||
			f.version != tc.version || f.server != tc.server || f.access != tc.access || fmt.Sprint(f.shared) != tc.shared {
			t.Errorf("%s: %+v", tc.name, f)
		}
	}
	many := strings.Builder{}
	for i := range maxSecurity + 1 {
		fmt.Fprintf(&many, "</0/%d>,", i)
	}
	if _, err := parseDiscover([]byte(many.String()), &Account{}); !errors.Is(err, errTooMany) {
		t.Error(err)
	}
	if _, err := parseDiscover([]byte("</0/1></0/2>"), &Account{}); err == nil {
		t.Error("a missing comma is read")
	}
}

// Instance numbers of /0, by the rule of platform 5.
func TestNumbers(t *testing.T) {
	at := func(accounts ...uint16) found { return found{answered: true, accounts: accounts} }
	for _, tc := range []struct {
		name    string
		f       found
		offset  *uint16
		known   []uint16
		rewrite bool
		want    string // two servers and the account
	}{
		{"account at 0", at(0), nil, nil, false, "1 2 0"},
		{"account at 1", at(1), nil, nil, false, "0 2 1"},
		{"account at 2", at(2), nil, nil, false, "0 1 2"},
		{"several accounts", at(0, 2), nil, nil, false, "1 3 0"},
		{"offset below the account", at(6), ptr[uint16](5), nil, false, "5 7 6"},
		{"offset at the account", at(5), ptr[uint16](5), nil, false, "6 7 5"},
		{"offset 0 given", at(0), ptr[uint16](0), nil, false, "1 2 0"},
		{"refused", found{}, nil, nil, false, "1 2 -"},
		{"refused, offset", found{}, ptr[uint16](4), nil, false, "4 5 -"},
		{"refused, offset 0", found{}, ptr[uint16](0), nil, false, "0 1 -"},
		{"refused, once seen at 1", found{}, nil, []uint16{1}, false, "2 3 1"},
		{"shows none", at(), nil, nil, false, "1 2 -"},
		{"now elsewhere than once", at(0), nil, []uint16{1}, false, "1 2 0"},
		{"rewrite in place", at(1), nil, nil, true, "0 2 1"},
		{"rewrite, refused", found{}, nil, nil, true, "1 2 0"},
		{"rewrite, refused, offset", found{}, ptr[uint16](4), nil, true, "5 6 4"},
		{"rewrite, refused, once seen at 1", found{}, nil, []uint16{1}, true, "2 3 1"},
	} {
		c := two()
		c.Offset, c.Account.Rewrite = tc.offset, tc.rewrite
		n := number(c, &tc.f, tc.known, 1)
		account := "-"
		if n.account != nil {
			account = fmt.Sprint(*n.account)
		}
		if got := fmt.Sprint(n.servers[0], n.servers[1], " "+account); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Whatever was found, a plan never deletes an account, /0 of a device that listed it, nor
// anything but 0, 1 and 2; and its order is Delete, /0, /1, /2, Finish.
func TestPlanKeepsOff(t *testing.T) {
	for accounts := range uint16(4) {
		for stale := range uint16(4) {
			for offset := range uint16(4) {
				c := two()
				if offset < 3 {
					c.Offset = &offset
				}
				f := found{answered: true, server: stale > 0, access: stale > 1, accounts: []uint16{accounts}}
				for i := range stale {
					if i != accounts {
						f.security = append(f.security, i)
					}
				}
				last := 0
				for i, s := range newPlan(c, &f, nil).steps {
					order := map[string]int{"Delete": 1, "Write": 2 + int(s.path.Object()), "Finish": 9}[words[s.method]]
					if order < last {
						t.Errorf("step %d: %s after %d", i, &s, last)
					}
					last = order
					if s.path == lwm2m.NewPath(0, accounts) || s.path == lwm2m.NewPath(0) || s.path.Object() > 2 {
						t.Errorf("account %d: %s", accounts, &s)
					}
				}
			}
		}
	}
}

func TestAccessRules(t *testing.T) {
	f := found{shared: []lwm2m.Path{lwm2m.NewPath(5, 0), lwm2m.NewPath(3, 0)}}
	got := ""
	for _, r := range accessRules(two(), &f) {
		got += fmt.Sprintln(r.target, r.who, r.rights, r.owner)
	}
	if want := "/5/0 0 31 65535\n/3/0 0 31 65535\n/1/0 1 7 1\n/1/1 102 7 102\n"; got != want {
		t.Errorf("%s", got)
	}
	if got := accessRules(basic(), &f); got != nil {
		t.Errorf("one server: %v", got)
	}
	// int-8 writes /2/0 so.
	raw, err := content.Append(nil, lwm2m.FormatTLV, lwm2m.NewPath(2, 0), accessRules(two(), &found{})[0].nodes(lwm2m.NewPath(2, 0)), options(false))
	if got = fmt.Sprintf("%x", raw); err != nil || got != "c10003c10100830241001fc4030000ffff" {
		t.Errorf("%x, %v", raw, err)
	}
}

// NoSec has all mandatory resources, the unused ones with no bytes, in each format.
func TestEmptyResources(t *testing.T) {
	at := lwm2m.NewPath(0, 1)
	nodes := securityNodes(at, "coap://h", false, &Security{Mode: NoSec, Identity: "x", Key: NewSecret([]byte("y"))}, 9)
	if account := securityNodes(at, "coap://h", true, &Security{Mode: NoSec}, 0); len(account) != 6 {
		t.Errorf("an account without a short server ID has %v", account)
	}
	for f, want := range map[lwm2m.Format]string{
		lwm2m.FormatTLV:       "c80008636f61703a2f2f68c10100c10203c003c004c005c10a09",
		lwm2m.FormatSenMLJSON: fmt.Sprintf("%x", `[{"bn":"/0/1/","n":"0","vs":"coap://h"},{"n":"1","vb":false},{"n":"2","v":3},{"n":"3","vd":""},{"n":"4","vd":""},{"n":"5","vd":""},{"n":"10","v":9}]`),
	} {
		raw, err := content.Append(nil, f, at, nodes, options(false))
		if got := fmt.Sprintf("%x", raw); err != nil || got != want {
			t.Errorf("%s: %s, %v\nwant %s", f, got, err, want)
		}
	}
	for _, f := range []lwm2m.Format{lwm2m.FormatTLV, lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLCBOR, lwm2m.FormatLwM2MCBOR, lwm2m.FormatJSON} {
		raw, err := content.Append(nil, f, at, nodes, options(false))
		if err != nil {
			t.Fatal(err)
		}
		got, err := content.Decode(f, at, raw, options(false))
		lwm2m.SortNodes(got)
		if err != nil || !reflect.DeepEqual(got, nodes) {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
}

func TestBinding(t *testing.T) {
	for _, tc := range []struct {
		configured string
		v          lwm2m.Version
		want       string
	}{{"", lwm2m.Version{}, "U"}, {"", lwm2m.V1_0, "UQ"}, {"", lwm2m.V1_1, "U"}, {"T", lwm2m.V1_0, "T"}} {
		if got := binding(tc.configured, tc.v); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"none":                     func(c *Config) { c.Servers = nil },
		"too many":                 func(c *Config) { c.Servers = make([]Server, MaxServers+1) },
		"short ID 0":               func(c *Config) { c.Servers[0].ShortID = 0 },
		"short ID 65535":           func(c *Config) { c.Servers[0].ShortID = 65535 },
		"twice":                    func(c *Config) { c.Servers[1].ShortID = 1 },
		"that of bootstrap":        func(c *Config) { c.Account.ShortID = 1 },
		"no URI":                   func(c *Config) { c.Servers[0].URI = "" },
		"long URI":                 func(c *Config) { c.Servers[0].URI = strings.Repeat("x", 256) },
		"no identity":              func(c *Config) { c.Servers[0].Identity = "" },
		"no key":                   func(c *Config) { c.Servers[0].Key = Secret{} },
		"RPK":                      func(c *Config) { c.Servers[0].Mode = 1 },
		"negative lifetime":        func(c *Config) { c.Servers[0].Lifetime = -1 },
		"offset":                   func(c *Config) { c.Offset = ptr[uint16](65001) },
		"account":                  func(c *Config) { c.Account.Rewrite = true },
		"account without identity": func(c *Config) { c.Account.Security = Security{Mode: PSK} },
	} {
		c := two()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(c)
		if err := c.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseDiscover(f *testing.F) {
	f.Add([]byte(`</>;lwm2m=1.1,</0/0>;ssid=101;uri="coaps://server_1.example.com", </0/1/>, </0/2>;ssid=102`), uint16(0))
	f.Add([]byte(`lwm2m="1.1",</0/0>;ssid=1,</0/1>,</1/0>;ssid=1,</3/0>`), uint16(1))
	f.Add([]byte(`</0>,</1/65535>,</2/0/0>`), uint16(65000))
	f.Fuzz(func(t *testing.T, text []byte, offset uint16) {
		found, err := parseDiscover(text, &Account{ShortID: 77})
		if err != nil {
			return
		}
		c := two()
		if offset = min(offset, lastOffset); offset > 0 {
			c.Offset = &offset
		}
		p := newPlan(c, &found, nil)
		if len(p.steps) > maxList {
			t.Errorf("%d steps", len(p.steps))
		}
		for _, s := range p.steps[1:] {
			if s.path.Len() == 2 && s.path.Object() == 0 && slices.Contains(found.accounts, s.path.Instance()) {
				t.Errorf("%s: an account", &s)
			}
		}
	})
}
