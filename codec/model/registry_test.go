package model

import (
	"reflect"
	"sync"
	"testing"

	"dormouse/codec/lwm2m"
)

func version(s string) lwm2m.Version {
	v, err := lwm2m.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

func TestVersionFallback(t *testing.T) {
	var objects []*Object
	for _, v := range []string{"2.1", "1.1", "1.3", "4.2"} { // in any order
		objects = append(objects, &Object{ID: 7, Version: version(v), Name: v})
	}
	r := NewRegistry(objects...)
	for _, c := range []struct{ wanted, want string }{
		{"1.1", "1.1"}, {"1.3", "1.3"}, {"2.1", "2.1"}, {"4.2", "4.2"}, // known
		{"1.2", "1.1"}, {"1.9", "1.3"}, {"2.7", "2.1"}, // the newest older one
		{"1.0", "1.1"}, {"2.0", "2.1"}, {"4.0", "4.2"}, // the oldest of the major number
		{"3.0", ""}, {"5.0", ""}, {"0.9", ""}, // never another major number
		{"0.0", "1.1"}, // any
	} {
		got := ""
		if o := r.Object(7, version(c.wanted)); o != nil {
			got = o.Name
		}
		if got != c.want {
			t.Errorf("wanted %s, got %q, want %q", c.wanted, got, c.want)
		}
	}
	if o := r.Object(8, lwm2m.V1_0); o != nil {
		t.Errorf("object 8 is %v", o)
	}
}

func TestWithLeavesTheOldRegistry(t *testing.T) {
	upload := &Object{ID: 3, Version: lwm2m.V1_0, Name: "Other Device"}
	fresh := &Object{ID: 40000, Version: version("3.0"), Name: "New"}
	before := Core().Objects()
	r := Core().With(upload, fresh)

	if r.Object(3, lwm2m.V1_0) != upload || r.Object(40000, version("3.1")) != fresh {
		t.Error("uploaded definitions are not found")
	}
	if r.Object(3, lwm2m.V1_1) != Core().Object(3, lwm2m.V1_1) {
		t.Error("another version of an overlaid object is gone")
	}
	if !reflect.DeepEqual(Core().Objects(), before) || Core().Object(3, lwm2m.V1_0) == upload {
		t.Error("With changed the registry it was called on")
	}
	if got, want := len(r.Objects()), len(before)+1; got != want {
		t.Errorf("%d objects, want %d", got, want)
	}
	again := r.With(&Object{ID: 3, Version: lwm2m.V1_0, Name: "Third"})
	if again.Object(3, lwm2m.V1_0).Name != "Third" || r.Object(3, lwm2m.V1_0) != upload {
		t.Error("the later definition does not count alone")
	}
}

func TestObjectsAreInOrder(t *testing.T) {
	var last *Object
	for _, o := range Core().Objects() {
		if last != nil && (o.ID < last.ID || o.ID == last.ID && !last.Version.Less(o.Version)) {
			t.Errorf("%d %s behind %d %s", o.ID, o.Version, last.ID, last.Version)
		}
		for i := 1; i < len(o.Resources); i++ {
			if o.Resources[i-1].ID >= o.Resources[i].ID {
				t.Errorf("object %d %s: resource %d behind %d", o.ID, o.Version, o.Resources[i].ID, o.Resources[i-1].ID)
			}
		}
		last = o
	}
}

func TestTypes(t *testing.T) {
	versions := map[uint16]lwm2m.Version{3303: lwm2m.V1_1, 1: version("9.0")}
	types := Core().Types(func(object uint16) lwm2m.Version {
		if v, ok := versions[object]; ok {
			return v
		}
		return lwm2m.V1_0
	})
	for _, c := range []struct {
		path     lwm2m.Path
		kind     lwm2m.Kind
		multiple bool
	}{
		{lwm2m.NewPath(3, 0, 0), lwm2m.KindString, false},
		{lwm2m.NewPath(3, 0, 6), lwm2m.KindInteger, true},
		{lwm2m.NewPath(3, 0, 6, 1), lwm2m.KindInteger, true},
		{lwm2m.NewPath(3, 0, 4), lwm2m.KindNone, false},
		{lwm2m.NewPath(3, 0, 999), lwm2m.KindNone, false},
		{lwm2m.NewPath(3303, 0, 5518), lwm2m.KindTime, false}, // since 1.1
		{lwm2m.NewPath(3304, 0, 5518), lwm2m.KindNone, false}, // 1.0 has none
		{lwm2m.NewPath(1, 0, 1), lwm2m.KindNone, false},       // an unknown major version
		{lwm2m.NewPath(40000, 0, 1), lwm2m.KindNone, false},
		{lwm2m.NewPath(3, 0), lwm2m.KindNone, false},
		{lwm2m.NewPath(), lwm2m.KindNone, false},
	} {
		if k, m := types.KindOf(c.path), types.Multiple(c.path); k != c.kind || m != c.multiple {
			t.Errorf("%s is %s, multiple %v; want %s, %v", c.path, k, m, c.kind, c.multiple)
		}
	}
	if k := Core().Types(nil).KindOf(lwm2m.NewPath(3, 0, 13)); k != lwm2m.KindTime {
		t.Errorf("without versions /3/0/13 is %s", k)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := Core().With(&Object{ID: 3, Version: lwm2m.V1_0, Name: "x"})
			if o := r.Object(3, lwm2m.V1_0); o.Name != "x" {
				t.Errorf("%d: %q", i, o.Name)
			}
			if Core().Types(nil).KindOf(lwm2m.NewPath(3, 0, 0)) != lwm2m.KindString {
				t.Errorf("%d: Core was changed", i)
			}
		})
	}
	wg.Wait()
}

func TestOperations(t *testing.T) {
	for i, s := range operationNames {
		o, ok := ParseOperations(s)
		if !ok || int(o) != i || o.String() != s {
			t.Errorf("ParseOperations(%q) = %v, %v", s, o, ok)
		}
	}
	if o, _ := ParseOperations("RW"); o != Read|Write {
		t.Errorf("RW is %d", o)
	}
	for _, s := range []string{"WR", "r", "X", " R"} {
		if _, ok := ParseOperations(s); ok {
			t.Errorf("ParseOperations(%q)", s)
		}
	}
}

func BenchmarkKindOf(b *testing.B) {
	b.ReportAllocs()
	types := Core().Types(func(uint16) lwm2m.Version { return lwm2m.V1_1 })
	p := lwm2m.NewPath(3303, 0, 5700)
	for b.Loop() {
		types.KindOf(p)
	}
}
