package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// line is one element of dormouse_Results.
type line struct {
	Line   string
	Code   string
	Format string
	Values json.RawMessage
	Error  string
}

// A device is read, written, executed and observed by commands that come in by
// HTTP and go out by CoAP.
func TestCommands(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	d := n.device(t, "scripted")
	m := n.object(t, d).ID
	tests := []struct {
		text   string
		status platform.Status
		codes  []string
		values string // of the last line, "" for any
	}{
		{"read /3/0/0", platform.Successful, []string{"2.05"}, `{"/3/0/0":"Apodemus"}`},
		{"read /3303/0", platform.Successful, []string{"2.05"}, `{"/3303/0/5700":21.5,"/3303/0/5701":"Cel"}`},
		{"write /3/0/14 +01:00", platform.Successful, []string{"2.04"}, ""},
		{"read /3/0/14", platform.Successful, []string{"2.05"}, `{"/3/0/14":"+01:00"}`},
		{"execute /3/0/4 0='now'", platform.Successful, []string{"2.04"}, ""},
		{"observe /3303/0/5700", platform.Successful, []string{"2.05"}, `{"/3303/0/5700":21.5}`},
		{"discover /3", platform.Successful, []string{"2.05"}, ""},
		{"cread /3/0/0 /3303/0/5700", platform.Successful, []string{"2.05"}, `{"/3/0/0":"Apodemus","/3303/0/5700":21.5}`},
		{"cwrite /3/0/14 +03:00 /3303/0/5701 K", platform.Successful, []string{"2.04"}, ""},
		{"writeattr /3303/0/5700 pmin=1&pmax=9", platform.Successful, []string{"2.04"}, ""},
		{"read /3/0/0\nread /5/0/0\nread /3/0/14", platform.Failed, []string{"2.05", "4.04", "2.05"}, `{"/3/0/14":"+03:00"}`},
		{"delete /3303/0", platform.Failed, []string{"4.05"}, ""},
	}
	for _, tt := range tests {
		op := n.run(t, m, tt.text)
		var lines []line
		check(t, json.Unmarshal(op.Results, &lines))
		var codes []string
		for _, l := range lines {
			codes = append(codes, l.Code)
		}
		if op.Status != tt.status || !slices.Equal(codes, tt.codes) || (op.Failure != "") != (tt.status == platform.Failed) {
			t.Errorf("%q: %s %q, %s", tt.text, op.Status, op.Failure, op.Results)
			continue
		}
		if tt.values != "" && !sameJSON(lines[len(lines)-1].Values, tt.values) {
			t.Errorf("%q: values %s, want %s", tt.text, lines[len(lines)-1].Values, tt.values)
		}
		if op.Device != m || op.DeviceName != d.Name || op.Text != tt.text || op.Updated.Before(op.Created) {
			t.Errorf("%q: %+v", tt.text, op)
		}
	}
	if got := d.Executed(); !slices.Equal(got, []string{"/3/0/4 0='now'"}) {
		t.Errorf("executed: %q", got)
	}
	if got := d.Value(lwm2m.NewPath(3303, 0, 5701)); got.Text() != "K" {
		t.Errorf("the composite write left %s", got)
	}
	n.lastValues(t, d, m)
}

// lastValues looks at what the node keeps of a device's values, as they change.
func (n node) lastValues(t *testing.T, d *apptest.Device, m ids.Object) {
	t.Helper()
	n.expectValue(t, m, manufacturer, lwm2m.String("Apodemus"))
	d.Set(temperature, lwm2m.Float(-3.25))
	check(t, d.Notify(temperature))
	n.expectValue(t, m, temperature, lwm2m.Float(-3.25))
	if code := must[coap.Code](t)(d.Send(lwm2m.Node{Path: temperature, Value: lwm2m.Float(1e-7)})); code != coap.Changed {
		t.Errorf("Send: %s", code)
	}
	n.expectValue(t, m, temperature, lwm2m.Float(1e-7))
	all := must[map[lwm2m.Path]lwm2m.Value](t)(n.values(m, "/3"))
	if _, other := all[temperature]; other || len(all) == 0 {
		t.Errorf("below /3: %v", all)
	}
	for path, pages := platform.ValuesPath(m.String())+"?pageSize=2&withTotalElements=true", 0; path != ""; pages++ {
		r := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, path, ""))
		page := must[platform.Collection](t)(platform.ParseCollection(r.Body, platform.Values))
		if page.TotalElements != 4 || len(page.Items) != 2 || pages > 1 {
			t.Errorf("values: %s", statistics(page))
		}
		path = page.Next
	}
	n.refused(t, http.StatusBadRequest, "/x", http.MethodGet, platform.ValuesPath(m.String())+"?path=/x", "")
	n.refused(t, http.StatusNotFound, "1", http.MethodGet, platform.ValuesPath("1"), "")
}

