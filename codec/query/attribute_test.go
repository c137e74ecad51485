package query

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
)

func set(name, value string) Attribute { return Attribute{Name: name, Value: value} }
func unset(name string) Attribute      { return Attribute{Name: name, Remove: true} }

var attributes = []struct {
	query string
	want  []Attribute
}{
	{"", []Attribute{}},
	{"pmin=1", []Attribute{set("pmin", "1")}},
	{"pmin", []Attribute{unset("pmin")}},
	{"gt=45&st=10", []Attribute{set("gt", "45"), set("st", "10")}},
	{"lt=20&gt=85&st=10", []Attribute{set("lt", "20"), set("gt", "85"), set("st", "10")}},
	{"pmin=1&pmax=5&lt=5", []Attribute{set("pmin", "1"), set("pmax", "5"), set("lt", "5")}},
	{"pmin=10&pmax=60", []Attribute{set("pmin", "10"), set("pmax", "60")}},
	{"pmax=0&epmin=1&epmax=20", []Attribute{set("pmax", "0"), set("epmin", "1"), set("epmax", "20")}},
	{"lt=-273.15&gt&edge=1&con=0&hqmax=4294967295", []Attribute{set("lt", "-273.15"), unset("gt"), set("edge", "1"), set("con", "0"), set("hqmax", "4294967295")}},
	{"x-own=any text&y=&z", []Attribute{set("x-own", "any text"), set("y", ""), unset("z")}},
}

func TestAttributesBothWays(t *testing.T) {
	for _, c := range attributes {
		got, err := ParseAttributes(options(c.query))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseAttributes(%q) = %v, %v; want %v", c.query, got, err, c.want)
		}
		if got := AppendAttributes([]string{"x"}, c.want); !slices.Equal(got, append([]string{"x"}, options(c.query)...)) {
			t.Errorf("AppendAttributes = %q, want %q behind x", got, c.query)
		}
	}
}

func TestAttributesRefused(t *testing.T) {
	for _, query := range []string{
		"=1", "pmin=", "pmin=-1", "pmin=+1", "pmin=1.5", "pmin=4294967296", "pmax=x", "epmin=0x1", "epmax= 1",
		"gt=", "gt=.5", "gt=5.", "gt=1e3", "gt=--1", "gt=NaN", "gt=Inf", "lt=1,5", "lt=+1", "st=1/2", "gt=" + strings.Repeat("9", 65),
		"edge=2", "edge=true", "con=", "con=01", "hqmax=-1",
		"pmin=1&pmin=2", "pmin&pmin=1", "x&x", "&pmin=1",
		"p min=1", "p\x00=1", "ä=1", strings.Repeat("n", 65) + "=1",
	} {
		if got, err := ParseAttributes(options(query)); !errors.Is(err, ErrMalformed) || got != nil {
			t.Errorf("ParseAttributes(%.40q) = %v, %v; want ErrMalformed", query, got, err)
		}
	}
	var many []string
	for i := range maxAttributes + 1 {
		many = append(many, "a"+strconv.Itoa(i))
	}
	if _, err := ParseAttributes(many); !errors.Is(err, ErrMalformed) {
		t.Errorf("%d attributes: %v", len(many), err)
	}
	if got, err := ParseAttributes(many[1:]); err != nil || len(got) != maxAttributes {
		t.Errorf("%d attributes: %v", len(many)-1, err)
	}
}

func TestCheckAttributes(t *testing.T) {
	resource, instance := lwm2m.NewPath(3, 0, 7), lwm2m.NewPath(3, 0)
	for _, c := range []struct {
		path  lwm2m.Path
		query string
		ok    bool
	}{
		{resource, "lt=20&gt=85&st=10", true},
		{resource, "lt=20&gt=40&st=10", false}, // 20 + 2*10 is not below 40
		{resource, "lt=20&gt=40.01&st=10", true},
		{resource, "lt=5&gt=5", false},
		{resource, "lt=6&gt=5", false},
		{resource, "lt=-6&gt=-5.5", true},
		{resource, "lt=6&st=1", true},
		{resource, "lt=6&gt", true},
		{resource, "st=0", false},
		{resource, "st=-1", false},
		{resource, "st=0.001", true},
		{resource, "lt=9007199254740992&gt=9007199254740993", true}, // equal as float64
		{resource, "lt=9007199254740993&gt=9007199254740993", false},
		{resource, "pmin=10&pmax=5", true}, // pmax is ignored
		{resource, "epmin=1&epmax=20", true},
		{resource, "epmin=20&epmax=20", false},
		{instance, "epmin=21&epmax=20", false},
		{instance, "pmin=1&pmax=2&con=1&hqmax=3", true},
		{instance, "gt=1", false},
		{instance, "lt", false},
		{lwm2m.NewPath(3), "st=1", false},
		{lwm2m.NewPath(3), "edge=1", false},
		{resource.Child(0), "edge=1&gt=5", true},
		{instance, "own=1", true},
	} {
		a, err := ParseAttributes(options(c.query))
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckAttributes(c.path, a); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("CheckAttributes(%s, %q): %v, want ok %v", c.path, c.query, err, c.ok)
		}
	}
	if err := CheckAttributes(resource, []Attribute{set("st", "none")}); err != nil {
		t.Errorf("a value that is no number is not for this check: %v", err)
	}
}

func TestMergeAttributes(t *testing.T) {
	for _, c := range []struct{ set, write, want string }{
		{"", "pmin=1", "pmin=1"},
		{"pmin=1&pmax=5", "pmax=9", "pmin=1&pmax=9"},
		{"pmin=1&pmax=5", "pmin", "pmax=5"},
		{"pmin=1", "gt&st=2", "pmin=1&st=2"},
		{"pmin=1", "", "pmin=1"},
	} {
		before, err1 := ParseAttributes(options(c.set))
		write, err2 := ParseAttributes(options(c.write))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		got := AppendAttributes(nil, MergeAttributes(before, write))
		if !slices.Equal(got, options(c.want)) {
			t.Errorf("%q written over %q gives %q, want %q", c.write, c.set, got, c.want)
		}
		if !slices.Equal(AppendAttributes(nil, before), options(c.set)) {
			t.Errorf("MergeAttributes changed %q", c.set)
		}
	}
}

func FuzzParseAttributes(f *testing.F) {
	for _, c := range attributes {
		f.Add(c.query)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAttributes(options(s))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseAttributes(AppendAttributes(nil, a))
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Fatalf("%q: %v, then %v, %v", s, a, again, err)
		}
		if err := CheckAttributes(lwm2m.NewPath(3, 0, 7), a); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("%q: CheckAttributes: %v", s, err)
		}
	})
}
