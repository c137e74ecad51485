package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

func TestRefusals(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	m := n.object(t, n.device(t, "device")).ID
	operations, objects := platform.OperationsPath, platform.ObjectsPath
	command := func(text string) string { return string(platform.NewOperation{Device: m, Text: text}.Append(nil)) }
	for _, tt := range []struct {
		status             int
		words              string
		method, path, body string
	}{
		{400, "", "POST", operations, `{"deviceId":`},
		{422, "object", "POST", operations, `[]`},
		{400, "", "POST", objects, `{"name":"a"`},
		{413, "", "POST", objects, `{"a":"` + strings.Repeat("a", platform.MaxBody) + `"}`},
		{422, "deviceId", "POST", operations, `{"c8y_Command":{"text":"read /3"}}`},
		{422, "deviceId", "POST", operations, `{"deviceId":"x","c8y_Command":{"text":"read /3"}}`},
		{422, "deviceId 1", "POST", operations, `{"deviceId":"1","c8y_Command":{"text":"read /3"}}`},
		{422, "text", "POST", operations, `{"deviceId":"` + m.String() + `","c8y_Command":{}}`},
		{422, "line 1", "POST", operations, command("reed /3/0/0")},
		{422, "line 2", "POST", operations, command("read /3/0/0\nwrite /3/0/14")},
		{404, "", "GET", objects + "/1", ""},
		{404, "", "GET", objects + "/x", ""},
		{404, "", "PUT", objects + "/1", `{"name":"a"}`},
		{404, "", "DELETE", objects + "/1", ""},
		{404, "", "GET", operations + "/1", ""},
		{404, "", "PUT", operations + "/1", `{"status":"FAILED"}`},
		{404, "", "GET", "/nothing/here", ""},
		{405, "", "DELETE", objects, ""},
		{405, "", "PATCH", operations + "/1", "{}"},
	} {
		n.refused(t, tt.status, tt.words, tt.method, tt.path, tt.body)
	}
	n.refused(t, http.StatusUnsupportedMediaType, "application/json", "POST", objects, `{}`, "Content-Type", "text/plain")
	n.refused(t, http.StatusNotAcceptable, "json", "GET", objects, "", "Accept", "text/html")
	n.refused(t, http.StatusForbidden, "origin", "POST", objects, `{}`, "Sec-Fetch-Site", "cross-site")
	if names := n.names(t); len(names) != 1 {
		t.Errorf("something was made of a refused request: %v", names)
	}
}

// A queue has an end; the client is told to come back.
func TestQueueLimit(t *testing.T) {
	c := settings(t.TempDir())
	c.MaxQueuedOperations = 3
	n := start(t, c, app.Options{})
	_, m := n.sleeper(t, "sleeper")
	for range c.MaxQueuedOperations {
		must[platform.Operation](t)(n.api.Submit(m, "read /3/0/0", ""))
	}
	body := string(platform.NewOperation{Device: m, Text: "read /3/0/0"}.Append(nil))
	n.refused(t, http.StatusTooManyRequests, "3 operations", http.MethodPost, platform.OperationsPath, body)
}

// A deleted device is gone with all that belongs to it, and a stranger when it
// comes back.
func TestDeleteDevice(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	d := n.device(t, "device")
	m := n.object(t, d)
	done := n.run(t, m.ID, "observe /3303/0/5700")
	n.setAwake(t, m.ID, "1")
	pending := must[platform.Operation](t)(n.api.Submit(m.ID, "read /3/0/0", ""))
	must[apptest.Reply](t)(n.api.Expect(http.StatusNoContent, http.MethodDelete, platform.ObjectsPath+"/"+m.ID.String(), ""))

	for _, path := range []string{
		platform.ObjectsPath + "/" + m.ID.String(), platform.ValuesPath(m.ID.String()),
		platform.OperationsPath + "/" + done.ID.String(), platform.OperationsPath + "/" + pending.ID.String(),
	} {
		n.refused(t, http.StatusNotFound, "", http.MethodGet, path, "")
	}
	if names := n.names(t); len(names) > 0 {
		t.Errorf("left in the inventory: %v", names)
	}
	if code := must[coap.Code](t)(d.Update()); code != coap.NotFound {
		t.Errorf("Update: %s", code)
	}
	// Its observation ends with a Reset, which a client may hear too late.
	message := must[*coap.Message](t)(d.Notification(temperature))
	if a := ask(t, d.Client, message); a.Type != coap.Reset {
		t.Errorf("its notification was answered %s %s", a.Type, a.Code)
	}
	before := d.Location
	check(t, d.Register())
	if again := n.object(t, d); d.Location == before || again.Created.Equal(m.Created) || len(must[map[lwm2m.Path]lwm2m.Value](t)(n.values(m.ID, ""))) > 0 {
		t.Errorf("it came back at %s, made %v, and was at %s, made %v", d.Location, again.Created, before, m.Created)
	}
	if op := n.run(t, n.object(t, d).ID, "read /3/0/0"); op.Status != platform.Successful {
		t.Errorf("%s %s", op.Status, op.Failure)
	}
}

// What clients write to a device's object stays; what the server says of the
// device stays the server's.
func TestFragments(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	d := n.device(t, "device")
	m := n.object(t, d)
	if m.Type != "c8y_lwm2m" || m.Name != "device" || string(m.Fragments.Get("lwm2mEndpoint")) != `"device"` || string(m.Fragments.Get("c8y_IsDevice")) != "{}" {
		t.Errorf("%+v", m)
	}
	if r := n.registration(t, d); !r.Registered || r.Lifetime != 3600 || "/"+d.Location != r.Location || r.Address != fmt.Sprintf("127.0.0.1:%d", d.Port()) {
		t.Errorf("%+v", r)
	}
	path := platform.ObjectsPath + "/" + m.ID.String()
	for _, body := range []string{
		`{"name":"Kitchen","com_example_Note":{"a":[1,2]},"lwm2mEndpoint":"stolen","c8y_IsDevice":null,"id":"7"}`,
		`{"com_example_Other":1}`,
		`{"com_example_Other":null}`,
	} {
		must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodPut, path, body))
	}
	check(t, d.Register()) // a new registration changes nothing of it
	m = must[platform.ManagedObject](t)(n.api.Object(m.ID))
	if m.Name != "Kitchen" || string(m.Fragments.Get("com_example_Note")) != `{"a":[1,2]}` || m.Has("com_example_Other") {
		t.Errorf("%+v", m)
	}
	if string(m.Fragments.Get("lwm2mEndpoint")) != `"device"` || !m.Has("c8y_IsDevice") {
		t.Errorf("%+v", m)
	}
	if a := ask(t, d.Client, d.New(coap.Confirmable, coap.DELETE, d.Location)); a.Code != coap.Deleted {
		t.Errorf("De-register: %s", a.Code)
	}
	m = must[platform.ManagedObject](t)(n.api.Object(m.ID))
	if got := string(m.Fragments.Get("c8y_Availability")); !strings.Contains(got, `"UNAVAILABLE"`) {
		t.Errorf("after De-register: %s", got)
	}
}
