package admin_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"dormouse/codec/platform"
	"dormouse/node/admin"
)

const credentialsPath = platform.CredentialsPath

// credentials is a body that gives an endpoint an identity and a key.
func credentials(endpoint, identity, key string) string {
	return `{"endpointId":"` + endpoint + `","lwm2mPskId":"` + identity + `","lwm2mPskKey":"` + key + `"}`
}

func TestCredentialsLife(t *testing.T) {
	w := newWorld(t)
	const shown = `{"endpointId":"urn:imei:1","lwm2mPskId":"id","lastUpdated":"2026-01-31T12:00:00.000Z"}`
	r := w.want(201, "POST", credentialsPath, credentials("urn:imei:1", "id", "00A1ff"))
	if at := r.header.Get("Location"); r.body != shown || at != w.url+credentialsPath+"/urn:imei:1" {
		t.Errorf("%s at %s", r.body, at)
	}
	if key := w.backend.Key("urn:imei:1"); string(key) != "\x00\xa1\xff" {
		t.Errorf("the key is %x", key)
	}
	if r := w.want(200, "POST", credentialsPath, credentials("urn:imei:1", "id", "00a1FF")); r.body != shown || r.header.Get("Location") != "" {
		t.Errorf("the same again: %s", r.body)
	}
	const address = credentialsPath + "/urn:imei:1"
	if r := w.want(200, "GET", address, ""); r.body != shown {
		t.Error(r.body)
	}
	w.want(200, "PUT", address, `{"lwm2mPskId":"other","lwm2mPskKey":"0badcafe"}`)
	if key := w.backend.Key("urn:imei:1"); string(key) != "\x0b\xad\xca\xfe" {
		t.Errorf("the key is %x", key)
	}
	w.want(201, "PUT", credentialsPath+"/new", credentials("new", "id", "00"))
	if got := w.listed(credentialsPath, "credentials", "lwm2mPskId"); got != "other id" {
		t.Errorf("listed %q", got)
	}
	w.want(204, "DELETE", address, "")
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		w.want(404, method, address, "")
	}
	w.want(405, "PATCH", address, "")
}

// TestCredentialsConflicts name the member; the key is in no answer.
func TestCredentialsConflicts(t *testing.T) {
	w := newWorld(t)
	w.want(201, "POST", credentialsPath, credentials("a", "i", "aa"))
	w.want(201, "POST", credentialsPath, credentials("b", "j", "bb"))
	const key = "5ec2e7c0ffee"
	for _, tc := range []struct {
		status             int
		method, path, body string
		field              string
	}{
		{409, "POST", "", credentials("a", "i", key), "endpointId "},
		{409, "POST", "", credentials("a", "k", key), "endpointId "},
		{409, "POST", "", credentials("c", "i", key), "lwm2mPskId "},
		{409, "PUT", "/b", credentials("b", "i", key), "lwm2mPskId "},
		{422, "PUT", "/b", credentials("c", "j", key), "endpointId "},
		{422, "POST", "", credentials("", "i", key), "endpointId "},
		{422, "POST", "", credentials("c", "", key), "lwm2mPskId "},
		{422, "POST", "", credentials("c", "k", key+"a"), "lwm2mPskKey "},
		{422, "POST", "", credentials("c", "k", "0x"+key), "lwm2mPskKey "},
		{422, "POST", "", credentials("c", "k", ""), "lwm2mPskKey "},
		{422, "POST", "", `{"endpointId":"c","lwm2mPskId":7,"lwm2mPskKey":"` + key + `"}`, "lwm2mPskId "},
		{400, "POST", "", strings.TrimSuffix(credentials("c", "k", key), "}"), ""},
		{400, "POST", "", "\xff" + credentials("c", "k", key), ""},
		{413, "POST", "", credentials(strings.Repeat("x", platform.MaxBody), "k", key), ""},
	} {
		r := w.want(tc.status, tc.method, credentialsPath+tc.path, tc.body)
		if !strings.Contains(r.body, tc.field) || strings.Contains(r.body, key) {
			t.Errorf("%s %.100s: %s", tc.method, tc.body, r.body)
		}
	}
	w.want(415, "POST", credentialsPath, credentials("c", "k", key), "Content-Type: text/plain")
	if got := w.listed(credentialsPath, "credentials", "endpointId"); got != "a b" {
		t.Errorf("listed %q", got)
	}
}

// TestCredentialsAddresses: any endpoint name is one segment of an address.
func TestCredentialsAddresses(t *testing.T) {
	w := newWorld(t)
	names := []string{"urn:imei:1", "a/b", "/", "//", ".", "..", "a/../b", "%2F", "a b+c", "ü?#", strings.Repeat("x", 1024), "\x00"}
	for i, name := range names {
		address := platform.CredentialsAddress(name)
		r := w.want(201, "PUT", address, string(platform.NewCredentials{Endpoint: name, Identity: fmt.Sprint(i), Key: []byte{1}}.Append(nil)))
		if at := r.header.Get("Location"); at != w.url+address {
			t.Errorf("%q is at %s, want %s", name, at, address)
		}
		if got := member(t, w.want(200, "GET", address, "").body, "endpointId"); got != name {
			t.Errorf("%s is %q, want %q", address, got, name)
		}
	}
	for _, name := range names {
		w.want(204, "DELETE", platform.CredentialsAddress(name), "")
	}
	for _, address := range []string{"/%FF", "/a/b", "/"} {
		w.want(404, "GET", credentialsPath+address, "")
	}
}

func TestCredentialsPaging(t *testing.T) {
	w := newWorld(t)
	for _, name := range strings.Fields("a b c d e f g") {
		w.want(201, "POST", credentialsPath, credentials(name, "of "+name, "00"))
	}
	first := w.page(credentialsPath+"?withTotalElements=true", "credentials")
	if len(first.Items) != platform.DefaultPageSize || first.TotalElements != 7 {
		t.Errorf("%+v", first)
	}
	if got := w.listed(strings.TrimPrefix(first.Next, w.url), "credentials", "endpointId"); got != "f g" {
		t.Errorf("the next page lists %q", got)
	}
	if got := w.listed(credentialsPath+"?pageSize=3&currentPage=2", "credentials", "endpointId"); got != "d e f" {
		t.Errorf("by number: %q", got)
	}
	for _, query := range []string{"pageSize=0", "pageSize=2001", "cursor=x", "endpointId=a", "lwm2mPskId=i"} {
		w.want(400, "GET", credentialsPath+"?"+query, "")
	}
}

// TestCredentialsAreNotLogged: whatever goes wrong behind the API.
func TestCredentialsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *admin.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	const key = "5ec2e7c0ffee"
	w.backend.Fail(bytes.ErrTooLarge)
	r := w.want(500, "POST", credentialsPath, credentials("a", "i", key))
	if strings.Contains(log.String(), key) || strings.Contains(r.body, key) || log.Len() == 0 {
		t.Errorf("logged %s, answered %s", log.String(), r.body)
	}
}
