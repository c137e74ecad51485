package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// populate registers many devices behind a few sockets.
func (n node) populate(t *testing.T, names ...string) {
	t.Helper()
	next := make(chan string, len(names))
	for _, name := range names {
		next <- name
	}
	close(next)
	var workers sync.WaitGroup
	for range 4 {
		c := dial(t, n.CoAP()[0])
		for range 16 {
			workers.Go(func() {
				for name := range next {
					if a, err := c.Exchange(c.Registration(name)); err != nil || a.Code != coap.Created {
						t.Errorf("Register of %s: %v %v", name, a, err)
					}
				}
			})
		}
	}
	workers.Wait()
}

func numbered(count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprintf("device-%04d", i))
	}
	return names
}

// page reads one page of managed objects, and the names on it.
func (n node) page(t testing.TB, path string) (platform.Collection, []string) {
	t.Helper()
	r := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, path, ""))
	c := must[platform.Collection](t)(platform.ParseCollection(r.Body, platform.ManagedObjects))
	var names []string
	for _, item := range c.Items {
		names = append(names, must[platform.ManagedObject](t)(platform.ParseManagedObject(item)).Name)
	}
	return c, names
}

func statistics(c platform.Collection) string {
	return fmt.Sprintf("page %d of %d, size %d, %d in all", c.CurrentPage, c.TotalPages(), c.PageSize, c.TotalElements)
}

func TestPages(t *testing.T) {
	const devices = 2500
	n := start(t, settings(t.TempDir()), app.Options{})
	n.populate(t, numbered(devices)...)
	list := func(query string) string { return platform.ObjectsPath + "?" + query }

	first, names := n.page(t, list("pageSize=2000&withTotalPages=true&withTotalElements=true"))
	if first.PageSize != 2000 || first.CurrentPage != 1 || first.TotalElements != devices || len(names) != 2000 || first.TotalPages() != 2 {
		t.Errorf("the first page: %d items, %s", len(names), statistics(first))
	}
	if first.Prev != "" || !strings.Contains(first.Next, "currentPage=2") || !strings.Contains(first.Next, "pageSize=2000") {
		t.Errorf("links of the first page: prev %q, next %q", first.Prev, first.Next)
	}
	second, rest := n.page(t, first.Next)
	if second.CurrentPage != 2 || len(rest) != devices-2000 || second.Next != "" || second.TotalElements != devices {
		t.Errorf("the second page: %d items, %s, next %q", len(rest), statistics(second), second.Next)
	}
	_, byNumber := n.page(t, list("pageSize=2000&currentPage=2"))
	if !slices.Equal(byNumber, rest) {
		t.Error("the second page by number is not that by link")
	}
	if _, back := n.page(t, second.Prev); !slices.Equal(back, names) {
		t.Error("the previous page of the second one is not the first one")
	}
	all := append(names, rest...)
	slices.Sort(all)
	if !slices.Equal(all, numbered(devices)) {
		t.Errorf("the pages hold %d names, some missing or twice", len(all))
	}
	if second.TotalPages() != 2 {
		t.Errorf("the second page is of %d", second.TotalPages())
	}
	behind, none := n.page(t, list("pageSize=2000&currentPage=3"))
	if len(none) != 0 || behind.Next != "" {
		t.Errorf("behind the last page: %d items, next %q", len(none), behind.Next)
	}
	if some, names := n.page(t, platform.ObjectsPath); len(names) != platform.DefaultPageSize || some.Totals {
		t.Errorf("without parameters: %d items, %s", len(names), statistics(some))
	}
	t.Run("small pages", func(t *testing.T) {
		seen := map[string]bool{}
		for path := list("pageSize=99"); path != ""; {
			c, names := n.page(t, path)
			for _, name := range names {
				seen[name] = true
			}
			path = c.Next
		}
		if len(seen) != devices {
			t.Errorf("%d names on pages of 99", len(seen))
		}
	})
	for _, query := range []string{"pageSize=2001", "pageSize=0", "pageSize=x", "currentPage=0", "currentPage=99999999999", "withTotalPages=perhaps", "cursor=x", "query=a", "pageSize=5&%zz"} {
		n.refused(t, http.StatusBadRequest, "", http.MethodGet, list(query), "")
	}
}

func TestFilters(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	n.populate(t, append(numbered(40), "other")...)
	change := func(method, path, body string) platform.ManagedObject {
		t.Helper()
		status := map[string]int{http.MethodPost: http.StatusCreated, http.MethodPut: http.StatusOK}[method]
		r := must[apptest.Reply](t)(n.api.Expect(status, method, path, body))
		return must[platform.ManagedObject](t)(platform.ParseManagedObject(r.Body))
	}
	group := change(http.MethodPost, platform.ObjectsPath, `{"type":"group","name":"A group","owner":"Zoe","c8y_IsDeviceGroup":{}}`)
	_, names := n.page(t, platform.ObjectsPath+"?text=other")
	if len(names) != 1 {
		t.Fatalf("by text: %q", names)
	}
	var other platform.ManagedObject
	check(t, n.api.Each(platform.ObjectsPath+"?text=OTHER", platform.ManagedObjects, func(item []byte) (err error) {
		other, err = platform.ParseManagedObject(item)
		return err
	}))
	change(http.MethodPut, platform.ObjectsPath+"/"+other.ID.String(), `{"type":"meter","com_example_Place":{"floor":9007199254740993}}`)

	for query, want := range map[string]int{
		"":                               42,
		"type=c8y_lwm2m":                 40,
		"type=meter":                     1,
		"type=group":                     1,
		"type=none":                      0,
		"fragmentType=c8y_IsDevice":      41,
		"fragmentType=com_example_Place": 1,
		"fragmentType=c8y_IsDeviceGroup": 1,
		"owner=Zoe":                      1,
		"text=device-002":                10,
		"text=device-002&type=meter":     0,
		"q=":                             41,
		"query=type+eq+'meter'":          1,
		"query=$filter%3D(name+eq+'device-001*'+or+has(com_example_Place.floor))+$orderby%3Dname": 11,
		"query=com_example_Place.floor+eq+9007199254740993":                                       1,
		"query=com_example_Place.floor+eq+9007199254740992":                                       0,
		"ids=" + other.ID.String() + "," + group.ID.String() + ",1":                               2,
		"ids=" + group.ID.String() + "&type=meter":                                                0,
	} {
		c, names := n.page(t, platform.ObjectsPath+"?pageSize=1&withTotalPages=true&withTotalElements=true&"+query)
		if c.TotalElements != int64(want) || len(names) != min(want, 1) || (c.Next != "") != (want > 1) {
			t.Errorf("%s: %d objects, %d on a page of one, next %q, want %d", query, c.TotalElements, len(names), c.Next, want)
		}
		if u, err := url.Parse(c.Self); err != nil || u.Path != platform.ObjectsPath {
			t.Errorf("%s: self %q", query, c.Self)
		}
	}
	m := must[platform.ManagedObject](t)(n.api.Object(other.ID))
	if got := string(m.Fragments.Get("com_example_Place")); got != `{"floor":9007199254740993}` {
		t.Errorf("a number of 64 bits came back in %s", got)
	}
}
