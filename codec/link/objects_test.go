package link

import (
	"errors"
	"reflect"
	"testing"

	"dormouse/codec/lwm2m"
)

func object(path string, ver ...uint8) Object {
	p, err := lwm2m.ParsePath(path)
	if err != nil {
		panic(err)
	}
	o := Object{Path: p}
	if len(ver) == 2 {
		o.Version = lwm2m.Version{Major: ver[0], Minor: ver[1]}
	}
	return o
}

// canonical lists are written again byte for byte.
var canonical = []struct {
	text string
	list ObjectList
}{
	{
		`</1/0>,</1/1>,</2/0>,</2/1>,</2/2>,</2/3>,</2/4>,</3/0>,</4/0>,</5>`,
		ObjectList{Objects: []Object{object("/1/0"), object("/1/1"), object("/2/0"), object("/2/1"), object("/2/2"), object("/2/3"), object("/2/4"), object("/3/0"), object("/4/0"), object("/5")}},
	},
	{
		`</1>;ver=1.0,</1/0>,</1/1>,</3/0>`,
		ObjectList{Objects: []Object{object("/1", 1, 0), object("/1/0"), object("/1/1"), object("/3/0")}},
	},
	{
		`</1/0>,</1/1>,</3/0>,</44/0>;ver=2.2`,
		ObjectList{Objects: []Object{object("/1/0"), object("/1/1"), object("/3/0"), object("/44/0", 2, 2)}},
	},
	{
		`</>;rt="oma.lwm2m";ct="60 110",</1/0>`,
		ObjectList{Formats: []lwm2m.Format{lwm2m.FormatCBOR, lwm2m.FormatSenMLJSON}, Objects: []Object{object("/1/0")}},
	},
	{
		`</>;rt="oma.lwm2m";ct=11543,</3/0>`,
		ObjectList{Formats: []lwm2m.Format{lwm2m.FormatJSON}, Objects: []Object{object("/3/0")}},
	},
	{
		`</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/5>`,
		ObjectList{Root: "/lwm2m", Objects: []Object{object("/1/0"), object("/5")}},
	},
	{
		`</a/b%20c>;rt="oma.lwm2m";ct=112,</a/b%20c/65534/65534>`,
		ObjectList{Root: "/a/b c", Formats: []lwm2m.Format{lwm2m.FormatSenMLCBOR}, Objects: []Object{object("/65534/65534")}},
	},
	{`</lwm2m>;rt="oma.lwm2m"`, ObjectList{Root: "/lwm2m"}},
	{ // Updates around a Create and Delete on /12: the whole list each time
		`</1/1>,</3/0>,</12/0>,</12/1>,</12/2>`,
		ObjectList{Objects: []Object{object("/1/1"), object("/3/0"), object("/12/0"), object("/12/1"), object("/12/2")}},
	},
}

func TestCanonicalListsBothWays(t *testing.T) {
	for _, c := range canonical {
		list, err := ParseObjects([]byte(c.text))
		if err != nil || !reflect.DeepEqual(list, c.list) {
			t.Errorf("ParseObjects(%q) = %+v, %v; want %+v", c.text, list, err, c.list)
		}
		if got := string(c.list.Append([]byte("x"))); got != "x"+c.text {
			t.Errorf("Append = %q, want %q behind x", got, c.text)
		}
	}
}