func sameJSON(a json.RawMessage, b string) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// sleeper is a device that never hears what is queued for it, until Update.
func (n node) sleeper(t *testing.T, name string) (*apptest.Device, ids.Object) {
	t.Helper()
	d := n.device(t, name)
	m := n.object(t, d).ID
	n.setAwake(t, m, "1")
	return d, m
}

// setAwake changes the awake time; then it waits, by asking for the device,
// until a window of a millisecond after its last message is over.
func (n node) setAwake(t *testing.T, m ids.Object, ms string) {
	t.Helper()
	path := platform.ObjectsPath + "/" + m.String()
	must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodPut, path, `{"awakeTimeRegistrationParameter":`+ms+`}`))
	for since := time.Now(); time.Since(since) < 2*time.Millisecond; {
		o := must[platform.ManagedObject](t)(n.api.Object(m))
		if got := string(o.Fragments.Get("awakeTimeRegistrationParameter")); got != ms {
			t.Fatalf("the awake time is %s", got)
		}
	}
}

// What is queued waits for the device to come, and goes out in order.
func TestAwakeTime(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	d, m := n.sleeper(t, "sleeper")
	var queued []platform.Operation
	for _, text := range []string{"execute /3/0/4 0='1'", "execute /3/0/4 0='2'", "execute /3/0/4 0='3'"} {
		queued = append(queued, must[platform.Operation](t)(n.api.Submit(m, text, "")))
	}
	for _, op := range queued {
		if now := must[platform.Operation](t)(n.api.Operation(op.ID)); now.Status != platform.Pending {
			t.Errorf("%s is %s while the device sleeps", op.Text, now.Status)
		}
	}
	if got := d.Executed(); len(got) > 0 {
		t.Errorf("executed while asleep: %q", got)
	}
	update(t, d)
	for _, op := range queued {
		if now := must[platform.Operation](t)(n.api.Ended(op.ID)); now.Status != platform.Successful {
			t.Errorf("%s: %s %s", op.Text, now.Status, now.Failure)
		}
	}
	if got, want := d.Executed(), []string{"/3/0/4 0='1'", "/3/0/4 0='2'", "/3/0/4 0='3'"}; !slices.Equal(got, want) {
		t.Errorf("executed %q", got)
	}
	path := platform.ObjectsPath + "/" + m.String()
	for _, bad := range []string{"-1", `"soon"`, "1.5", "99999999999"} {
		n.refused(t, http.StatusUnprocessableEntity, "awakeTimeRegistrationParameter", http.MethodPut, path, `{"awakeTimeRegistrationParameter":`+bad+`}`)
	}
	n.setAwake(t, m, "0") // always online
	if op := n.run(t, m, "read /3/0/0"); op.Status != platform.Successful {
		t.Errorf("%s %s", op.Status, op.Failure)
	}
}

func TestIdempotencyKey(t *testing.T) {
	c := settings(t.TempDir())
	n := start(t, c, app.Options{})
	_, m := n.sleeper(t, "sleeper")
	first := must[platform.Operation](t)(n.api.Submit(m, "read /3/0/0", "key"))
	for range 3 {
		if again := must[platform.Operation](t)(n.api.Submit(m, "read /3/0/0", "key")); again.ID != first.ID {
			t.Errorf("the key made %s, and %s before", again.ID, first.ID)
		}
	}
	if other := must[platform.Operation](t)(n.api.Submit(m, "read /3/0/0", "another")); other.ID == first.ID {
		t.Error("another key made the same operation")
	}
	body := string(platform.NewOperation{Device: m, Text: "read /3/0/1"}.Append(nil))
	n.refused(t, http.StatusUnprocessableEntity, "Idempotency-Key", http.MethodPost, platform.OperationsPath, body, "Idempotency-Key", "key")

	create := func() platform.ManagedObject {
		r := must[apptest.Reply](t)(n.api.Expect(http.StatusCreated, http.MethodPost, platform.ObjectsPath, `{"name":"group"}`, "Idempotency-Key", "key"))
		return must[platform.ManagedObject](t)(platform.ParseManagedObject(r.Body))
	}
	group := create()
	if again := create(); again.ID != group.ID || n.names(t)["group"] != 1 {
		t.Errorf("the key made %s and %s", group.ID, again.ID)
	}

	// A key outlives the process.
	n.api.Close()
	check(t, n.Stop())
	n = start(t, c, app.Options{})
	if again := must[platform.Operation](t)(n.api.Submit(m, "read /3/0/0", "key")); again.ID != first.ID {
		t.Errorf("after a restart the key made %s, and %s before", again.ID, first.ID)
	}
}

// listed are the texts of the operations that a query finds, in its order.
func (n node) listed(t *testing.T, query url.Values) (texts []string) {
	t.Helper()
	query.Set("pageSize", "2")
	check(t, n.api.Each(platform.OperationsPath+"?"+query.Encode(), platform.Operations, func(item []byte) error {
		op, err := platform.ParseOperation(item)
		texts = append(texts, op.Text)
		return err
	}))
	return texts
}

