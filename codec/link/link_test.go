package link

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func attr(name, value string) Param { return Param{Name: name, Value: value} }

// strict payloads are written again byte for byte.
var strict = []struct {
	text  string
	links []Link
}{
	{"", nil},
	{"</1/0>", []Link{{Target: "/1/0"}}},
	{"</1/0>,</5>", []Link{{Target: "/1/0"}, {Target: "/5"}}},
	{`</lwm2m>;rt="oma.lwm2m",</lwm2m/5>`, []Link{{"/lwm2m", []Param{attr("rt", "oma.lwm2m")}}, {Target: "/lwm2m/5"}}},
	{`</>;rt="oma.lwm2m";ct="60 110";hb`, []Link{{"/", []Param{attr("rt", "oma.lwm2m"), attr("ct", "60 110"), {Name: "hb", Flag: true}}}}},
	{"</44/0>;ver=2.2", []Link{{"/44/0", []Param{attr("ver", "2.2")}}}},
	{
		"</3/0/7>;pmin=10;pmax=200;dim=2;lt=1;gt=6;st=1",
		[]Link{{"/3/0/7", []Param{attr("pmin", "10"), attr("pmax", "200"), attr("dim", "2"), attr("lt", "1"), attr("gt", "6"), attr("st", "1")}}},
	},
	{`</0/0>;ssid=101;uri="coaps://server_1.example.com"`, []Link{{"/0/0", []Param{attr("ssid", "101"), attr("uri", "coaps://server_1.example.com")}}}},
	{`</a%20b>;title="say \"hi\", \\o/ <x>;"`, []Link{{"/a%20b", []Param{attr("title", `say "hi", \o/ <x>;`)}}}},
	{`</a>;x=""`, []Link{{"/a", []Param{attr("x", "")}}}},
}

func TestStrictPayloadsBothWays(t *testing.T) {
	for _, c := range strict {
		links, loose, err := Parse([]byte(c.text))
		if err != nil || loose || !reflect.DeepEqual(links, c.links) {
			t.Errorf("Parse(%q) = %#v, loose %v, %v; want %#v", c.text, links, loose, err, c.links)
		}
		if got := string(Append([]byte("x"), c.links)); got != "x"+c.text {
			t.Errorf("Append(%q) = %q, want it behind x", c.text, got)
		}
	}
}

