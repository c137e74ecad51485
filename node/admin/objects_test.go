package admin_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
)

func TestManagedObjectLife(t *testing.T) {
	w := newWorld(t)
	r := w.want(201, "POST", "/inventory/managedObjects", `{"name":"m1","c8y_X":{"big":9007199254740993},"id":"5","c8y_Null":null}`)
	m, err := platform.ParseManagedObject([]byte(r.body))
	if err != nil || m.Name != "m1" || m.ID == 5 || string(m.Fragments.Append(nil)) != `{"c8y_X":{"big":9007199254740993}}` {
		t.Fatalf("%s: %+v, %v", r.body, m, err)
	}
	self := w.url + "/inventory/managedObjects/" + m.ID.String()
	if r.header.Get("Location") != self || member(t, r.body, "self") != self {
		t.Errorf("Location %s, self %s, want %s", r.header.Get("Location"), member(t, r.body, "self"), self)
	}
	path := strings.TrimPrefix(self, w.url)
	r = w.want(200, "PUT", path, `{"awakeTimeRegistrationParameter":180000,"c8y_X":null}`)
	if got := w.want(200, "GET", path, "").body; got != r.body || !strings.Contains(got, `"awakeTimeRegistrationParameter":180000`) || strings.Contains(got, "c8y_X") {
		t.Errorf("after PUT %s, GET answers %s", r.body, got)
	}
	// What was read is written back, as the platform's clients do.
	if again := w.want(200, "PUT", path, r.body); again.body != r.body {
		t.Errorf("written back: %s, want %s", again.body, r.body)
	}
	if r := w.want(204, "DELETE", path+"?cascade=true&withDeviceUser=false", ""); r.body != "" {
		t.Errorf("DELETE answers %q", r.body)
	}
	for _, method := range []string{"GET", "DELETE", "HEAD"} {
		w.want(404, method, path, "")
	}
	w.want(404, "PUT", path, `{}`)
	for _, id := range []string{"x", "-1", "1.5", "18446744073709551616", "%20"} {
		w.want(404, "GET", "/inventory/managedObjects/"+id, "")
	}
	w.want(400, "DELETE", path+"?cascade=perhaps", "")
}

func TestManagedObjectFilters(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("alpha"), w.device("beta")
	w.want(201, "POST", "/inventory/managedObjects", `{"name":"group","owner":"ann","note":"been here"}`)
	for query, want := range map[string]string{
		"":                           "alpha beta group",
		"type=c8y_lwm2m":             "alpha beta",
		"type=c8y_lwm2m&text=be":     "beta",
		"text=be":                    "beta group",
		"fragmentType=c8y_IsDevice":  "alpha beta",
		"owner=ann":                  "group",
		"ids=" + b + "," + a + ",7":  "alpha beta",
		"fragmentType=note&type=x":   "",
		"withChildren=false&_=12345": "alpha beta group", // shapes the answer or nothing
		"onlyRoots=true&owner=ann":   "group",            // there are roots alone
		"q=":                         "alpha beta",
		"q=$filter=(name eq 'b*')":   "beta",
		"query=$filter=(name eq 'a*' or owner eq 'ann') $orderby=name desc": "group alpha",
		"query=$orderby=name desc&type=c8y_lwm2m":                           "beta alpha",
		"query=not(has(c8y_IsDevice))":                                      "group",
		"query=id eq " + a:                                                  "alpha",
	} {
		query = strings.ReplaceAll(query, " ", "%20")
		if got := w.listed("/inventory/managedObjects?"+query, "managedObjects", "name"); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
		count := strconv.Itoa(len(strings.Fields(want)))
		if r := w.want(200, "GET", "/inventory/managedObjects/count?"+query, ""); r.body != count {
			t.Errorf("%s counts %s, want %s", query, r.body, count)
		}
	}
	for _, query := range []string{"ids=", "ids=1,x", "ids=" + strings.Repeat("1,", 200) + "1", "query=name", "q=x", "childAssetId=1", "onlyRoots=perhaps", "fragmentType=" + strings.Repeat("x", 1025), "pageSize=0",
		"pageSize=2001", "pageSize=-1", "pageSize=x", "currentPage=0", "currentPage=9223372036854775808", "withTotalPages=1", "a=%zz",
		"cursor=none-of-ours", "cursor=" + strings.Repeat("9", 600)} {
		w.want(400, "GET", "/inventory/managedObjects?"+strings.ReplaceAll(query, " ", "%20"), "")
	}
}

