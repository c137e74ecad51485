package listing

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// keys is a State of one class of one shard: keys in order, without values.
type keys []string

func (k keys) Get(ids.Shard, wire.Class, []byte, []byte) ([]byte, bool, error) {
	return nil, false, nil
}

func (k keys) Scan(_ ids.Shard, _ wire.Class, from, to []byte, reverse bool, f func(key, value []byte) bool) error {
	k = slices.Clone(k)
	if reverse {
		slices.Reverse(k)
	}
	for _, key := range k {
		if key >= string(from) && (to == nil || key < string(to)) && !f([]byte(key), nil) {
			break
		}
	}
	return nil
}

// TestStream reads IDs over the ends of chunks and of numbers, past keys of
// other lengths and prefixes.
func TestStream(t *testing.T) {
	var state keys
	want := []ids.Object{0}
	for i := range ids.Object(2*chunk - 2) {
		want = append(want, 1000+i)
	}
	want = append(want, math.MaxUint64)
	for _, id := range want {
		state = append(state, "p"+string(id.Append(nil)))
	}
	state = append(append(keys{"a", "o" + string(ids.Object(5).Append(nil)), "pshort"}, state...), "q"+string(ids.Object(5).Append(nil)))
	slices.Sort(state)
	reversed := slices.Clone(want)
	slices.Reverse(reversed)
	for name, tc := range map[string]struct {
		stream Stream[ids.Object]
		want   []ids.Object
	}{
		"all":       {Stream[ids.Object]{}, want},
		"backwards": {Stream[ids.Object]{Reverse: true}, reversed},
		"a part":    {Stream[ids.Object]{From: 1, To: 1002}, want[1:3]},
		"its end":   {Stream[ids.Object]{From: 2000}, want[len(want)-1:]},
		"nothing":   {Stream[ids.Object]{From: 1, To: 1000}, nil},
	} {
		s := tc.stream
		s.State, s.Prefix = state, []byte("p")
		var got []ids.Object
		for {
			id, ok, err := s.Head()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if got = append(got, id); s.Take() != id {
				t.Fatalf("%s: Head and Take differ", name)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %d IDs, want %d: %v", name, len(got), len(tc.want), got)
		}
	}
}

func TestPager(t *testing.T) {
	for _, tc := range []struct {
		page admin.Page
		want string
	}{
		{admin.Page{Size: 3}, "[0 1 2] behind 2, 0 in all"},
		{admin.Page{Size: 3, Skip: 3}, "[3 4 5] behind 5, 0 in all"},
		{admin.Page{Size: 3, Skip: 5}, "[5 6] behind , 0 in all"},
		{admin.Page{Size: 7}, "[0 1 2 3 4 5 6] behind , 0 in all"},
		{admin.Page{Size: 2, Skip: 9, Total: true}, "[] behind , 7 in all"},
		{admin.Page{Size: 2, Cursor: "3"}, "[4 5] behind 5, 0 in all"},
		{admin.Page{Size: 2, Cursor: "3", Total: true}, "[4 5] behind 5, 7 in all"},
	} {
		var list admin.List[int]
		pager := Pager[int]{Page: tc.page, List: &list}
		for i := range 7 {
			more := true
			if c := tc.page.Cursor; c != "" && fmt.Sprint(i) <= c {
				more = pager.Before()
			} else {
				more = pager.Add(i, func() string { return fmt.Sprint(i) })
			}
			if !more {
				break
			}
		}
		if got := fmt.Sprintf("%v behind %s, %d in all", list.Items, list.Cursor, list.Total); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.page, got, tc.want)
		}
	}
}
