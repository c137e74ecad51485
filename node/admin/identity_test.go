package admin_test

import (
	"strings"
	"testing"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// TestExternalIDs: a device has its endpoint name, whatever letters are in it.
func TestExternalIDs(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"urn:imei:1", "a/b c", "%2F"} {
		id := w.device(name)
		object, err := ids.ParseObject(id)
		if err != nil {
			t.Fatal(err)
		}
		path := platform.ExternalIDAddress(platform.Serial, name)
		r := w.want(200, "GET", path, "")
		if e, err := platform.ParseExternalID([]byte(r.body)); err != nil || e != (platform.ExternalID{Type: platform.Serial, ID: name, Object: object}) {
			t.Errorf("%s: %+v, %v", path, e, err)
		}
		if self := member(t, r.body, "self"); self != w.url+path {
			t.Errorf("self %s, want %s%s", self, w.url, path)
		}
		list := platform.ExternalIDsAddress(object)
		if all := w.want(200, "GET", list, "").body; all != `{"self":"`+w.url+list+`","externalIds":[`+r.body+`]}` {
			t.Error(all)
		}
		w.want(409, "DELETE", path, "")
		quoted := strings.ReplaceAll(name, `"`, `\"`)
		if r := w.want(409, "POST", list, `{"type":"c8y_Serial","externalId":"`+quoted+`"}`); !strings.Contains(r.body, "duplicate") {
			t.Error(r.body)
		}
	}
	// The platform's client does not escape a slash.
	w.want(200, "GET", "/identity/externalIds/c8y_Serial/a/b%20c", "")
	w.want(404, "GET", "/identity/externalIds/c8y_Serial/nobody", "")
	w.want(404, "GET", "/identity/externalIds/other/urn:imei:1", "")
	w.want(404, "DELETE", "/identity/externalIds/c8y_Serial/nobody", "")

	group := member(t, w.want(201, "POST", platform.ObjectsPath, `{"name":"group"}`).body, "id")
	list := "/identity/globalIds/" + group + "/externalIds"
	if r := w.want(200, "GET", list, ""); !strings.HasSuffix(r.body, `"externalIds":[]}`) {
		t.Error(r.body)
	}
	w.want(409, "POST", list, `{"type":"c8y_Serial","externalId":"urn:imei:1"}`)
	w.want(422, "POST", list, `{"type":"other","externalId":"x","managedObject":{"id":"`+group+`"}}`)
	w.want(422, "POST", list, `{"type":"other","externalId":"x","managedObject":{"id":"7"}}`)
	w.want(422, "POST", list, `{"type":"other"}`)
	w.want(404, "GET", "/identity/globalIds/7/externalIds", "")
	w.want(404, "GET", "/identity/globalIds/x/externalIds", "")
	w.want(404, "POST", "/identity/globalIds/7/externalIds", `{"type":"other","externalId":"x"}`)
	w.want(405, "DELETE", list, "")
}

// TestPlatform: the root leads to what there is, and nowhere else.
func TestPlatform(t *testing.T) {
	w := newWorld(t)
	root, err := platform.ParseFragments([]byte(w.want(200, "GET", platform.PlatformPath, "").body))
	if err != nil || len(root) != 4 || root.Get("user") != nil {
		t.Fatalf("%s, %v", root.Append(nil), err)
	}
	for _, part := range root[1:] {
		address := member(t, string(part.Raw), "self")
		if got := w.want(200, "GET", strings.TrimPrefix(address, w.url), "").body; got != string(part.Raw) {
			t.Errorf("%s: %s, want %s", part.Name, got, part.Raw)
		}
	}
	for _, path := range []string{"/inventory/managedObjects", "/devicecontrol/operations"} {
		if !strings.Contains(string(root.Append(nil)), w.url+path+`"`) {
			t.Errorf("the root does not lead to %s", path)
		}
	}
	w.want(405, "POST", platform.PlatformPath, "{}")
}
