package objects

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

var now = time.Unix(1_800_000_000, 0)

func at(s string) lwm2m.Path {
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

func newTree(t *testing.T, v lwm2m.Version) *Tree {
	t.Helper()
	p, err := NewProfile(v, All)
	if err != nil {
		t.Fatal(err)
	}
	return NewTree(p, Sensors{Serial: "dev", Seed: 1, Every: 10 * time.Second, Traffic: &Traffic{}})
}

// What leaves the factory agrees with the definitions: types, instances, and all
// mandatory resources, in every version.
func TestFactory(t *testing.T) {
	for _, v := range []lwm2m.Version{lwm2m.V1_0, lwm2m.V1_1, lwm2m.V1_2} {
		tree := newTree(t, v)
		if len(tree.Objects()) != len(All) {
			t.Errorf("%s: %d objects", v, len(tree.Objects()))
		}
		for _, o := range tree.Objects() {
			if len(o.Instances) == 0 || !o.Definition.Multiple && len(o.Instances) != 1 {
				t.Errorf("%s: object %d has %d instances", v, o.Definition.ID, len(o.Instances))
			}
			for _, instance := range o.Instances {
				checkInstance(t, tree, o.Definition, instance)
			}
		}
	}
}

func checkInstance(t *testing.T, tree *Tree, definition *model.Object, instance *Instance) {
	t.Helper()
	for _, d := range definition.Resources {
		p := lwm2m.NewPath(definition.ID, instance.ID, d.ID)
		r, ok := instance.Resource(d.ID)
		if d.Mandatory && !ok {
			t.Errorf("%s is mandatory and not there", p)
		}
		for i, item := range r.Items {
			if v := tree.measure(p, r, i, now); v.Kind() != d.Type {
				t.Errorf("%s is %s, want %s", p.Child(item.ID), v.Kind(), d.Type)
			}
		}
		if ok && len(r.Items) == 0 && d.Operations&model.Read != 0 {
			t.Errorf("%s can be read and has no value", p)
		}
	}
	if !slices.IsSortedFunc(instance.Resources, func(a, b Resource) int { return int(a.ID) - int(b.ID) }) {
		t.Errorf("resources of object %d do not ascend", definition.ID)
	}
}

// Lines that the factory cannot have are errors that say where.
func TestFactoryLines(t *testing.T) {
	for line, want := range map[string]string{
		"/3/0/0/0 x":      "resource instances",
		"/3/0/7 1":        "resource instances",
		"/3/0/9 ~nothing": "no signal",
		"/3/0/9 many":     "line 2",
		"/3/x 1":          "malformed path",
	} {
		p, err := NewProfile(lwm2m.V1_1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.build("# a comment\n" + line + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
	if _, err := NewProfile(lwm2m.V1_1, []uint16{8}); err == nil {
		t.Error("object 8 is none of All")
	}
}

func TestVersions(t *testing.T) {
	tests := []struct {
		enabler      lwm2m.Version
		object       uint16
		want, listed lwm2m.Version
	}{
		{lwm2m.V1_0, 3, lwm2m.V1_0, lwm2m.Version{}},
		{lwm2m.V1_1, 3, lwm2m.V1_1, lwm2m.Version{}},
		{lwm2m.V1_2, 1, lwm2m.V1_2, lwm2m.Version{}},
		{lwm2m.V1_0, 3303, lwm2m.V1_0, lwm2m.Version{}},
		{lwm2m.V1_1, 3303, lwm2m.V1_1, lwm2m.V1_1},
		{lwm2m.V1_1, 19, lwm2m.V1_0, lwm2m.Version{}},
	}
	for _, test := range tests {
		p, err := NewProfile(test.enabler, All)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.VersionOf(test.object); got != test.want || p.Listed(test.object) != test.listed || p.Version() != test.enabler {
			t.Errorf("%s: object %d is %s (listed %s), want %s (%s)", test.enabler, test.object, got, p.Listed(test.object), test.want, test.listed)
		}
	}
}

// A write changes one device: what others have, and what was read before, stays.
func TestCopyOnWrite(t *testing.T) {
	a := newTree(t, lwm2m.V1_1)
	b := NewTree(a.Profile(), Sensors{Serial: "other"})
	before := a.Instance(at("/3/0"))
	a.Set(at("/3/0/14"), lwm2m.String("+01:00"))
	a.Put(16, &Instance{ID: 4})
	a.Remove(19, 0)
	if got := a.Value(at("/3/0/14"), now).Text(); got != "+01:00" {
		t.Errorf("wrote +01:00, is %s", got)
	}
	if got := b.Value(at("/3/0/14"), now).Text(); got != "+00:00" || b.Exists(at("/16/4")) || !b.Exists(at("/19/0")) {
		t.Errorf("the other device has %s", got)
	}
	if r, _ := before.Resource(14); r.Items[0].Value.Text() != "+00:00" {
		t.Error("an instance has changed")
	}
	if a.Revision() != 3 || a.Structure() != 2 || b.Revision() != 0 || b.Structure() != 0 {
		t.Errorf("revision %d, structure %d", a.Revision(), a.Structure())
	}
	a.Remove(19, 0)
	a.Remove(4711, 0)
	if a.Revision() != 3 {
		t.Error("removing nothing is a revision")
	}
}

func TestInstance(t *testing.T) {
	one := &Instance{ID: 1}
	two := one.With(Resource{ID: 5}).With(Resource{ID: 2, Items: []Item{{0, lwm2m.Integer(1)}}})
	if len(one.Resources) != 0 || len(two.Resources) != 2 || two.Resources[0].ID != 2 {
		t.Errorf("%+v, %+v", one, two)
	}
	r, ok := two.Resource(2)
	more := r.With(Item{3, lwm2m.Integer(3)}).With(Item{1, lwm2m.Integer(2)}).With(Item{0, lwm2m.Integer(9)})
	if !ok || len(r.Items) != 1 || r.Items[0].Value.Int() != 1 || len(more.Items) != 3 || more.Items[1].ID != 1 || more.Items[0].Value.Int() != 9 {
		t.Errorf("%+v, %+v", r, more)
	}
	if less := more.Without(1).Without(7); len(less.Items) != 2 || len(more.Items) != 3 {
		t.Errorf("%+v, %+v", less, more)
	}
	if less := two.Without(2).Without(9); len(less.Resources) != 1 || len(two.Resources) != 2 {
		t.Errorf("%+v", less)
	}
}

func TestExists(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	for path, want := range map[string]bool{
		"/": true, "/3": true, "/3/0": true, "/3/0/0": true, "/3/0/4": true, "/3/0/7/1": true,
		"/99": false, "/3/1": false, "/3/0/99": false, "/3/0/7/2": false, "/3/0/0/0": false, "/1/0/9": false,
	} {
		if got := tree.Exists(at(path)); got != want {
			t.Errorf("%s exists: %v", path, got)
		}
	}
}

func TestNodes(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	tree.Remove(16, 0)
	tree.Put(19, &Instance{ID: 7, Resources: []Resource{{ID: 0}}})
	tree.Put(19, &Instance{ID: 8})
	tests := []struct {
		path string
		want string // paths, "=" behind those that hold nothing
	}{
		{"/3/0/0", "/3/0/0"},
		{"/3/0/7", "/3/0/7/0 /3/0/7/1"},
		{"/3/0/7/1", "/3/0/7/1"},
		{"/3/0/7/2", ""},
		{"/3/0/4", ""},
		{"/3/1", ""},
		{"/16", "/16="},
		{"/19/7", "/19/7/0="},
		{"/19/8", "/19/8="},
		{"/19/8/0", ""},
		{"/99", ""},
	}
	for _, test := range tests {
		var got []string
		for _, n := range tree.Nodes(nil, at(test.path), now) {
			s := n.Path.String()
			if n.Value.Kind() == lwm2m.KindNone {
				s += "="
			}
			got = append(got, s)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s", test.path, got, test.want)
		}
	}
	all := tree.Nodes(nil, lwm2m.Path{}, now)
	if len(all) < 100 || !slices.IsSortedFunc(all, func(a, b lwm2m.Node) int { return a.Path.Compare(b.Path) }) {
		t.Errorf("%d nodes of the whole tree, or not in order", len(all))
	}
}

// Measured values stay between their bounds, move, are the same when asked again,
// and differ between devices.
func TestSensors(t *testing.T) {
	bounds := map[string][2]float64{
		"/3/0/9": {20, 100}, "/3/0/7/0": {3600, 4200}, "/4/0/2": {-110, -60},
		"/6/0/0": {51.20, 51.25}, "/3303/0/5700": {10, 30}, "/3303/1/5700": {10, 30},
	}
	a := newTree(t, lwm2m.V1_1)
	b := NewTree(a.Profile(), Sensors{Seed: 2, Every: 10 * time.Second})
	for path, bound := range bounds {
		seen := map[lwm2m.Value]bool{}
		equal := 0
		for i := range 500 {
			when := now.Add(time.Duration(i) * 10 * time.Second)
			v := a.Value(at(path), when)
			x := v.Float64() + float64(v.Int())
			if x < bound[0] || x > bound[1] {
				t.Fatalf("%s is %v, outside of %v", path, x, bound)
			}
			if v != a.Value(at(path), when) {
				t.Fatalf("%s is two values at once", path)
			}
			if v == b.Value(at(path), when) {
				equal++
			}
			seen[v] = true
		}
		if len(seen) < 5 || equal > 250 {
			t.Errorf("%s took %d values, %d the same as those of another device", path, len(seen), equal)
		}
	}
}

// Within a sample nothing moves but clocks.
func TestSample(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	s := tree.Sensors()
	for i := range int64(1000) {
		when := now.Add(time.Duration(i) * 77 * time.Millisecond)
		n := s.Sample(when)
		if start, next := s.SampledAt(n), s.SampledAt(n+1); when.Before(start) || !when.Before(next) || next.Sub(start) != 10*time.Second {
			t.Fatalf("%v is in sample %d from %v to %v", when, n, start, next)
		}
		if got, want := tree.Value(at("/3303/0/5700"), when), tree.Value(at("/3303/0/5700"), s.SampledAt(n)); got != want {
			t.Fatalf("%s within the sample of %s", got, want)
		}
	}
	if s.Sample(now) == (&Sensors{Seed: 3, Every: 10 * time.Second}).Sample(now) && s.phase() == (&Sensors{Seed: 3, Every: 10 * time.Second}).phase() {
		t.Error("all devices sample in the same moment")
	}
}

// Signals that can be written show what was written.
func TestWrittenSignals(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	r, _ := tree.Instance(at("/3/0")).Resource(13)
	if !r.Signal.Writable() || signalBattery.Writable() {
		t.Fatal("which signals can be written")
	}
	tree.Set(at("/3/0/13"), r.Signal.Written(lwm2m.Time(1000), now))
	if got := tree.Value(at("/3/0/13"), now.Add(5*time.Second)); got.Int() != 1005 {
		t.Errorf("a clock set to 1000 shows %d after 5 s", got.Int())
	}
}

// The extremes are those of the samples since the reset.
func TestExtremes(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	r, _ := tree.Instance(at("/3303/0")).Resource(5601)
	for _, id := range []string{"/3303/0/5601", "/3303/0/5602"} {
		tree.Set(at(id), r.Signal.Written(lwm2m.Value{}, now))
	}
	low, high := 100.0, -100.0
	for i := range 200 {
		when := now.Add(time.Duration(i) * 10 * time.Second)
		v := tree.Value(at("/3303/0/5700"), when).Float64()
		low, high = min(low, v), max(high, v)
		if got := tree.Value(at("/3303/0/5601"), when).Float64(); got != low {
			t.Fatalf("lowest %v, want %v", got, low)
		}
		if got := tree.Value(at("/3303/0/5602"), when).Float64(); got != high {
			t.Fatalf("highest %v, want %v", got, high)
		}
	}
}

func TestMeasured(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	for path, want := range map[string]bool{
		"/": true, "/3": true, "/3/0": true, "/3/0/9": true, "/3/0/7/0": true, "/3303/1": true,
		"/3/0/0": false, "/3/0/2": false, "/1": false, "/16/0": false, "/99": false,
	} {
		if got := tree.Measured(at(path)); got != want {
			t.Errorf("%s is measured: %v", path, got)
		}
	}
}

// What only the device can give a new instance.
func TestDefault(t *testing.T) {
	tree := newTree(t, lwm2m.V1_1)
	tests := map[string]string{ // path: kind of the value, "signal", "-" for none
		"/3303/0/5700": "signal", "/3303/0/5601": "signal", "/3303/0/5701": "-", "/3303/0/5605": "-",
		"/12/0/3": "Integer", "/12/0/4": "String", "/12/0/0": "-", "/9/0/12": "Boolean", "/16/0/0": "-",
	}
	for path, want := range tests {
		p := at(path)
		r, ok := Default(p.Object(), tree.Definition(p))
		got := "-"
		switch {
		case ok && r.Signal != SignalNone:
			got = "signal"
		case ok:
			got = r.Items[0].Value.Kind().String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for k := lwm2m.KindString; k <= lwm2m.KindCorelnk; k++ {
		if got := Zero(k).Kind(); got != k {
			t.Errorf("the zero %s is %s", k, got)
		}
	}
}