// TestTolerated lists what devices send beside the grammar, and the strict
// payload of the same meaning.
func TestTolerated(t *testing.T) {
	for _, c := range []struct {
		text, strict string
		loose        bool
	}{
		{`</>;ct=110, </1/0>`, `</>;ct=110,</1/0>`, false},
		{"</1/0> ,\r\n</1/1>\t;ver=1.1 , </3/0> ", `</1/0>,</1/1>;ver=1.1,</3/0>`, false},
		{`</1>;ver="1.1"`, `</1>;ver=1.1`, false},
		{`</>;rt=oma.lwm2m`, `</>;rt="oma.lwm2m"`, false},
		{`</1/0>,`, `</1/0>`, true},
		{`,</1/0>,,</3/0>, ,`, `</1/0>,</3/0>`, true},
		{`</1/0>;;ver=1.0;,</3/0>;`, `</1/0>;ver=1.0,</3/0>`, true},
		{`</>;ct = 110`, `</>;ct=110`, true},
		{`</>;ct= "60"`, `</>;ct=60`, true},
		{`</>;ct=60 110,</3/0>`, `</>;ct="60 110",</3/0>`, true},
		{"</3/0>\x00", `</3/0>`, true},
		{`< /3/0 >`, `</3/0>`, true},
		{`<3/0>`, `<3/0>`, true},
		{`<coap://[2001:db8::1]/3/0?x#y>`, `<coap://[2001:db8::1]/3/0?x#y>`, true},
		{`lwm2m=1.0,</0/0>;ssid=101`, `</>;lwm2m=1.0,</0/0>;ssid=101`, true},
		{`lwm2m="1.1",</0/0>`, `</>;lwm2m=1.1,</0/0>`, true},
	} {
		links, loose, err := Parse([]byte(c.text))
		if err != nil || loose != c.loose {
			t.Errorf("Parse(%q): loose %v, %v; want loose %v", c.text, loose, err, c.loose)
			continue
		}
		if got := string(Append(nil, links)); got != c.strict {
			t.Errorf("Parse(%q) means %q, want %q", c.text, got, c.strict)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		`</1/1>,</1/2>,</2/0></2/1>,</3/0>`, // printed in a figure of the specification
		`</1/0>;ver=1.0</1/1>`,
		`</1/0>;ver="1.0"</1/1>`,
		`</1/0> </1/1>`,
		`</>;param=`,
		`</>;param=,</1>`,
		`</hosts?query>`,
		`</hosts#part>`,
		`</%1g>`,
		`</%1>`,
		`</a b>`,
		"</a\x00b>",
		`</1/0`,
		`<`,
		`</1/0>;rt="oma`,
		`</1/0>;rt="oma\`,
		`</1/0>;=1`,
		`</1/0>;a="x"y`,
		`</1/0>;a=x"y"`,
		"</1/0>;a=\x01",
		"</1/0>\x00,</3/0>",
		`garbage`,
		`garbage,</1/0>`,
		`lwm2m,</1/0>`,
		"\x80\x00\x2b",
		strings.Repeat("</1>,", MaxLinks) + "</1>",
		"</1>" + strings.Repeat(";a", MaxParams+1),
	} {
		links, loose, err := Parse([]byte(text))
		if !errors.Is(err, ErrLink) || links != nil || loose {
			t.Errorf("Parse(%.60q) = %v, %v, %v; want ErrLink alone", text, links, loose, err)
		}
	}
}

func TestBoundsAreReached(t *testing.T) {
	links, _, err := Parse([]byte(strings.Repeat("</1>,", MaxLinks)))
	if err != nil || len(links) != MaxLinks {
		t.Errorf("%d links: %v, want %d", len(links), err, MaxLinks)
	}
	links, _, err = Parse([]byte("</1>" + strings.Repeat(";a", MaxParams)))
	if err != nil || len(links[0].Params) != MaxParams {
		t.Errorf("parameters at the bound: %v", err)
	}
}

// TestCut cuts a payload at every byte. What is cut between links is a
// shorter list; inside a target or a quoted value it is an error.
func TestCut(t *testing.T) {
	const text = `</lwm2m>;rt="oma.lwm2m";ct="60 110",</lwm2m/1/0>;ver=1.1,</lwm2m/3/0>`
	whole, _, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(text) {
		part := text[:n]
		links, _, err := Parse([]byte(part))
		inside := strings.LastIndexByte(part, '<') > strings.LastIndexByte(part, '>') || strings.Count(part, `"`)%2 == 1 || strings.HasSuffix(part, "=")
		if (err != nil) != inside {
			t.Errorf("cut at %d, %q: %v", n, part, err)
		}
		if len(links) > len(whole) {
			t.Errorf("cut at %d: %d links of %d", n, len(links), len(whole))
		}
	}
}

// TestLinksAreApart: the parameters of all links share memory, which an append
// to those of one does not show.
func TestLinksAreApart(t *testing.T) {
	links, _, err := Parse([]byte(`</1>;a=1,</2>;b=2,</3>`))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(links[0].Params, attr("x", "9"))
	if got := string(Append(nil, links)); got != `</1>;a=1,</2>;b=2,</3>` {
		t.Errorf("links %s", got)
	}
	if links[2].Params != nil {
		t.Errorf("a link without parameters has %v", links[2].Params)
	}
}

func TestParamFindsTheFirst(t *testing.T) {
	l := Link{Params: []Param{attr("ct", "60"), attr("ct", "110")}}
	if p, ok := l.Param("ct"); !ok || p.Value != "60" {
		t.Errorf("Param(ct) = %v, %v", p, ok)
	}
	if _, ok := l.Param("rt"); ok {
		t.Error("Param(rt) found something")
	}
}

// FuzzParse: what is read is written strictly, and reads back the same.
func FuzzParse(f *testing.F) {
	for _, c := range strict {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("lwm2m=1.0,< 3/0 >;;ct = 60 110,,<coap://a/b?c>\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		links, _, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrLink) {
				t.Fatalf("%q: %v is no ErrLink", b, err)
			}
			return
		}
		text := Append(nil, links)
		again, _, err := Parse(text)
		if err != nil || !reflect.DeepEqual(again, links) {
			t.Fatalf("%q: %#v, then from %q %#v, %v", b, links, text, again, err)
		}
	})
}
