package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/admin"
)

func TestMethods(t *testing.T) {
	w := newWorld(t)
	id := w.device("urn:a")
	for path, allow := range map[string]string{
		"/inventory/managedObjects":                      "GET, HEAD, OPTIONS, POST",
		"/inventory/managedObjects/" + id:                "DELETE, GET, HEAD, OPTIONS, PUT",
		"/devicecontrol/operations":                      "DELETE, GET, HEAD, OPTIONS, POST",
		"/devicecontrol/operations/1":                    "DELETE, GET, HEAD, OPTIONS, PUT",
		"/service/lwm2m-agent/devices/" + id + "/values": "GET, HEAD, OPTIONS",
		"/inventory/managedObjects/count":                "GET, HEAD, OPTIONS",
		"/identity/externalIds/c8y_Serial/urn:a":         "DELETE, GET, HEAD, OPTIONS",
		"/identity/globalIds/" + id + "/externalIds":     "GET, HEAD, OPTIONS, POST",
		"/platform": "GET, HEAD, OPTIONS", "/readyz": "GET, HEAD, OPTIONS",
	} {
		if r := w.want(405, "PATCH", path, `{}`); r.header.Get("Allow") != allow {
			t.Errorf("%s allows %s, want %s", path, r.header.Get("Allow"), allow)
		}
		if r := w.want(204, "OPTIONS", path, ""); r.header.Get("Allow") != allow {
			t.Errorf("OPTIONS %s: %s, want %s", path, r.header.Get("Allow"), allow)
		}
	}
	for _, path := range []string{"/", "/alarm", "/identity/externalIds", "/inventory/managedObjects/", "/inventory/managedObjects/1/x", "/metrics", "/admin"} {
		w.want(404, "GET", path, "")
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	w := newWorld(t)
	path := "/inventory/managedObjects/" + w.device("urn:a")
	get, head := w.want(200, "GET", path, ""), w.want(200, "HEAD", path, "")
	if head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
		t.Errorf("HEAD: %v %q, GET: %v", head.header, head.body, get.header)
	}
}

func TestContentTypes(t *testing.T) {
	w := newWorld(t)
	const vendor = "application/vnd.com.nsn.cumulocity."
	for accept, want := range map[string]string{
		"":                                      "application/json;charset=UTF-8",
		"*/*":                                   "application/json;charset=UTF-8",
		"application/json":                      "application/json;charset=UTF-8",
		"text/html, application/*":              "application/json;charset=UTF-8",
		vendor + "managedObjectCollection+json": vendor + "managedobjectcollection+json;charset=UTF-8;ver=0.9",
		vendor + "managedObjectCollection+json;ver=0.9":                 vendor + "managedobjectcollection+json;charset=UTF-8;ver=0.9",
		vendor + "managedObjectCollection+json, application/json;q=0.5": "application/json;charset=UTF-8",
	} {
		r := w.want(200, "GET", "/inventory/managedObjects", "", "Accept: "+accept)
		if got := r.header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q is answered with %q, want %q", accept, got, want)
		}
	}
	for _, accept := range []string{"text/html", "application/xml", "application/json;q=0", "nonsense", vendor + "managedObject+xml"} {
		w.want(406, "GET", "/inventory/managedObjects", "", "Accept: "+accept)
	}
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", vendor + "managedObject+json", vendor + "managedObject+json;ver=0.9"} {
		w.want(201, "POST", "/inventory/managedObjects", `{"name":"x"}`, "Content-Type: "+kind)
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/xml", "/"} {
		w.want(415, "POST", "/inventory/managedObjects", `{"name":"x"}`, "Content-Type: "+kind)
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t)
	sized := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	w.want(413, "POST", "/inventory/managedObjects", sized(platform.MaxBody+1))
	w.want(413, "POST", "/inventory/managedObjects", `{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`)
	for _, body := range []string{" ", "{", `{"a":1}}`, "{\"a\":\"\xff\"}"} {
		w.want(400, "POST", "/inventory/managedObjects", body)
	}
	for _, body := range []string{`[]`, `"x"`, `{"a":1,"a":2}`, `{"name":7}`} {
		w.want(422, "POST", "/inventory/managedObjects", body)
	}
	w.want(201, "POST", "/inventory/managedObjects", sized(platform.MaxBody-8))
}

func TestBackendErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err     error
		status  int
		retry   bool
		message string
	}{
		{admin.ErrNotFound, 404, false, ""},
		{admin.ErrConflict, 409, false, ""},
		{admin.ErrUnprocessable, 422, false, ""},
		{admin.ErrKeyReused, 422, false, ""},
		{admin.ErrLimit, 429, true, ""},
		{admin.ErrBusy, 503, true, ""},
		{admin.ErrFull, 507, true, ""},
		{admin.ErrBadRequest, 400, false, ""},
		{context.DeadlineExceeded, 503, true, ""},
		{admin.Refuse(admin.ErrUnprocessable, "line 2, column 7: expected a path"), 422, false, "line 2, column 7: expected a path"},
		{errors.Join(errors.New("secret detail"), admin.ErrBusy), 503, true, "The node is overloaded or starting: try again."},
		{errors.New("secret detail"), 500, false, "The node failed; its log says more."},
	} {
		w.backend.Fail(c.err)
		for _, path := range []string{"/inventory/managedObjects", "/devicecontrol/operations/1", "/service/lwm2m-agent/devices/1/values"} {
			r := w.want(c.status, "GET", path, "")
			f, err := platform.ParseFault([]byte(r.body))
			if err != nil || (c.message != "" && f.Message != c.message) || strings.Contains(r.body, "secret") {
				t.Errorf("%v answers %s", c.err, r.body)
			}
			if c.retry != (r.header.Get("Retry-After") != "") {
				t.Errorf("%v answers Retry-After %q", c.err, r.header.Get("Retry-After"))
			}
		}
	}
}

