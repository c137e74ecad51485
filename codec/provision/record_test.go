package provision

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

// golden are the bytes of docs/formats/provision.md.
var golden = []struct {
	name   string
	device Device
	record string
	keys   string
}{
	{"least", Device{Endpoint: "a", Mode: NoSec}, "01 01 01 61 05 06 4e4f5f534543", "01 00 00"},
	{"psk", Device{Endpoint: "a", Mode: PSK, PSKID: "i", PSKKey: NewKey([]byte{1, 2}), BootstrapPSKID: "b", BootstrapPSKKey: NewKey([]byte{3}), ServerURI: "coaps://h",
		Lifetime: Some(300 * time.Second), AwakeTime: Some(time.Duration(0)), NotificationStoring: Some(false), ResetOnStart: Some(true)},
		"01 01 01 61 05 03 50534b 06 01 69 08 01 62 09 09 636f6170733a2f2f68 0c 02 ac02 13 01 00 14 01 00 1e 01 01",
		"01 02 0102 01 03"},
	{"servers", Device{Endpoint: "a", Mode: NoSec, Servers: []Server{{URI: "coap://h"}, {URI: "coaps://g", ShortServerID: Some[uint16](2), Security: Security{PSK, "i", NewKey([]byte{1})}}}},
		"01 01 01 61 05 06 4e4f5f534543 40 0a 01 08 636f61703a2f2f68 40 16 01 09 636f6170733a2f2f67 02 01 02 09 03 50534b 0a 01 69",
		"01 00 00 00 01 01"},
	{"later", Device{Endpoint: "a", Mode: NoSec, Servers: []Server{{later: []byte{200, 1, 9}}}, later: []byte{99, 2, 1, 2, 255, 0}}, "01 01 01 61 05 06 4e4f5f534543 40 03 c8 01 09 63 02 01 02 ff 00", "01 00 00 00"},
	{"a server of nothing", Device{Servers: []Server{{}}}, "01 40 00", "01 00 00 00"},
	{"everything", everything(), "", ""},
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecords(t *testing.T) {
	for _, tc := range golden {
		record, keys := tc.device.AppendRecord([]byte{}), tc.device.AppendKeys([]byte{})
		if want := unhex(t, tc.record); len(want) > 0 && !bytes.Equal(record, want) {
			t.Errorf("%s: %x, want %x", tc.name, record, want)
		}
		if want := unhex(t, tc.keys); len(want) > 0 && !bytes.Equal(keys, want) {
			t.Errorf("%s: keys %x, want %x", tc.name, keys, want)
		}
		got, err := ParseRecord(record)
		if err != nil || !equal(got, tc.device.WithoutKeys()) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		if err := got.SetKeys(keys); err != nil || !equal(got, tc.device) {
			t.Errorf("%s: with keys %+v, %v", tc.name, got, err)
		}
		for cut := range record {
			if got, err := ParseRecord(record[:cut]); err == nil && !bytes.Equal(got.AppendRecord(nil), record[:cut]) {
				t.Errorf("%s: cut at %d: %+v", tc.name, cut, got)
			}
		}
		for cut := range keys {
			if err := got.SetKeys(keys[:cut]); !errors.Is(err, ErrRecord) {
				t.Errorf("%s: keys cut at %d: %v", tc.name, cut, err)
			}
		}
		if err := got.SetKeys(append(keys, 0)); !errors.Is(err, ErrRecord) || !equal(got, tc.device) {
			t.Errorf("%s: keys of another device: %v", tc.name, err)
		}
	}
}

func TestBadRecords(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrRecord, "00": ErrVersion, "02": ErrVersion, "01 01": ErrRecord, "01 01 02 61": ErrRecord,
		"01 0a 01 02": ErrRecord, "01 0a 02 0000": ErrRecord, "01 0a 00": ErrRecord, // Booleans
		"01 0b 03 ffff04": ErrRecord, "01 0b 01 80": ErrRecord, "01 0b 00": ErrRecord, // numbers
		"01 0c 0a ffffffffffffffffff01": ErrRecord, "01 0c 09 ffffffffffffffff7f": ErrRecord, // times
		"01 40 01 01": ErrRecord, "01 40 03 02 01 80": ErrRecord, "01" + strings.Repeat("4000", MaxServers+1): ErrRecord,
	} {
		if d, err := ParseRecord(unhex(t, text)); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v", text, d, err)
		}
	}
	var d Device
	if err := d.SetKeys([]byte{2, 0, 0}); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// TestSetKeysTouchesOneDevice: a copy shares the list of servers.
func TestSetKeysTouchesOneDevice(t *testing.T) {
	d := Device{Servers: []Server{{URI: "coaps://h"}}}
	other := d
	if err := d.SetKeys([]byte{1, 0, 0, 1, 9}); err != nil || d.Servers[0].Security.PSKKey.IsZero() || !other.Servers[0].Security.PSKKey.IsZero() {
		t.Errorf("%+v, %+v, %v", d, other, err)
	}
}

func FuzzRecord(f *testing.F) {
	for _, tc := range golden {
		f.Add(tc.device.AppendRecord(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseRecord(b)
		if err != nil {
			return
		}
		again, err := ParseRecord(d.AppendRecord(nil))
		if err != nil || !equal(again, d) {
			t.Errorf("%x: %+v, %v\n%+v", b, again, err, d)
		}
		d.Check(Rules{})
		d.LwM2MServers()
		d.WithDefaults()
	})
}
