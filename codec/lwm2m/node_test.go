package lwm2m

import (
	"errors"
	"testing"
	"time"
)

func TestStampResolve(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		s    Stamp
		want time.Time
		ok   bool
	}{
		{0, now, false},
		{Stamp(-5 * time.Second), now.Add(-5 * time.Second), true},
		{Stamp(5 * time.Second), now.Add(5 * time.Second), true},
		{RelativeBelow - 1, now.Add(time.Duration(RelativeBelow - 1)), true},
		{RelativeBelow, time.Unix(1<<28, 0), true},
		{Stamp(1320067464 * time.Second), time.Unix(1320067464, 0), true},
		{Stamp(1320067464*time.Second + 5e8), time.Unix(1320067464, 5e8), true},
	} {
		if at, ok := c.s.Resolve(now); ok != c.ok || !at.Equal(c.want) {
			t.Errorf("%d resolves to %s, %t, want %s, %t", c.s, at, ok, c.want, c.ok)
		}
	}
}

// By path, then oldest first; what is equal keeps its order.
func TestSortNodes(t *testing.T) {
	p, q := NewPath(3, 0, 9), NewPath(3, 0, 10)
	nodes := []Node{{q, Integer(1), 0}, {p, Integer(2), 7}, {p, Integer(3), 5}, {p, Integer(4), 7}, {p.Prefix(2), Value{}, 0}}
	SortNodes(nodes)
	for i, want := range []int64{0, 3, 2, 4, 1} {
		if got := nodes[i].Value.Int(); got != want {
			t.Errorf("place %d holds %d, want %d", i, got, want)
		}
	}
}

func TestUntyped(t *testing.T) {
	var types Types = Untyped{}
	if p := NewPath(3, 0, 9); types.KindOf(p) != KindNone || types.Multiple(p) {
		t.Error("Untyped knows a resource")
	}
}

func TestVersions(t *testing.T) {
	ordered := []string{"1.0", "1.1", "1.2", "1.10", "2.0", "255.255"}
	for i, text := range ordered {
		v, err := ParseVersion(text)
		if err != nil || v.String() != text || v.IsZero() {
			t.Errorf("ParseVersion(%q) = %v, %v", text, v, err)
		}
		for j, other := range ordered {
			if w, _ := ParseVersion(other); v.Less(w) != (i < j) {
				t.Errorf("%s less than %s: %t", v, w, v.Less(w))
			}
		}
	}
	for _, text := range []string{"", "1", "1.", ".1", "1.0.2", "1.256", "-1.0", "a.b", "1,0", " 1.0"} {
		if v, err := ParseVersion(text); !errors.Is(err, ErrVersion) || !v.IsZero() {
			t.Errorf("ParseVersion(%q) = %v, %v", text, v, err)
		}
	}
}
