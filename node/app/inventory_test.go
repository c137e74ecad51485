package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// sameInventory asks every node for the devices of everyToEvery: sorted, by pages,
// counted, and by their endpoints.
func sameInventory(t *testing.T, nodes []node, age string) {
	t.Helper()
	var want []string
	for i := range nodes {
		for k := range 4 {
			want = append(want, fmt.Sprintf("%s-%d-%d", age, i, k))
		}
	}
	slices.Sort(want)
	slices.Reverse(want)
	filter := fmt.Sprintf("(name eq '%s-*' and by1.text eq 'x')", age)
	sorted := url.Values{"q": {"$filter=" + filter + " $orderby=name desc"}, "pageSize": {"5"}, "withTotalElements": {"true"}}
	for i, n := range nodes {
		var got []string
		for path := platform.ObjectsPath + "?" + sorted.Encode(); path != ""; {
			c, names := n.page(t, path)
			if c.TotalElements != int64(len(want)) {
				t.Errorf("node %d: %d in all, want %d", i, c.TotalElements, len(want))
			}
			got, path = append(got, names...), c.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("node %d lists %q, want %q", i, got, want)
		}
		count := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, platform.ObjectsPath+"/count?"+url.Values{"query": {filter}}.Encode(), ""))
		if string(count.Body) != fmt.Sprint(len(want)) {
			t.Errorf("node %d counts %s, want %d", i, count.Body, len(want))
		}
		for _, name := range want {
			r := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, platform.ExternalIDAddress(platform.Serial, name), ""))
			e := must[platform.ExternalID](t)(platform.ParseExternalID(r.Body))
			_, names := n.page(t, platform.ObjectsPath+"?"+url.Values{"query": {"lwm2mEndpoint eq '" + name + "'"}}.Encode())
			if m := must[platform.ManagedObject](t)(n.api.Object(e.Object)); m.Name != name || !slices.Equal(names, []string{name}) {
				t.Errorf("node %d: %s is %s, and listed as %q", i, name, m.Name, names)
			}
		}
	}
}
