package admin_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

func TestOperationLife(t *testing.T) {
	w := newWorld(t)
	device := w.device("urn:a")
	r := w.want(201, "POST", "/devicecontrol/operations", `{"deviceId":"`+device+`","c8y_Command":{"text":"read /3/0/0"},"description":"look"}`)
	o, err := platform.ParseOperation([]byte(r.body))
	if err != nil || o.Status != platform.Pending || o.Text != "read /3/0/0" || o.DeviceName != "urn:a" || string(o.Fragments.Append(nil)) != `{"description":"look"}` {
		t.Fatalf("%s: %+v, %v", r.body, o, err)
	}
	path := "/devicecontrol/operations/" + o.ID.String()
	if r.header.Get("Location") != w.url+path {
		t.Errorf("Location %s", r.header.Get("Location"))
	}
	if got := w.want(200, "GET", path, "").body; got != r.body {
		t.Errorf("GET answers %s, POST answered %s", got, r.body)
	}
	// A PENDING operation is cancelled, once; no client moves it elsewhere.
	w.want(409, "PUT", path, `{"status":"SUCCESSFUL"}`)
	got := w.want(200, "PUT", path, `{"status":"FAILED","failureReason":"cancelled"}`).body
	if member(t, got, "status") != "FAILED" || member(t, got, "failureReason") != "cancelled" {
		t.Errorf("cancelled: %s", got)
	}
	w.want(409, "PUT", path, `{"status":"PENDING"}`)
	w.want(422, "PUT", path, `{"failureReason":"x"}`)
	w.want(422, "PUT", path, `{"status":"BROKEN"}`)
	w.want(204, "DELETE", path, "")
	w.want(404, "GET", path, "")
	w.want(404, "PUT", path, `{"status":"FAILED"}`)
	w.want(404, "DELETE", path, "")
	for _, id := range []string{"x", "-1", "9223372036854775808"} {
		w.want(404, "GET", "/devicecontrol/operations/"+id, "")
	}
}

func TestOperationFilters(t *testing.T) {
	w := newWorld(t)
	clock := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	w.backend.Now = func() time.Time { clock = clock.Add(time.Hour); return clock }
	a, b := w.device("urn:a"), w.device("urn:b")
	queue := func(device, text string, hour int) string {
		clock = time.Date(2026, 2, 1, hour, 0, 0, 0, time.UTC).Add(-3 * time.Hour)
		return w.operation(device, text)
	}
	queue(a, "read /1", 3)
	second := queue(b, "read /2", 6)
	queue(a, "read /3", 9)
	id, err := ids.ParseOperation(second)
	if err != nil {
		t.Fatal(err)
	}
	w.backend.Move(id, platform.Executing, "")
	list := func(query string) string {
		var texts []string
		for _, item := range w.page("/devicecontrol/operations?"+query, "operations").Items {
			o, err := platform.ParseOperation(item)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, strings.TrimPrefix(o.Text, "read /"))
		}
		return strings.Join(texts, " ")
	}
	for query, want := range map[string]string{
		"":                                 "1 2 3",
		"revert=true":                      "3 2 1",
		"deviceId=" + a:                    "1 3",
		"agentId=" + b:                     "2",
		"deviceId=" + a + "&agentId=" + a:  "1 3",
		"status=EXECUTING":                 "2",
		"deviceId=" + a + "&status=FAILED": "",
		"fragmentType=c8y_Command":         "1 2 3",
		"fragmentType=c8y_Restart":         "",
		"dateFrom=2026-02-01T04:00:00Z":    "2 3",
		"dateTo=2026-02-01T04:00:00%2B00:00&dateFrom=2026-02-01": "1",
		"dateTo=2026-02-01T04:00:00+00:00":                       "1", // a plus that the client did not escape
	} {
		if got := list(query); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"status=DONE", "deviceId=x", "deviceId=" + a + "&agentId=" + b, "dateFrom=noon", "revert=yes", "bulkOperationId=1"} {
		w.want(400, "GET", "/devicecontrol/operations?"+query, "")
	}
	// Deleting by filter never takes more than was said.
	for _, query := range []string{"", "revert=true", "deviceID=" + a, "deviceId=" + a + "&satus=FAILED", "status="} {
		w.want(400, "DELETE", "/devicecontrol/operations?"+query, "")
	}
	w.want(204, "DELETE", "/devicecontrol/operations?deviceId="+a+"&status=PENDING", "")
	if got := list(""); got != "2" {
		t.Errorf("after the deletion there is %q, want 2", got)
	}
}

func TestOperationsRefused(t *testing.T) {
	w := newWorld(t)
	device := w.device("urn:a")
	for _, body := range []string{`{}`, `{"deviceId":"` + device + `"}`, `{"deviceId":"` + device + `","c8y_Command":{"text":""}}`,
		`{"deviceId":"x","c8y_Command":{"text":"read /3"}}`, `{"deviceId":"1","c8y_Command":{"text":"read /3"}}`, `[]`, `{"deviceId":"1","deviceId":"1"}`} {
		w.want(422, "POST", "/devicecontrol/operations", body)
	}
	w.backend.MaxQueued = 1
	w.operation(device, "read /3")
	if r := w.want(429, "POST", "/devicecontrol/operations", `{"deviceId":"`+device+`","c8y_Command":{"text":"read /3"}}`); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	device := w.device("urn:a")
	body := func(path int) string {
		return `{"deviceId":"` + device + `","c8y_Command":{"text":"read /` + strconv.Itoa(path) + `"}}`
	}
	const key = "Idempotency-Key: 0b5c\"é"
	first := w.want(201, "POST", "/devicecontrol/operations", body(3), key)
	second := w.want(201, "POST", "/devicecontrol/operations", body(3), key)
	if first.body != second.body || first.header.Get("Location") != second.header.Get("Location") {
		t.Errorf("first %s, then %s", first.body, second.body)
	}
	w.want(422, "POST", "/devicecontrol/operations", body(4), key)
	w.want(201, "POST", "/devicecontrol/operations", body(4), key+"2")
	w.want(201, "POST", "/devicecontrol/operations", body(4))
	if got := w.page("/devicecontrol/operations", "operations"); len(got.Items) != 3 {
		t.Errorf("%d operations, want 3", len(got.Items))
	}
	// A key is of one collection: elsewhere it is another.
	a := w.want(201, "POST", "/inventory/managedObjects", `{"name":"g"}`, key)
	b := w.want(201, "POST", "/inventory/managedObjects", `{"name":"g"}`, key)
	if a.body != b.body {
		t.Errorf("first %s, then %s", a.body, b.body)
	}
	w.want(422, "POST", "/inventory/managedObjects", `{"name":"h"}`, key)
	w.want(400, "POST", "/inventory/managedObjects", `{}`, "Idempotency-Key: ")
	w.want(400, "POST", "/inventory/managedObjects", `{}`, "Idempotency-Key: "+strings.Repeat("k", 256))
}
