package provision

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const (
	planted    = "plantedsecret+16"
	plantedToo = "otherplantedkey!"
)

// shows says that a text holds a planted key in some form.
func shows(text string) bool {
	for _, secret := range []string{planted, plantedToo} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), fmt.Sprint([]byte(secret)), fmt.Sprintf("%#v", []byte(secret))} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(form, "[]"))) {
				return true
			}
		}
	}
	return false
}

func secretive() Device {
	return Device{Endpoint: "e", Mode: PSK, PSKID: "i", PSKKey: NewKey([]byte(planted)), BootstrapPSKKey: NewKey([]byte(plantedToo)),
		Servers: []Server{{URI: "coaps://h", Security: Security{PSK, "j", NewKey([]byte(planted))}}}}
}

// TestKeysDoNotPrint, alone, within a device, and within what somebody else
// wraps around either.
func TestKeysDoNotPrint(t *testing.T) {
	d := secretive()
	type wrapped struct {
		device Device
		key    Key
		at     *Device
		any    any
		keys   map[string]Key
	}
	w := wrapped{d, d.PSKKey, &d, d, map[string]Key{"k": d.PSKKey}}
	for _, v := range []any{d.PSKKey, &d.PSKKey, d, &d, w, &w, []Key{d.PSKKey}, d.Servers, map[Key]int{d.PSKKey: 1}, fmt.Errorf("key %v", d.PSKKey)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%T", "%p", "%08.3v", "%t", "%!"} {
			if text := fmt.Sprintf(verb, v); shows(text) {
				t.Errorf("%s of %T: %s", verb, v, text)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v, slog.Group("g", slog.Any("v", v)))
		body, _ := json.Marshal(v)
		markup, _ := xml.Marshal(v)
		if text := log.String() + string(body) + string(markup); shows(text) {
			t.Errorf("%T: %s", v, text)
		}
	}
	if text := fmt.Sprintf("%v|%s|%#v|%+v", d.PSKKey, d.PSKKey, d.PSKKey, Key{}); text != "***|***|***|" {
		t.Error(text)
	}
	if body, err := json.Marshal([]Key{d.PSKKey, {}}); err != nil || string(body) != `["***",""]` {
		t.Errorf("%s, %v", body, err)
	}
}

func TestKey(t *testing.T) {
	b := []byte("abc")
	k := NewKey(b)
	b[0] = 'x'
	k.Bytes()[0] = 'y'
	if string(k.Bytes()) != "abc" || k.Len() != 3 || k.IsZero() || !k.Equal(NewKey([]byte("abc"))) || k.Equal(NewKey([]byte("abd"))) || k.Equal(Key{}) {
		t.Error("a key is not what it was made of")
	}
	if zero := NewKey(nil); !zero.IsZero() || zero.Bytes() != nil || zero.Len() != 0 || !zero.Equal(Key{}) {
		t.Error("an empty key is not absent")
	}
}

// TestFaultsQuoteNothing: a key in every field, of a file and of a body.
func TestFaultsQuoteNothing(t *testing.T) {
	secret := hex.EncodeToString([]byte(planted))
	for i := range devices.columns {
		f := devices.columns[i].Field
		header := "endpoint id,securityMode"
		if i != devices.names["endpointId"] && i != devices.names["securityMode"] {
			header += "," + f.Column
		}
		for _, value := range []string{secret, secret + "0", strings.Repeat(secret, 100), "coap://" + secret + "@h", "coap://h:" + secret, "\xff" + secret, "a\"" + secret} {
			file := header + "\n" + strings.Repeat(value+",", strings.Count(header, ",")) + value + "\n"
			r, err := NewReader(strings.NewReader(file), Options{})
			if err != nil {
				t.Fatal(err)
			}
			line, err := r.Next()
			if err != nil || shows(line.Faults.Error()) {
				t.Errorf("%v, %v", line.Faults, err)
			}
			body, _ := json.Marshal(map[string]any{f.Name: value, "servers": []any{map[string]any{"uri": value, "security": map[string]any{"lwm2mPskKey": value, "securityMode": value}}}})
			if _, _, err := Parse(body, Rules{}); err == nil || shows(err.Error()) {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
	// A file without a header.
	if _, err := NewReader(strings.NewReader("e,PSK,i,"+secret+"\n"), Options{}); err == nil || shows(err.Error()) {
		t.Error(err)
	}
	d := secretive()
	if text := string(d.AppendJSON(nil)) + string(d.AppendRecord(nil)); shows(text) {
		t.Error(text)
	}
	if !shows(string(d.AppendKeys(nil))) {
		t.Error("the test finds no keys where they are")
	}
}