// TestListsOfDevices gives the canonical list of what devices and the
// specification's own examples say in other words.
func TestListsOfDevices(t *testing.T) {
	for _, c := range []struct {
		name, text, canonical string
		loose                 bool
	}{
		{"blank behind commas", `</>;ct="110 112 60", </1/0>, </3/0>`, `</>;rt="oma.lwm2m";ct="110 112 60",</1/0>,</3/0>`, false},
		{"format without quotes or type", `</>;ct=110, </1/0>`, `</>;rt="oma.lwm2m";ct=110,</1/0>`, false},
		{"format given twice", `</>;ct=60;ct=110;ct=60,</1/0>`, `</>;rt="oma.lwm2m";ct="60 110",</1/0>`, false},
		{"formats with commas", `</>;ct="60,110"`, `</>;rt="oma.lwm2m";ct="60 110"`, false},
		{"format that is no number", `</>;ct="x 110 70000 65535",</1/0>`, `</>;rt="oma.lwm2m";ct=110,</1/0>`, true},
		{"format of an object", `</1/0>;ct=110`, `</1/0>`, false},
		{"flag on the root", `</>;rt="oma.lwm2m";ct=110;hb,</1/0>`, `</>;rt="oma.lwm2m";ct=110,</1/0>`, false},
		{"flag alone", `</>;hb,</1/0>`, `</1/0>`, false},
		{"root behind the objects", `</lwm2m/1/0>,</lwm2m/3/0>,</lwm2m>;rt="oma.lwm2m"`, `</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/3/0>`, false},
		{"root among other types", `</x/y/>;rt="core.rd oma.lwm2m",</x/y/3/0>`, `</x/y>;rt="oma.lwm2m",</x/y/3/0>`, false},
		{"formats on / beside a root", `</>;ct=110,</r>;rt="oma.lwm2m",</r/3/0>`, `</r>;rt="oma.lwm2m";ct=110,</r/3/0>`, false},
		{"numbers as the root", `</1>;rt="oma.lwm2m",</1/3/0>,</1/1/0>`, `</1>;rt="oma.lwm2m",</1/1/0>,</1/3/0>`, false},
		{"links outside the root", `</r>;rt="oma.lwm2m",</r/3/0>,</rx/4/0>,</5/0>,</sensors/temp>`, `</r>;rt="oma.lwm2m",</r/3/0>`, true},
		{"root that cannot be a path", `</a%2Fb>;rt="oma.lwm2m",</3/0>`, `</3/0>`, true},
		{"root that is a URI", `<coap://h/a>;rt="oma.lwm2m",</3/0>`, `</3/0>`, true},
		{"two roots", `</a>;rt="oma.lwm2m",</b>;rt="oma.lwm2m",</a/3/0>,</b/4/0>`, `</a>;rt="oma.lwm2m",</a/3/0>`, true},
		{"absolute target", `</3/0>,<coap://example.com/4/0>`, `</3/0>`, true},
		{"other resources", `</.well-known/core>,</3/0>,</3/x>,</70000/0>,</1/2/3/4/5>`, `</3/0>`, true},
		{"no leading slash", `<3/0>,<1/0>`, `</1/0>,</3/0>`, true},
		{"trailing slash", `</1/0/>,</3/0/>`, `</1/0>,</3/0>`, false},
		{"order and repetition", `</3/0>,</1/0>,</3/0>,</3>`, `</1/0>,</3>,</3/0>`, false},
		{"repetition with a version", `</3>,</3>;ver=1.1,</3>;ver=1.2`, `</3>;ver=1.2`, false},
		{"quoted version", `</3>;ver="1.1",</3/0>`, `</3>;ver=1.1,</3/0>`, false},
		{"version that is none", `</3>;ver=new,</3/0>`, `</3>,</3/0>`, true},
		{"listed resources", `</3/0/0>,</3/0/11/0>`, `</3/0>`, true},
		{"objects of credentials", `</0/0>,</0>,</21/0>,</23/0>,</3/0>`, `</3/0>`, false},
		{"resources of credentials", `</0/0/1>,</3/0>`, `</3/0>`, true},
		{"root without a slash of its own", `</r>;rt=oma.lwm2m,</r/>;ct=60,</r//3/0>,</r/3/0>`, `</r>;rt="oma.lwm2m";ct=60,</r/3/0>`, true},
		{"unknown parameters", `</3/0>;obs;if="x";foo=bar`, `</3/0>`, false},
		{"only the root", `</>;rt="oma.lwm2m"`, ``, false},
	} {
		list, err := ParseObjects([]byte(c.text))
		if err != nil {
			t.Errorf("%s: ParseObjects(%q): %v", c.name, c.text, err)
			continue
		}
		if got := string(list.Append(nil)); got != c.canonical || list.Loose != c.loose {
			t.Errorf("%s: ParseObjects(%q) = %q, loose %v; want %q, %v", c.name, c.text, got, list.Loose, c.canonical, c.loose)
		}
	}
}

