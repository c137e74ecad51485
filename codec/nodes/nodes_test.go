package nodes_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]lwm2m.Value{
		"0":                    lwm2m.Integer(0),
		"-0":                   lwm2m.Integer(0),
		"-750":                 lwm2m.Integer(-750),
		"9007199254740993":     lwm2m.Integer(9007199254740993),
		"9223372036854775807":  lwm2m.Integer(math.MaxInt64),
		"-9223372036854775808": lwm2m.Integer(math.MinInt64),
		"9223372036854775808":  lwm2m.Unsigned(1 << 63),
		"18446744073709551615": lwm2m.Unsigned(math.MaxUint64),
		"18446744073709551616": lwm2m.Float(1 << 64),
		"-9223372036854775809": lwm2m.Float(-(1 << 63)),
		"1.0":                  lwm2m.Float(1),
		"-0.0":                 lwm2m.Float(math.Copysign(0, -1)),
		"1e3":                  lwm2m.Float(1000),
		"1E-3":                 lwm2m.Float(0.001),
	} {
		if v, err := nodes.ParseNumber(text); err != nil || v != want {
			t.Errorf("%q is %s %v, %v; want %s %v", text, v.Kind(), v, err, want.Kind(), want)
		}
	}
	for _, text := range []string{"", "-", "+", ".", "e", "1e", "1e999", "--1", "1-1", "0x1", "1_0", "NaN", "inf", " 1", "1 "} {
		if v, err := nodes.ParseNumber(text); !errors.Is(err, nodes.ErrNumber) {
			t.Errorf("%q is %v, %v", text, v, err)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	for want, f := range map[string]float64{
		"18.0": 18, "-0.0": math.Copysign(0, -1), "56.4": 56.4, "0.00000000006667": 0.00000000006667, "1e+21": 1e21,
		"100000000000000000000.0": 1e20, "5e-324": math.SmallestNonzeroFloat64, "1.7976931348623157e+308": math.MaxFloat64,
	} {
		got, err := nodes.AppendFloat(nil, f)
		if err != nil || string(got) != want {
			t.Errorf("%v is written as %s, %v; want %s", f, got, err, want)
		}
		if v, err := nodes.ParseNumber(want); err != nil || v != lwm2m.Float(f) {
			t.Errorf("%s is %s %v, %v", want, v.Kind(), v, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got, err := nodes.AppendFloat([]byte("x"), f); !errors.Is(err, nodes.ErrNumber) || string(got) != "x" {
			t.Errorf("%v is written as %s, %v", f, got, err)
		}
	}
}

func TestAddNumbers(t *testing.T) {
	for _, c := range []struct{ a, b, want lwm2m.Value }{
		{lwm2m.Integer(100), lwm2m.Integer(-5), lwm2m.Integer(95)},
		{lwm2m.Integer(0), lwm2m.Integer(0), lwm2m.Integer(0)},
		{lwm2m.Integer(math.MaxInt64), lwm2m.Integer(math.MinInt64), lwm2m.Integer(-1)},
		{lwm2m.Integer(math.MaxInt64), lwm2m.Integer(1), lwm2m.Float(1 << 63)},
		{lwm2m.Integer(math.MinInt64), lwm2m.Integer(-1), lwm2m.Float(-(1 << 63))},
		{lwm2m.Float(0.5), lwm2m.Integer(1), lwm2m.Float(1.5)},
		{lwm2m.Unsigned(1 << 63), lwm2m.Unsigned(1 << 63), lwm2m.Float(1 << 64)},
	} {
		if got, err := nodes.AddNumbers(c.a, c.b); err != nil || got != c.want {
			t.Errorf("%v + %v = %s %v, %v; want %s %v", c.a, c.b, got.Kind(), got, err, c.want.Kind(), c.want)
		}
	}
	for _, pair := range [][2]lwm2m.Value{{lwm2m.String("1"), lwm2m.Integer(1)}, {lwm2m.Integer(1), lwm2m.Boolean(true)}} {
		if got, err := nodes.AddNumbers(pair[0], pair[1]); err == nil {
			t.Errorf("%s + %s = %v", pair[0].Kind(), pair[1].Kind(), got)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]lwm2m.Stamp{
		"0": 0, "1": 1e9, "-5": -5e9, "0.5": 5e8, "-0.25": -25e7, "1320067464.123456789": 1320067464123456789,
		"9223372036.854775807": math.MaxInt64, "-9223372036.854775808": math.MinInt64, "268435456": lwm2m.RelativeBelow,
	} {
		if got, err := nodes.ParseSeconds(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
		if got := string(nodes.AppendSeconds(nil, want)); got != text {
			t.Errorf("%d is written as %s, want %s", want, got, text)
		}
	}
	for text, want := range map[string]lwm2m.Stamp{
		"-0": 0, "00012": 12e9, "1.": 1e9, ".5": 5e8, "1e3": 1e12, "1E3": 1e12, "1.5e+2": 150e9, "25e-1": 25e8, "1e-400": 0,
		"0e400": 0, "0.0000000019": 1, "-0.0000000019": -1, "13200674645e-1": 13200674645e8,
	} {
		if got, err := nodes.ParseSeconds(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", ".", "--1", "+1", "1e", "1ex", "1e401", "1e-401", "1e999999999999", "1e10", "-9223372037", "1.2.3", "NaN", "0x1", " 1"} {
		if got, err := nodes.ParseSeconds(text); !errors.Is(err, nodes.ErrNumber) {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
}

func TestAddStamps(t *testing.T) {
	for _, c := range []struct {
		a, b lwm2m.Stamp
		ok   bool
	}{
		{1, 2, true}, {-1, 1, true}, {math.MaxInt64, 0, true}, {math.MaxInt64, 1, false},
		{math.MinInt64, -1, false}, {math.MinInt64, math.MaxInt64, true}, {0, math.MinInt64, true},
	} {
		if sum, ok := nodes.AddStamps(c.a, c.b); ok != c.ok || ok && sum != c.a+c.b {
			t.Errorf("%d + %d = %d, %t", c.a, c.b, sum, ok)
		}
	}
}

func TestBase64(t *testing.T) {
	for _, text := range []string{"+/8=", "+/8", "-_8=", "-_8", "+_8"} {
		if v, err := nodes.ParseBase64(text); err != nil || v.String() != "fbff" {
			t.Errorf("%s is %s, %v", text, v, err)
		}
	}
	for _, text := range []string{"a", "=a", "a b=", "é", "AQ=A"} {
		if v, err := nodes.ParseBase64(text); err == nil {
			t.Errorf("%s is %s", text, v)
		}
	}
}

func TestObjlnk(t *testing.T) {
	for text, want := range map[string]lwm2m.Objlnk{
		"66:0": {Object: 66}, "65535:65535": {Object: 65535, Instance: 65535}, "3:1\x00\x00": {Object: 3, Instance: 1},
	} {
		if v, err := nodes.ParseObjlnk(text); err != nil || v != lwm2m.Link(want) {
			t.Errorf("%q is %v, %v", text, v, err)
		}
	}
	for _, text := range []string{"", ":", "66", "66:", ":0", "65536:0", "-1:0", "a:b", "1:2:3", "1: 2", "\x003:1"} {
		if v, err := nodes.ParseObjlnk(text); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ at, root, baseName, name, want string }{
		{"/", "", "/3/0/", "9", "/3/0/9"},
		{"/", "", "/3/0/9", "", "/3/0/9"},
		{"/", "", "", "/3/0/9", "/3/0/9"},
		{"/", "", "", "3/0/9", "/3/0/9"},
		{"/", "", "", "", "/"},
		{"/", "", "/", "", "/"},
		{"/", "", "/3/0/1", "1", "/3/0/11"}, // concatenated as text
		{"/3/0", "", "", "9", "/3/0/9"},
		{"/3/0", "", "", "", "/3/0"},
		{"/3", "", "", "0/9", "/3/0/9"},
		{"/3/0", "", "", "3/0/9", "/3/0/9"}, // five IDs if it were relative
		{"/3/0", "", "/3/0/", "/3/0/9", "/3/0/9"},
		{"/3/0", "/r", "", "9", "/3/0/9"},
		{"/3/0", "/r", "/r/3/0/", "9", "/3/0/9"},
		{"/3/0", "/r", "/r", "/3/0/9", "/3/0/9"},
		{"/", "r", "", "r/3/0/9", "/3/0/9"},
		{"/", "/r/", "", "/r", "/"},
		{"/", "/a/b", "/a/b/", "3", "/3"},
	} {
		names := nodes.NewNames(nodestest.Path(t, c.at), c.root)
		if p, err := names.Resolve(c.baseName, c.name); err != nil || p.String() != c.want {
			t.Errorf("%q + %q at %s, root %q: %s, %v; want %s", c.baseName, c.name, c.at, c.root, p, err, c.want)
		}
	}
	for _, c := range []struct{ root, baseName, name string }{
		{"", "/3/0", "x"}, {"", "/a/", "3"}, {"", "", "/rx/3"}, {"r", "", "/rx/3"}, {"", "//", "3"}, {"", "/1/2/3/4/", "5"},
		{"", strings.Repeat("/", nodes.MaxName+1), ""}, {"", "", strings.Repeat("1", nodes.MaxName+1)},
	} {
		if p, err := nodes.NewNames(lwm2m.Path{}, c.root).Resolve(c.baseName, c.name); !errors.Is(err, lwm2m.ErrPath) {
			t.Errorf("%q + %q, root %q: %s, %v", c.baseName, c.name, c.root, p, err)
		}
	}
}

// What BaseName and Relative write, Resolve reads.
func TestNamesWritten(t *testing.T) {
	list := nodestest.Nodes(t, "/3/0/9 Integer 1\n/3/0/11/0 Integer 2")
	for _, root := range []string{"", "r", "/a/b"} {
		for _, base := range []string{"/", "/3", "/3/0"} {
			names := nodes.NewNames(nodestest.Path(t, base), root)
			baseName := names.BaseName(list)
			if !strings.HasSuffix(baseName, "/") {
				t.Errorf("the base name of %s, root %q, is %q", base, root, baseName)
			}
			for _, n := range list {
				if p, err := names.Resolve(baseName, names.Relative(baseName, n.Path)); err != nil || p != n.Path {
					t.Errorf("%s, root %q, base %s: %s, %v", n.Path, root, base, p, err)
				}
			}
		}
	}
	names := nodes.NewNames(list[0].Path, "")
	if got := names.BaseName(list[:1]); got != "/3/0/9" || names.Relative(got, list[0].Path) != "" {
		t.Errorf("the base name of a single resource is %q", got)
	}
}

func TestList(t *testing.T) {
	list := nodes.NewList(nodestest.Path(t, "/3/0"), nil)
	if got := nodestest.Text(list.Nodes()); got != "/3/0 None" {
		t.Errorf("an empty list is %s", got)
	}
	for _, c := range []struct {
		path string
		v    lwm2m.Value
		want error
	}{
		{"/3/0/9", lwm2m.Integer(1), nil},
		{"/3/0/11/0", lwm2m.String("\xff"), nil},
		{"/3/0/12", lwm2m.Opaque([]byte{0xff}), nil},
		{"/3/1/9", lwm2m.Integer(1), nodes.ErrOutside},
		{"/3", lwm2m.Value{}, nodes.ErrOutside},
		{"/3/0", lwm2m.Integer(1), nodes.ErrLevel},
	} {
		if err := list.Add(nodestest.Path(t, c.path), c.v, 0); !errors.Is(err, c.want) {
			t.Errorf("adding %s: %v, want %v", c.path, err, c.want)
		}
	}
	want := nodestest.Lines(`/3/0/9 Integer 1
		/3/0/11/0 String "\ufffd"
		/3/0/12 Opaque ff`)
	if got := nodestest.Text(list.Nodes()); got != strings.ReplaceAll(want, `\ufffd`, "\uFFFD") || list.Len() != 3 {
		t.Errorf("the list is\n%s", got)
	}
	if _, err := list.Distinct(); err != nil {
		t.Errorf("distinct paths: %v", err)
	}
	if err := list.Add(nodestest.Path(t, "/3/0/9/0"), lwm2m.Integer(1), 0); err != nil {
		t.Error(err)
	}
	if _, err := list.Distinct(); !errors.Is(err, nodes.ErrDuplicate) {
		t.Errorf("a resource and its instance: %v", err)
	}
}

// Types converts on the way in and out, and leaves the given nodes alone.
func TestTyped(t *testing.T) {
	given := nodestest.Nodes(t, "/32769/0/4 Integer 1\n/32769/0/18/0 String \"66:0\"\n/32769/0 None\n/9/9/9 Integer 1")
	before := slices.Clone(given)
	got, err := nodes.Typed(given, nodestest.Core())
	want := "/32769/0/4 Float 1\n/32769/0/18/0 Objlnk 66:0\n/32769/0 None\n/9/9/9 Integer 1"
	if err != nil || nodestest.Text(got) != want {
		t.Errorf("%s, %v", nodestest.Text(got), err)
	}
	if !slices.Equal(given, before) {
		t.Error("the given nodes were changed")
	}
	if got, err := nodes.Typed(given, nil); err != nil || !slices.Equal(got, given) {
		t.Errorf("without types: %s, %v", nodestest.Text(got), err)
	}
	if _, err := nodes.Typed(nodestest.Nodes(t, `/32769/0/2 String "x"`), nodestest.Core()); err == nil {
		t.Error("a String became an Integer")
	}
}

func TestTree(t *testing.T) {
	sorted, err := nodes.Sorted(lwm2m.Path{}, nodestest.Nodes(t, "/3/0/9 Integer 1\n/1/0 None\n/3/0/6/1 Integer 5\n/3/0/6/0 Integer 1\n/3/1 None"))
	if err != nil {
		t.Fatal(err)
	}
	var runs []int
	for id, run := range nodes.Children(sorted, 0) {
		runs = append(runs, int(id), len(run))
	}
	if !slices.Equal(runs, []int{1, 1, 3, 4}) {
		t.Errorf("IDs and lengths of the runs are %v", runs)
	}
	for range nodes.Children(sorted, 0) {
		break // ends without a second call
	}
	for from, want := range map[int]string{0: "/", 1: "/3"} {
		if got := nodes.Common(sorted[from:]).String(); got != want {
			t.Errorf("from %d on they have %s in common, want %s", from, got, want)
		}
	}
	if got := nodes.Common(sorted[1:3]).String(); got != "/3/0/6" {
		t.Errorf("two instances have %s in common", got)
	}
}

func FuzzParseSeconds(f *testing.F) {
	for _, s := range []string{"0", "-5", "1320067464.5", "1e3", "25e-1", "-0.0000000019", "9223372036.854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stamp, err := nodes.ParseSeconds(s)
		if err != nil {
			return
		}
		again := string(nodes.AppendSeconds(nil, stamp))
		if got, err := nodes.ParseSeconds(again); err != nil || got != stamp {
			t.Errorf("%q is %d, written as %q, which is %d, %v", s, stamp, again, got, err)
		}
	})
}

func FuzzResolve(f *testing.F) {
	f.Add("/r", "/r/3/0/", "9")
	f.Add("", "", "3/0/9")
	f.Fuzz(func(t *testing.T, root, baseName, name string) {
		names := nodes.NewNames(lwm2m.Path{}, root)
		p, err := names.Resolve(baseName, name)
		if err != nil {
			return
		}
		again := string(names.Append(nil, p))
		if len(again) > nodes.MaxName {
			return
		}
		if q, err := names.Resolve("", again); err != nil || q != p {
			t.Errorf("%q + %q is %s, written as %q, which is %s, %v", baseName, name, p, again, q, err)
		}
	})
}
