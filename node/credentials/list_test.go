package credentials

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"dormouse/node/admin"
)

// TestList pages through all shards in the order of the managed objects.
func TestList(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		var want []string
		for i := range 300 { // more than is read ahead
			name := fmt.Sprint("e", i)
			n.add(name, "i "+name, "key", false)
			want = append(want, name)
		}
		slices.SortFunc(want, func(a, b string) int {
			x, y := n.env.Key.Endpoint(a), n.env.Key.Endpoint(b)
			if x < y {
				return -1
			}
			return 1
		})
		for _, size := range []int{1, 7, 150, 300, 2000} {
			var got []string
			page := admin.Page{Size: size, Total: size == 7}
			for pages := 0; ; pages++ {
				list, err := n.List(background, page)
				if err != nil || pages > 300 {
					t.Fatal(err)
				}
				for _, c := range list.Items {
					if got = append(got, c.Endpoint); c.Identity != "i "+c.Endpoint || c.Updated.IsZero() {
						t.Errorf("%+v", c)
					}
				}
				if page.Total && list.Total != 300 {
					t.Errorf("%d in all", list.Total)
				}
				if page.Cursor = list.Cursor; page.Cursor == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("by %d: %d of %d, or another order", size, len(got), len(want))
			}
		}
		list, err := n.List(background, admin.Page{Size: 2, Skip: 100})
		if err != nil || len(list.Items) != 2 || list.Items[0].Endpoint != want[100] {
			t.Errorf("behind 100: %+v, %v", list, err)
		}
	})
}

func TestListRefuses(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		for _, cursor := range []string{"x", "-1", "18446744073709551616"} {
			if _, err := n.List(background, admin.Page{Size: 1, Cursor: cursor}); !errors.Is(err, admin.ErrBadRequest) {
				t.Errorf("%s: %v", cursor, err)
			}
		}
		ctx, cancel := context.WithCancel(background)
		cancel()
		if _, err := n.List(ctx, admin.Page{Size: 1}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		n.disk.broken = errBroken
		if _, err := n.List(background, admin.Page{Size: 1}); !errors.Is(err, errBroken) {
			t.Error(err)
		}
	})
}
