package platform

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"dormouse/codec/query"
)

const credentialsForm = `{"endpointId":"urn:imei:1","lwm2mPskId":"id \"1\"","lastUpdated":"2026-01-31T12:00:00.007Z"}`

func TestCredentialsBothDirections(t *testing.T) {
	c := Credentials{"urn:imei:1", `id "1"`, at}
	if got := string(AppendCredentials(nil, &c)); got != credentialsForm {
		t.Errorf("got  %s\nwant %s", got, credentialsForm)
	}
	if got, err := ParseCredentials([]byte(credentialsForm)); err != nil || got != c {
		t.Errorf("parsed %+v, %v", got, err)
	}
	for i := range len(credentialsForm) {
		if _, err := ParseCredentials([]byte(credentialsForm[:i])); err == nil {
			t.Errorf("credentials of %d bytes were taken", i)
		}
	}
}

const newCredentialsForm = `{"endpointId":"urn:imei:1","lwm2mPskId":"id","lwm2mPskKey":"00a1ff"}`

func TestNewCredentialsBothDirections(t *testing.T) {
	want := NewCredentials{"urn:imei:1", "id", []byte{0, 0xa1, 0xff}}
	if got := string(want.Append(nil)); got != newCredentialsForm {
		t.Errorf("got  %s\nwant %s", got, newCredentialsForm)
	}
	for _, form := range []struct{ body, endpoint string }{
		{newCredentialsForm, ""}, {newCredentialsForm, "urn:imei:1"},
		{`{"lwm2mPskKey":"00A1Ff","lwm2mPskId":"id"}`, "urn:imei:1"},
		{`{"lwm2mPskKey":"00A1Ff","lwm2mPskId":"id","endpointId":"urn:imei:1","id":"7","securityInstance":{}}`, ""},
	} {
		if got, err := ParseNewCredentials([]byte(form.body), form.endpoint); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", form.body, got, err)
		}
	}
	for i := range len(newCredentialsForm) {
		if _, err := ParseNewCredentials([]byte(newCredentialsForm[:i]), ""); err == nil {
			t.Errorf("credentials of %d bytes were taken", i)
		}
	}
}

func TestNewCredentialsBounds(t *testing.T) {
	body := func(endpoint, identity, key int) []byte {
		return NewCredentials{strings.Repeat("e", endpoint), strings.Repeat("i", identity), bytes.Repeat([]byte{0xab}, key)}.Append(nil)
	}
	for _, size := range [][3]int{{1, 1, 1}, {query.MaxEndpoint, MaxIdentity, MaxKey}, {252, 128, 64}} {
		if _, err := ParseNewCredentials(body(size[0], size[1], size[2]), ""); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	for field, wrong := range map[string][][3]int{
		"endpointId":  {{0, 1, 1}, {query.MaxEndpoint + 1, 1, 1}},
		"lwm2mPskId":  {{1, 0, 1}, {1, MaxIdentity + 1, 1}},
		"lwm2mPskKey": {{1, 1, 0}, {1, 1, MaxKey + 1}},
	} {
		for _, size := range wrong {
			_, err := ParseNewCredentials(body(size[0], size[1], size[2]), "")
			if !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), field+" has ") {
				t.Errorf("%v: %v", size, err)
			}
		}
	}
}

// TestNewCredentialsRefused: the error names the member, and nothing of the key
// is in it.
func TestNewCredentialsRefused(t *testing.T) {
	const secret = "5ec2e7c0ffee5ec2e7c0ffee"
	for body, field := range map[string]string{
		`{"lwm2mPskId":"i","lwm2mPskKey":"` + secret + `"}`:                                                 "endpointId",
		`{"endpointId":null,"lwm2mPskId":"i","lwm2mPskKey":"` + secret + `"}`:                               "endpointId",
		`{"endpointId":7,"lwm2mPskId":"i","lwm2mPskKey":"` + secret + `"}`:                                  "endpointId",
		`{"endpointId":"e","lwm2mPskKey":"` + secret + `"}`:                                                 "lwm2mPskId",
		`{"endpointId":"e","lwm2mPskId":{},"lwm2mPskKey":"` + secret + `"}`:                                 "lwm2mPskId",
		`{"endpointId":"e","lwm2mPskId":"i"}`:                                                               "lwm2mPskKey",
		`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":["` + secret + `"]}`:                              "lwm2mPskKey",
		`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":"` + secret + `a"}`:                               "lwm2mPskKey",
		`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":"` + secret + `ag"}`:                              "lwm2mPskKey",
		`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":"0x` + secret + `"}`:                              "lwm2mPskKey",
		`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":"` + secret + `","lwm2mPskKey":"` + secret + `"}`: "lwm2mPskKey",
	} {
		_, err := ParseNewCredentials([]byte(body), "")
		if !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), secret[:4]) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := ParseNewCredentials([]byte(newCredentialsForm), "urn:imei:2"); !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), "endpointId") {
		t.Errorf("another endpoint than that of the address: %v", err)
	}
}

func TestCredentialsAddresses(t *testing.T) {
	for endpoint, want := range map[string]string{
		"urn:imei:1": "urn:imei:1", "a/b//c": "a%2Fb%2F%2Fc", ".": "%2E", "..": "%2E%2E", "...": "...",
		"a b?c#d%2F": "a%20b%3Fc%23d%252F", "ü": "%C3%BC", "\x00": "%00",
	} {
		got := CredentialsAddress(endpoint)
		if got != CredentialsPath+"/"+want {
			t.Errorf("%q: %s", endpoint, got)
		}
		if back, err := url.PathUnescape(strings.TrimPrefix(got, CredentialsPath+"/")); err != nil || back != endpoint {
			t.Errorf("%q came back as %q, %v", endpoint, back, err)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte(credentialsForm))
	f.Add([]byte(newCredentialsForm))
	f.Add([]byte(`{"endpointId":"e","lwm2mPskId":"i","lwm2mPskKey":"ABC"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		checkAgain(t, body, ParseCredentials, func(c Credentials) []byte { return AppendCredentials(nil, &c) })
		checkAgain(t, body, func(b []byte) (NewCredentials, error) { return ParseNewCredentials(b, "") }, func(n NewCredentials) []byte { return n.Append(nil) })
		if key, err := ParseKey(string(body)); err == nil && hex.EncodeToString(key) != strings.ToLower(string(body)) {
			t.Fatalf("%q is the key %x", body, key)
		}
	})
}
