package endpoint

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// credentialForms are the golden bytes of docs/formats/credentials.md.
var credentialForms = []struct {
	name        string
	credentials Credentials
	hex         string
}{
	{"usual", Credentials{Endpoint: "a", Identity: "urn:dev:1", Serial: 300, Changed: at, Key: []byte{0xaa, 0xbb}},
		"01" + "0161" + "0975726e3a6465763a31" + "ac02" + "f4dbd8efb268" + "aabb"},
	{"an identity that is no text", Credentials{Endpoint: "urn:dev:1", Identity: "\x00\xff", Serial: 1, Changed: at, Key: []byte{1}},
		"01" + "0975726e3a6465763a31" + "0200ff" + "01" + "f4dbd8efb268" + "01"},
	{"the last serial", Credentials{Endpoint: "a", Identity: "b", Serial: 1<<64 - 1, Changed: at, Key: []byte{1, 2, 3}},
		"01" + "0161" + "0162" + "ffffffffffffffffff01" + "f4dbd8efb268" + "010203"},
}

func TestCredentialsBothWaysAndCut(t *testing.T) {
	for _, tc := range credentialForms {
		raw := tc.credentials.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.hex)
		}
		got, err := ParseCredentials(raw)
		if err != nil || !reflect.DeepEqual(got, tc.credentials) {
			t.Errorf("%s: %+v, %v\nwant %+v", tc.name, got, err, tc.credentials)
		}
		fields := len(raw) - len(tc.credentials.Key) // the key is the rest: a part of it does not open
		for n := range fields {
			if got, err := ParseCredentials(raw[:n]); !errors.Is(err, ErrRecord) || !reflect.DeepEqual(got, Credentials{}) {
				t.Errorf("%s cut at %d: %+v, %v", tc.name, n, got, err)
			}
		}
		for n := fields; n < len(raw); n++ {
			if got, err := ParseCredentials(raw[:n]); err != nil || !bytes.Equal(got.Key, raw[fields:n]) {
				t.Errorf("%s cut at %d: %+v, %v", tc.name, n, got, err)
			}
		}
	}
}

func TestMalformedCredentials(t *testing.T) {
	good := credentialForms[0].hex
	for name, raw := range map[string]string{
		"version 0":           "00" + good[2:],
		"version 2":           "02" + good[2:],
		"name beyond the end": good[:2] + "7f" + good[4:],
		"serial without end":  strings.Replace(good, "ac02", strings.Repeat("ff", 10), 1),
		"serial of 65 bits":   strings.Replace(good, "ac02", strings.Repeat("ff", 9)+"02", 1),
	} {
		b, err := hex.DecodeString(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := ParseCredentials(b); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestCredentialsKeepMilliseconds: times are no finer than the records.
func TestCredentialsKeepMilliseconds(t *testing.T) {
	fine := Credentials{Changed: at.Add(999 * time.Microsecond)}
	got, err := ParseCredentials(fine.Append(nil))
	if err != nil || !got.Changed.Equal(at) {
		t.Errorf("%v, %v", got.Changed, err)
	}
}

func FuzzParseCredentials(f *testing.F) {
	for _, tc := range credentialForms {
		f.Add(tc.credentials.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCredentials(data)
		if err != nil {
			return
		}
		once := c.Append(nil)
		again, err := ParseCredentials(once)
		if err != nil || !bytes.Equal(again.Append(nil), once) || !bytes.Equal(again.Key, c.Key) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}