// TestUpdateKeepsTheRoot: the link to the root may be missing in an Update.
func TestUpdateKeepsTheRoot(t *testing.T) {
	for _, c := range []struct{ root, text, canonical string }{
		{"/lwm2m", `</lwm2m/3/0>,</lwm2m/1/0>`, `</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/3/0>`},
		{"/lwm2m", `</>;ct=110,</lwm2m/3/0>`, `</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/3/0>`},
		{"/a b", `</a%20b/3/0>`, `</a%20b>;rt="oma.lwm2m",</a%20b/3/0>`},
		{"/lwm2m", `</x>;rt="oma.lwm2m",</x/3/0>`, `</x>;rt="oma.lwm2m",</x/3/0>`},
		{"/lwm2m", `</>;rt="oma.lwm2m",</3/0>`, `</3/0>`},
		{"/lwm2m", `</3/0>`, `</3/0>`},
		{"/lwm2m", `</lwm2mx/3/0>,</3/0>`, `</3/0>`},
		{"", `</3/0>`, `</3/0>`},
		{"", `</lwm2m/3/0>`, ``},
	} {
		list, err := ParseUpdate([]byte(c.text), c.root)
		if got := string(list.Append(nil)); err != nil || got != c.canonical {
			t.Errorf("ParseUpdate(%q, %q) = %q, %v; want %q", c.text, c.root, got, err, c.canonical)
		}
	}
}

func TestListsRefused(t *testing.T) {
	for _, text := range []string{``, ` `, `,`, `</1/0></3/0>`, `{"bn":"/"}`, `</>;ct=`} {
		if list, err := ParseObjects([]byte(text)); !errors.Is(err, ErrLink) {
			t.Errorf("ParseObjects(%q) = %+v, %v; want ErrLink", text, list, err)
		}
	}
}

func TestVersionOf(t *testing.T) {
	v := func(major, minor uint8) lwm2m.Version { return lwm2m.Version{Major: major, Minor: minor} }
	for _, c := range []struct {
		object                uint16
		listed, enabler, want lwm2m.Version
	}{
		{3, v(0, 0), lwm2m.V1_0, v(1, 0)},
		{4, v(0, 0), lwm2m.V1_0, v(1, 0)},
		{0, v(0, 0), lwm2m.V1_1, v(1, 1)},
		{1, v(0, 0), lwm2m.V1_1, v(1, 1)},
		{2, v(0, 0), lwm2m.V1_1, v(1, 0)},
		{3, v(0, 0), lwm2m.V1_1, v(1, 1)},
		{4, v(0, 0), lwm2m.V1_1, v(1, 2)},
		{5, v(0, 0), lwm2m.V1_1, v(1, 0)},
		{0, v(0, 0), lwm2m.V1_2, v(1, 2)},
		{1, v(0, 0), lwm2m.V1_2, v(1, 2)},
		{2, v(0, 0), lwm2m.V1_2, v(1, 1)},
		{3, v(0, 0), lwm2m.V1_2, v(1, 2)},
		{4, v(0, 0), lwm2m.V1_2, v(1, 3)},
		{5, v(0, 0), lwm2m.V1_2, v(1, 1)},
		{3303, v(0, 0), lwm2m.V1_2, v(1, 0)},
		{3303, v(1, 1), lwm2m.V1_0, v(1, 1)},
		{3, v(1, 0), lwm2m.V1_2, v(1, 0)},
		{3, v(0, 0), lwm2m.Version{}, v(1, 0)},
	} {
		if got := VersionOf(c.object, c.listed, c.enabler); got != c.want {
			t.Errorf("VersionOf(%d, %s, %s) = %s, want %s", c.object, c.listed, c.enabler, got, c.want)
		}
	}
}

func TestListedVersion(t *testing.T) {
	list, err := ParseObjects([]byte(`</1>;ver=1.1,</1/0>,</10/0>,</10/1>;ver=2.0,</44/0>;ver=2.2,</5>`))
	if err != nil {
		t.Fatal(err)
	}
	for object, want := range map[uint16]string{1: "1.1", 10: "2.0", 44: "2.2", 5: "0.0", 11: "0.0", 0: "0.0", 65535: "0.0"} {
		if got := list.Version(object); got.String() != want {
			t.Errorf("Version(%d) = %s, want %s", object, got, want)
		}
	}
}

func FuzzParseObjects(f *testing.F) {
	for _, c := range canonical {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(`</a%20/b>;rt="x oma.lwm2m";ct="60,110 x",</a%20/b/1/0/3>;ver=1,<1>;ver="1.1",</0/0>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseObjects(b)
		if err != nil {
			return
		}
		text := list.Append(nil)
		if len(text) == 0 {
			return // nothing of LwM2M was listed
		}
		again, err := ParseObjects(text)
		list.Loose = false
		if err != nil || !reflect.DeepEqual(again, list) {
			t.Fatalf("%q: %+v, then from %q %+v, %v", b, list, text, again, err)
		}
	})
}