func TestOnlyLoopbackNamesAndOwnOrigin(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"localhost", "localhost:8080", "LOCALHOST.:1", "a.localhost", "127.0.0.1", "127.9.9.9:80", "[::1]:8080", "[::1]", "[::ffff:127.0.0.1]:5"} {
		w.want(200, "GET", "/livez", "", "Host: "+host)
	}
	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.nip.io", "[2001:db8::1]"} {
		w.want(421, "GET", "/livez", "", "Host: "+host)
	}
	own := strings.TrimPrefix(w.url, "http://")
	w.want(201, "POST", "/inventory/managedObjects", `{}`, "Origin: http://"+own)
	w.want(201, "POST", "/inventory/managedObjects", `{}`, "Sec-Fetch-Site: same-origin")
	w.want(403, "POST", "/inventory/managedObjects", `{}`, "Origin: http://evil.example")
	w.want(403, "POST", "/inventory/managedObjects", `{}`, "Sec-Fetch-Site: cross-site")
	w.want(403, "DELETE", "/devicecontrol/operations?status=PENDING", "", "Origin: null")
}

func TestInFlightIsBounded(t *testing.T) {
	block, entered := make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(o *admin.Options) {
		o.InFlight = 2
		o.Backend = &slow{Backend: o.Backend, entered: entered, block: block}
	})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if r := w.do("GET", "/devicecontrol/operations", ""); r.status != 200 {
				t.Errorf("a request that was let in: %d %s", r.status, r.body)
			}
		})
		<-entered
	}
	if r := w.want(503, "GET", "/devicecontrol/operations", ""); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.want(200, "GET", "/livez", "") // an orchestrator is always answered
	close(block)
	wg.Wait()
	w.want(200, "GET", "/inventory/managedObjects", "")
}

// slow is a backend whose list of operations waits.
type slow struct {
	admin.Backend
	entered, block chan struct{}
}

func (s *slow) Operations(ctx context.Context, f admin.OperationFilter, p admin.Page) (admin.List[platform.Operation], error) {
	s.entered <- struct{}{}
	<-s.block
	return s.Backend.Operations(ctx, f, p)
}

func TestHealth(t *testing.T) {
	full := true
	w := newWorld(t, func(o *admin.Options) {
		o.Version = "1.2.3"
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("up 1\n")) })
		o.Ready = func() []admin.Condition {
			list := []admin.Condition{{Name: "sockets", Ready: true}, {Name: "storage", Ready: !full}}
			if full {
				list[1].Detail = "The disk is full: 12 MiB are free."
			}
			return list
		}
	})
	if r := w.want(200, "GET", "/livez", ""); r.body != `{"status":"alive"}` {
		t.Errorf("/livez: %s", r.body)
	}
	r := w.do("GET", "/readyz", "")
	const notReady = `{"status":"not ready","notReady":["storage"],"conditions":[{"name":"sockets","ready":true},{"name":"storage","ready":false,"detail":"The disk is full: 12 MiB are free."}]}`
	if r.status != 503 || r.body != notReady {
		t.Errorf("/readyz: %d %s", r.status, r.body)
	}
	full = false
	if r := w.want(200, "GET", "/readyz?verbose", ""); !strings.HasPrefix(r.body, `{"status":"ready","conditions":`) {
		t.Errorf("/readyz: %s", r.body)
	}
	var v struct{ Version, Go string }
	if err := json.Unmarshal([]byte(w.want(200, "GET", "/version", "").body), &v); err != nil || v.Version != "1.2.3" || !strings.HasPrefix(v.Go, "go") {
		t.Errorf("/version: %+v, %v", v, err)
	}
	if r := w.want(200, "GET", "/metrics", ""); r.body != "up 1\n" {
		t.Errorf("/metrics: %s", r.body)
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		w.want(200, "GET", path, "")
	}
}

func TestServedIsTold(t *testing.T) {
	var mu sync.Mutex
	var told []admin.Served
	w := newWorld(t, func(o *admin.Options) {
		o.Served = func(s admin.Served) { mu.Lock(); defer mu.Unlock(); s.Duration = 0; told = append(told, s) }
	})
	w.want(404, "GET", "/inventory/managedObjects/77", "")
	w.want(421, "BREW", "/livez", "", "Host: evil.example")
	mu.Lock()
	defer mu.Unlock()
	want := []admin.Served{{Method: "GET", Route: "/inventory/managedObjects/{id}", Status: 404}, {Method: "other", Status: 421}}
	if len(told) != 2 || told[0] != want[0] || told[1] != want[1] {
		t.Errorf("told %+v, want %+v", told, want)
	}
}
