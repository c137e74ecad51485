package access

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/query"

	"dormouse/bench/device/objects"
)

// The codes of each operation as a server sees them are tested in bench/device,
// through the wire; here is what lies behind them.

var now = time.Unix(1_800_000_000, 0)

func at(s string) lwm2m.Path {
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

func newTree(t *testing.T, v lwm2m.Version) *objects.Tree {
	t.Helper()
	p, err := objects.NewProfile(v, objects.All)
	if err != nil {
		t.Fatal(err)
	}
	return objects.NewTree(p, objects.Sensors{Serial: "dev", Traffic: &objects.Traffic{}})
}

func node(path string, v lwm2m.Value) lwm2m.Node { return lwm2m.Node{Path: at(path), Value: v} }

// lines are paths with values.
func lines(nodes []lwm2m.Node) (out []string) {
	for _, n := range nodes {
		out = append(out, n.Path.String()+" "+n.Value.String())
	}
	return out
}

// An operation that is refused leaves everything as it was.
func TestWholeOrNotAtAll(t *testing.T) {
	str, num := lwm2m.String, lwm2m.Integer
	refused := map[string]func(*objects.Tree) coap.Code{
		"a later value is wrong": func(t *objects.Tree) coap.Code {
			return Write(t, at("/1/0"), []lwm2m.Node{node("/1/0/2", num(5)), node("/1/0/7", num(5))}, false, now)
		},
		"a later resource cannot be written": func(t *objects.Tree) coap.Code {
			return Write(t, at("/1/0"), []lwm2m.Node{node("/1/0/2", num(5)), node("/1/0/0", num(5))}, false, now)
		},
		"a mandatory one lacks": func(t *objects.Tree) coap.Code {
			return Write(t, at("/1/0"), []lwm2m.Node{node("/1/0/2", num(5))}, true, now)
		},
		"another instance is wrong": func(t *objects.Tree) coap.Code {
			return WriteComposite(t, []lwm2m.Node{node("/1/0/2", num(5)), node("/3/0/14", str("x")), node("/3/0/0", str("x"))}, now)
		},
		"the second instance is wrong": func(t *objects.Tree) coap.Code {
			_, code := Create(t, at("/16"), []lwm2m.Node{node("/16/5/0/0", str("x")), node("/16/6/3", num(1))}, now)
			return code
		},
		"one of two is there": func(t *objects.Tree) coap.Code {
			_, code := Create(t, at("/16"), []lwm2m.Node{node("/16/5/0/0", str("x")), node("/16/0/0/0", str("x"))}, now)
			return code
		},
	}
	for name, operation := range refused {
		tree := newTree(t, lwm2m.V1_2)
		if code := operation(tree); code.IsSuccess() || tree.Revision() != 0 {
			t.Errorf("%s: %s, %d changes", name, code, tree.Revision())
		}
	}
}

// PUT takes away the optional writable resources that it does not name, and
// leaves those that the server cannot write.
func TestReplace(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	nodes := []lwm2m.Node{
		node("/1/0/1", lwm2m.Integer(60)), node("/1/0/6", lwm2m.Boolean(true)), node("/1/0/7", lwm2m.String("U")),
		node("/1/0/22", lwm2m.String("U")),
	}
	if code := Write(tree, at("/1/0"), nodes, true, now); code != coap.Changed {
		t.Fatal(code)
	}
	got := lines(tree.Nodes(nil, at("/1/0"), now))
	want := []string{"/1/0/0 1", "/1/0/1 60", "/1/0/6 true", "/1/0/7 U", "/1/0/22 U"}
	if !slices.Equal(got, want) || !tree.Exists(at("/1/0/8")) {
		t.Errorf("%v, want %v", got, want)
	}
	empty := []lwm2m.Node{{Path: at("/13/0/0")}}
	if code := Write(tree, at("/13/0/0"), empty, true, now); code != coap.Changed {
		t.Fatal(code)
	}
	if got := tree.Nodes(nil, at("/13/0/0"), now); len(got) != 1 || got[0] != empty[0] {
		t.Errorf("emptied: %v", got)
	}
}

// Create takes what the server gives and adds what only the device can.
func TestCreate(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	ids, code := Create(tree, at("/16"), []lwm2m.Node{
		node("/16/65535/0/0", lwm2m.String("a")), node("/16/9/0/0", lwm2m.String("b")), node("/16/9/0/1", lwm2m.String("c")),
	}, now)
	if code != coap.Created || !slices.Equal(ids, []uint16{1, 9}) {
		t.Fatalf("%v %s", ids, code)
	}
	if got := lines(tree.Nodes(nil, at("/16/9"), now)); !slices.Equal(got, []string{"/16/9/0/0 b", "/16/9/0/1 c"}) {
		t.Errorf("created %v", got)
	}
	if ids, code = Create(tree, at("/3303"), nil, now); code != coap.Created || !slices.Equal(ids, []uint16{2}) {
		t.Fatalf("%v %s", ids, code)
	}
	if v := tree.Value(at("/3303/2/5700"), now); v.Kind() != lwm2m.KindFloat || !tree.Exists(at("/3303/2/5605")) {
		t.Errorf("a new sensor shows %v", v)
	}
	for range MaxInstances {
		if _, code = Create(tree, at("/3303"), nil, now); code != coap.Created {
			break
		}
	}
	if n := len(tree.Object(3303).Instances); code != coap.InternalServerError || n != MaxInstances {
		t.Errorf("%s at %d instances", code, n)
	}
}

// The bound of resource instances.
func TestTooManyItems(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	var nodes []lwm2m.Node
	for i := range uint16(maxItems + 1) {
		nodes = append(nodes, lwm2m.Node{Path: lwm2m.NewPath(16, 0, 0, i), Value: lwm2m.String("x")})
	}
	if code := Write(tree, at("/16/0/0"), nodes[:maxItems], true, now); code != coap.Changed {
		t.Errorf("%d instances: %s", maxItems, code)
	}
	if code := Write(tree, at("/16/0/0"), nodes, true, now); code != coap.BadRequest {
		t.Errorf("%d instances: %s", len(nodes), code)
	}
}

func TestReadComposite(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	tests := map[string]string{
		"/3/0/0 /3/0/0":          "/3/0/0 Dormouse Works",
		"/3/0/16 /3/0/0":         "/3/0/16 U, /3/0/0 Dormouse Works", // in the order of the request
		"/16/0/0/0 /16/0/0/0":    "/16/0/0/0 Host Device ID #1",
		"/0 /99 /3/0/4 /3/0/99":  "",
		"/2 /2/0/0 /2/0":         "/2/0/0 3, /2/0/1 0, /2/0/2/1 31, /2/0/3 1",
		"/0/0/0 /21 /23 /1/0/7":  "/1/0/7 U",
		"/3/0/11/0 /3/0/11 /4/9": "/3/0/11/0 0",
	}
	for paths, want := range tests {
		var list []lwm2m.Path
		for s := range strings.FieldsSeq(paths) {
			list = append(list, at(s))
		}
		if got := strings.Join(lines(ReadComposite(tree, list, now)), ", "); got != want {
			t.Errorf("%s: %s, want %s", paths, got, want)
		}
	}
	for _, n := range ReadComposite(tree, []lwm2m.Path{{}}, now) {
		if n.Path.Object() == 0 {
			t.Errorf("%s in the root", n.Path)
		}
	}
}

func TestRanges(t *testing.T) {
	i, s := lwm2m.Integer, func(n int) lwm2m.Value { return lwm2m.String(strings.Repeat("s", n)) }
	tests := []struct {
		text  string
		value lwm2m.Value
		want  bool
	}{
		{"0..100", i(0), true}, {"0..100", i(100), true}, {"0..100", i(101), false}, {"0..100", i(-1), false},
		{"1-65534", i(65535), false}, {"1-65534", i(1), true},
		{"-110..-48", i(-110), true}, {"-110..-48", i(-111), false}, {"-110..-48", i(-47), false},
		{"0..255 bytes", s(255), true}, {"0..255 bytes", s(256), false}, {"1..32 Bytes", s(0), false},
		{"0..1", lwm2m.Float(0.5), true}, {"0..1", lwm2m.Float(1.5), false},
		{"0..3", lwm2m.Unsigned(1 << 63), false}, {"0..2", lwm2m.Opaque([]byte("abc")), false},
		{"", i(1 << 62), true}, {"255", i(1000), true}, {"8 bit", s(99), true}, {"[1:4]", i(9), true},
		{"0..1", lwm2m.Boolean(true), true},
	}
	for _, test := range tests {
		if got := inRange(&model.Resource{Range: test.text}, test.value); got != test.want {
			t.Errorf("%s in %q: %v", test.value, test.text, got)
		}
	}
}

func TestExecute(t *testing.T) {
	for path, want := range map[string]Effect{"/1/0/8": Update, "/1/0/4": Disable, "/3/0/4": Reboot, "/3/0/5": FactoryReset, "/3/0/12": NoEffect} {
		if got, code := Execute(newTree(t, lwm2m.V1_1), at(path), nil, now); got != want || code != coap.Changed {
			t.Errorf("%s: effect %d, %s", path, got, code)
		}
	}
	tree := newTree(t, lwm2m.V1_1)
	for _, o := range tree.Objects() { // nothing that a definition calls executable is forgotten
		for _, r := range o.Instances[0].Resources {
			p := lwm2m.NewPath(o.Definition.ID, 0, r.ID)
			if d := tree.Definition(p); d.Operations&model.Execute != 0 && executables[lwm2m.NewPath(p.Object(), p.Resource())] == nil {
				t.Errorf("%s (%s) does nothing", p, d.Name)
			}
		}
	}
	tree.Set(at("/5/0/3"), lwm2m.Integer(firmwareReady))
	if got, code := Execute(tree, at("/5/0/2"), []query.Argument{{Digit: 0}}, now); got != Reboot || code != coap.Changed {
		t.Errorf("install: effect %d, %s", got, code)
	}
}

// Discover shows attributes as its caller says, at the path itself those that are
// inherited, too.
func TestDiscover(t *testing.T) {
	tree := newTree(t, lwm2m.V1_2)
	attached := func(p lwm2m.Path, inherited bool) []query.Attribute {
		if inherited {
			return []query.Attribute{{Name: "pmin", Value: p.String()}}
		}
		return nil
	}
	found, code := Discover(tree, at("/3303/0"), 0, attached)
	if code != coap.Content || len(found) != 1 || found[0].Path != at("/3303/0") || found[0].Attributes[0].Value != "/3303/0" {
		t.Errorf("%v %s", found, code)
	}
	if found, _ = Discover(tree, at("/3303"), DefaultDepth(at("/3303")), attached); found[0].Attributes[0].Name != "ver" || len(found[1].Attributes) != 0 {
		t.Errorf("%v", found)
	}
	for path, want := range map[string]int{"/3": 2, "/3/0": 1, "/3/0/7": 1} {
		if got := DefaultDepth(at(path)); got != want {
			t.Errorf("depth of %s: %d", path, got)
		}
	}
}