// What is wrong with a query is told with its place.
func TestQueryFaults(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]struct {
		status int
		words  string
	}{
		"query=$filter=(name eq x)":        {400, "query: filter: malformed query at byte 17: \"x\" stands where a value belongs"},
		"q=(":                              {400, "q: filter: malformed query at byte 1"},
		"query=bygroupid(1)":               {422, "query: filter: unsupported query at byte 0"},
		"query=" + strings.Repeat("(", 33): {422, "out of bounds at byte 32"},
		"query=$orderby=a,b,c,d,e":         {422, "out of bounds at byte 17"},
		"ids=x":                            {400, "ids: \"x\" is no ID"},
		"query=name eq '" + strings.Repeat("x", 9000) + "'": {422, "9010 bytes, at most 8192"},
	} {
		for _, path := range []string{"/inventory/managedObjects?", "/inventory/managedObjects/count?"} {
			r := w.want(want.status, "GET", path+strings.ReplaceAll(query, " ", "%20"), "")
			if got := member(t, r.body, "message"); !strings.Contains(got, want.words) {
				t.Errorf("%.60s: %q, want %q", query, got, want.words)
			}
		}
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	for _, name := range strings.Fields("a b c d e f g") {
		w.device(name)
	}
	first := w.page("/inventory/managedObjects", "managedObjects")
	if len(first.Items) != platform.DefaultPageSize || first.CurrentPage != 1 || first.PageSize != 5 || first.WithPages || first.Prev != "" {
		t.Errorf("first page: %+v", first)
	}
	second := w.page(strings.TrimPrefix(first.Next, w.url), "managedObjects")
	if len(second.Items) != 2 || second.CurrentPage != 2 || second.Next != "" {
		t.Errorf("second page by its link %s: %+v", first.Next, second)
	}
	if back := w.page(strings.TrimPrefix(second.Prev, w.url), "managedObjects"); len(back.Items) != 5 || back.CurrentPage != 1 {
		t.Errorf("back by %s: %+v", second.Prev, back)
	}
	for query, want := range map[string]string{
		"pageSize=3":                       "a b c",
		"pageSize=3&currentPage=2":         "d e f", // the platform's clients count pages
		"pageSize=3&currentPage=3":         "g",
		"pageSize=3&currentPage=4":         "",
		"pageSize=2000":                    "a b c d e f g",
		"pageSize=2&currentPage=999999999": "",
	} {
		if got := w.listed("/inventory/managedObjects?"+query, "managedObjects", "name"); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	body := w.want(200, "GET", "/inventory/managedObjects?pageSize=3&withTotalPages=true&type=c8y_lwm2m", "").body
	if !strings.Contains(body, `"statistics":{"currentPage":1,"pageSize":3,"totalPages":3}`) || !strings.Contains(body, "type=c8y_lwm2m&withTotalPages=true") {
		t.Errorf("with total pages: %s", body)
	}
	body = w.want(200, "GET", "/inventory/managedObjects?pageSize=3&withTotalElements=true", "").body
	if !strings.Contains(body, `"statistics":{"currentPage":1,"pageSize":3,"totalElements":7}`) {
		t.Errorf("with total elements: %s", body)
	}
}

func TestLastValues(t *testing.T) {
	w := newWorld(t)
	text := w.device("urn:a")
	id, err := ids.ParseObject(text)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	w.backend.Say(id, platform.LastValue{Path: lwm2m.NewPath(3303, 0, 5700), Value: lwm2m.Float(21.5), Time: at, Device: at.Add(-time.Second)})
	w.backend.Say(id, platform.LastValue{Path: lwm2m.NewPath(3, 0, 13), Value: lwm2m.Integer(math.MaxInt64), Time: at})
	path := "/service/lwm2m-agent/devices/" + text + "/values"
	body := w.want(200, "GET", path, "").body
	const items = `"values":[{"path":"/3/0/13","type":"Integer","value":9223372036854775807,"time":"2026-01-31T12:00:00.000Z"},` +
		`{"path":"/3303/0/5700","type":"Float","value":21.5,"time":"2026-01-31T12:00:00.000Z","deviceTime":"2026-01-31T11:59:59.000Z"}]}`
	if !strings.HasSuffix(body, items) {
		t.Errorf("%s does not end with %s", body, items)
	}
	for query, want := range map[string]string{"path=/3": "/3/0/13", "path=/3303/0": "/3303/0/5700", "path=/4": "", "pageSize=1": "/3/0/13"} {
		if got := w.listed(path+"?"+query, "values", "path"); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	w.want(400, "GET", path+"?path=/x", "")
	w.want(404, "GET", "/service/lwm2m-agent/devices/1/values", "")
	w.want(404, "GET", "/service/lwm2m-agent/devices/x/values", "")
}
