package lwm2m

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestPathText(t *testing.T) {
	for _, c := range []struct {
		text string
		ids  []uint16
	}{
		{"/", nil},
		{"/3", []uint16{3}},
		{"/3/0", []uint16{3, 0}},
		{"/3/0/11", []uint16{3, 0, 11}},
		{"/3/0/11/0", []uint16{3, 0, 11, 0}},
		{"/65535/65535/65535/65535", []uint16{MaxID, MaxID, MaxID, MaxID}},
	} {
		p := NewPath(c.ids...)
		if got := p.String(); got != c.text {
			t.Errorf("NewPath(%v) prints %q, want %q", c.ids, got, c.text)
		}
		if got, err := ParsePath(c.text); err != nil || got != p {
			t.Errorf("ParsePath(%q) = %v, %v", c.text, got, err)
		}
		if got := string(p.AppendTo([]byte("x"))); got != "x"+c.text {
			t.Errorf("AppendTo gives %q", got)
		}
	}
}

// Spellings that are read but not written.
func TestParsePathTolerant(t *testing.T) {
	for text, want := range map[string]string{"": "/", "3/0/0": "/3/0/0", "/0/1/": "/0/1", "3/": "/3", "/3/00": "/3/0"} {
		if p, err := ParsePath(text); err != nil || p.String() != want {
			t.Errorf("ParsePath(%q) = %v, %v, want %s", text, p, err, want)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, text := range []string{
		"//", "///", "/3//0", "//3", "/3/0//", "/3/0/0/0/0", "/a", "/-1", "/+1", "/65536", "/1_0", "/ 3", "/3 ", "/3/0x1",
		"/99999999999999999999", "/٣",
	} {
		if p, err := ParsePath(text); !errors.Is(err, ErrPath) {
			t.Errorf("ParsePath(%q) = %v, %v, want ErrPath", text, p, err)
		}
	}
}

func TestPathLevels(t *testing.T) {
	p := NewPath(3, 1, 11, 7)
	if p.Object() != 3 || p.Instance() != 1 || p.Resource() != 11 || p.ResourceInstance() != 7 {
		t.Errorf("IDs of %s are wrong", p)
	}
	is := func(p Path) []bool {
		return []bool{p.IsRoot(), p.IsObject(), p.IsInstance(), p.IsResource(), p.IsResourceInstance()}
	}
	for n := 4; n >= 0; n-- {
		if p.Len() != n || !is(p)[n] {
			t.Errorf("%s has length %d, levels %v, want %d", p, p.Len(), is(p), n)
		}
		if q := NewPath(3, 1, 11, 7).Prefix(n); q != p {
			t.Errorf("Prefix(%d) = %s, want %s", n, q, p)
		}
		if n < 4 && n > 0 && p.Child(5).Parent() != p {
			t.Errorf("Child and Parent of %s do not undo each other", p)
		}
		p = p.Parent()
	}
	if !p.IsRoot() || p.Parent() != p {
		t.Errorf("the parent of the root is %s", p.Parent())
	}
	if p.Prefix(3) != p {
		t.Error("Prefix lengthens a path")
	}
}

func TestPathPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"five IDs":          func() { NewPath(1, 2, 3, 4, 5) },
		"child of instance": func() { NewPath(1, 2, 3, 4).Child(0) },
		"ID out of range":   func() { NewPath(1).ID(1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestPathContains(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"/", "/", true}, {"/", "/3/0/0/0", true}, {"/3", "/3/0", true}, {"/3/0", "/3/0", true},
		{"/3/0", "/3", false}, {"/3", "/30", false}, {"/3/0/1", "/3/0/11", false}, {"/3/0", "/3/1/0", false},
	} {
		p, _ := ParsePath(c.p)
		q, _ := ParsePath(c.q)
		if got := p.Contains(q); got != c.want {
			t.Errorf("%s contains %s: %t", p, q, got)
		}
	}
}

// Order: by IDs as numbers, a parent before its children.
func TestPathCompare(t *testing.T) {
	want := strings.Fields("/ /1 /1/0 /1/0/5 /1/0/5/9 /1/1 /2 /2/0/0 /10 /10/0 /65535")
	var paths []Path
	for _, text := range want {
		p, err := ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	shuffled := slices.Clone(paths)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, Path.Compare)
	if !slices.Equal(shuffled, paths) {
		t.Errorf("sorted: %v", shuffled)
	}
	for i, p := range paths {
		for j, q := range paths {
			if got := p.Compare(q); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s against %s: %d", p, q, got)
			}
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/", "", "/3/0/0", "3/0/0/", "/65535", "//", "/1/2/3/4/5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		if q, err := ParsePath(p.String()); err != nil || q != p {
			t.Errorf("%q is %s, which reads as %s, %v", s, p, q, err)
		}
	})
}
