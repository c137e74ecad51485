package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/admin"
	"dormouse/node/admin/admintest"
)

// world is a server on loopback over a backend in memory.
type world struct {
	*testing.T
	backend *admintest.Backend
	url     string
}

func newWorld(t *testing.T, change ...func(*admin.Options)) *world {
	t.Helper()
	w := &world{T: t, backend: admintest.New()}
	o := admin.Options{Backend: w.backend}
	for _, f := range change {
		f(&o)
	}
	server := httptest.NewServer(admin.NewHandler(o))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// reply is an answer as a test looks at it.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value". A body is JSON unless the
// headers say otherwise.
func (w *world) do(method, path, body string, headers ...string) reply {
	w.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// want does a request and checks its status.
func (w *world) want(status int, method, path, body string, headers ...string) reply {
	w.Helper()
	r := w.do(method, path, body, headers...)
	if r.status != status {
		w.Fatalf("%s %s %s: %d %s, want %d", method, path, body, r.status, r.body, status)
	}
	if status >= 400 && method != http.MethodHead {
		f, err := platform.ParseFault([]byte(r.body))
		if err != nil || f.Message == "" || !strings.HasSuffix(f.Error, "/"+http.StatusText(status)) || !strings.HasPrefix(f.Info, "https://") {
			w.Errorf("%s %s: the error %s is not of the platform's shape: %v", method, path, r.body, err)
		}
	}
	return r
}

// device makes a managed object and returns its ID.
func (w *world) device(name string) string {
	w.Helper()
	r := w.want(201, "POST", platform.ObjectsPath, `{"name":"`+name+`","type":"c8y_lwm2m","lwm2mEndpoint":"`+name+`","c8y_IsDevice":{}}`)
	return member(w.T, r.body, "id")
}

// operation queues a command and returns the operation's ID.
func (w *world) operation(device, text string) string {
	w.Helper()
	quoted, _ := json.Marshal(text)
	r := w.want(201, "POST", platform.OperationsPath, fmt.Sprintf(`{"deviceId":%q,"c8y_Command":{"text":%s}}`, device, quoted))
	return member(w.T, r.body, "id")
}

func member(t *testing.T, body, name string) string {
	t.Helper()
	f, err := platform.ParseFragments([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	s, err := f.Text(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// page lists a collection and returns it.
func (w *world) page(path, name string) platform.Collection {
	w.Helper()
	c, err := platform.ParseCollection([]byte(w.want(200, "GET", path, "").body), name)
	if err != nil {
		w.Fatalf("%s: %v", path, err)
	}
	return c
}

// listed is the named member of every item of a collection, joined by blanks.
func (w *world) listed(path, name, of string) string {
	w.Helper()
	var list []string
	for _, item := range w.page(path, name).Items {
		list = append(list, member(w.T, string(item), of))
	}
	return strings.Join(list, " ")
}