func TestOperationLists(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	_, a := n.sleeper(t, "a")
	_, b := n.sleeper(t, "b")
	var all []platform.Operation
	for _, o := range []struct {
		device ids.Object
		text   string
	}{{a, "read /3/0/1"}, {b, "read /3/0/2"}, {a, "read /3/0/3"}, {a, "read /3/0/4"}, {b, "read /3/0/5"}} {
		op := must[platform.Operation](t)(n.api.Submit(o.device, o.text, ""))
		all = append(all, op)
		for !time.Now().Truncate(time.Millisecond).After(op.Created) { // the next one is of another millisecond
		}
	}
	cancelled := platform.OperationChange{Status: platform.Failed, Reason: "no longer wanted"}
	path := platform.OperationsPath + "/" + all[2].ID.String()
	r := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodPut, path, string(cancelled.Append(nil))))
	if op := must[platform.Operation](t)(platform.ParseOperation(r.Body)); op.Status != platform.Failed || op.Failure != cancelled.Reason {
		t.Errorf("cancelled: %+v", op)
	}

	stamp := func(i int) string { return all[i].Created.UTC().Format(time.RFC3339Nano) }
	texts := func(numbers ...string) (list []string) {
		for _, s := range numbers {
			list = append(list, "read /3/0/"+s)
		}
		return list
	}
	for _, tt := range []struct {
		query url.Values
		want  []string
	}{
		{url.Values{}, texts("1", "2", "3", "4", "5")},
		{url.Values{"revert": {"true"}}, texts("5", "4", "3", "2", "1")},
		{url.Values{"deviceId": {a.String()}}, texts("1", "3", "4")},
		{url.Values{"deviceId": {a.String()}, "revert": {"true"}}, texts("4", "3", "1")},
		{url.Values{"deviceId": {b.String()}, "status": {"PENDING"}}, texts("2", "5")},
		{url.Values{"status": {"PENDING"}}, texts("1", "2", "4", "5")},
		{url.Values{"status": {"FAILED"}}, texts("3")},
		{url.Values{"status": {"SUCCESSFUL"}}, nil},
		{url.Values{"deviceId": {"1"}}, nil},
		{url.Values{"dateFrom": {stamp(1)}}, texts("2", "3", "4", "5")},
		{url.Values{"dateTo": {stamp(3)}}, texts("1", "2", "3")},
		{url.Values{"dateFrom": {stamp(1)}, "dateTo": {stamp(3)}, "deviceId": {a.String()}}, texts("3")},
		{url.Values{"fragmentType": {"c8y_Command"}, "status": {"FAILED"}}, texts("3")},
		{url.Values{"fragmentType": {"c8y_Restart"}}, nil},
	} {
		if got := n.listed(t, tt.query); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.query, got, tt.want)
		}
	}
	first := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, platform.OperationsPath+"?pageSize=2&withTotalElements=true&revert=true", ""))
	page := must[platform.Collection](t)(platform.ParseCollection(first.Body, platform.Operations))
	second := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, page.Next, ""))
	if next := must[platform.Collection](t)(platform.ParseCollection(second.Body, platform.Operations)); next.TotalElements != 5 || len(next.Items) != 2 {
		t.Errorf("the second page: %s", statistics(next))
	}
	n.changes(t, all)
}

// changes tries what a client may do to operations that there are.
func (n node) changes(t *testing.T, all []platform.Operation) {
	t.Helper()
	path := func(i int) string { return platform.OperationsPath + "/" + all[i].ID.String() }
	n.refused(t, http.StatusConflict, "FAILED", http.MethodPut, path(2), `{"status":"SUCCESSFUL"}`)
	n.refused(t, http.StatusConflict, "PENDING", http.MethodPut, path(0), `{"status":"SUCCESSFUL"}`)
	n.refused(t, http.StatusUnprocessableEntity, "status", http.MethodPut, path(0), `{"status":"DONE"}`)
	must[apptest.Reply](t)(n.api.Expect(http.StatusNoContent, http.MethodDelete, path(0), ""))
	n.refused(t, http.StatusNotFound, all[0].ID.String(), http.MethodGet, path(0), "")
	n.refused(t, http.StatusNotFound, all[0].ID.String(), http.MethodDelete, path(0), "")
	for query, words := range map[string]string{"": "filter", "device=1": "device", "status=GONE": "status"} {
		n.refused(t, http.StatusBadRequest, words, http.MethodDelete, platform.OperationsPath+"?"+query, "")
	}
	must[apptest.Reply](t)(n.api.Expect(http.StatusNoContent, http.MethodDelete, platform.OperationsPath+"?status=PENDING&deviceId="+all[0].Device.String(), ""))
	if got, want := n.listed(t, url.Values{}), []string{"read /3/0/2", "read /3/0/3", "read /3/0/5"}; !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q", got, want)
	}
}
