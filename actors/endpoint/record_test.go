package endpoint

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"dormouse/actors/observe"
	"dormouse/codec/exchange"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
	"dormouse/codec/wire"
)

// at is a time as records keep it: whole milliseconds.
var at = time.UnixMilli(1_793_534_400_250)

func path(t testing.TB, s string) lwm2m.Path {
	t.Helper()
	p, err := lwm2m.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// registrations are the golden bytes of docs/formats/endpoint.md.
func registrations(t testing.TB) []struct {
	name string
	reg  Registration
	hex  string
} {
	plain := Settings{Format: lwm2m.FormatNone}
	return []struct {
		name string
		reg  Registration
		hex  string
	}{
		{"ended", Registration{Name: "a", Created: at, Count: 7, Since: at, Version: lwm2m.V1_0, Lifetime: 86400, Binding: "U", Settings: plain}, "010109f4dbd8efb2680161000213000007f4dbd8efb268010080c60a0001550000"},
		{"full", Registration{
			Name: "urn:dev:1", Tenant: "t1", Created: at,
			Registered: true, Count: 0x0102, Since: at.Add(time.Second), Version: lwm2m.V1_1, Lifetime: 60,
			Binding: "UT", Queue: true, SMS: "49123", Profile: "6:1234abcd", AwakeTime: 5 * time.Second, HasAwake: true,
			Extra: []query.Pair{{Name: "hb", Flag: true}, {Name: "x", Value: "y"}},
			Objects: link.ObjectList{Root: "/lwm2m", Formats: []lwm2m.Format{lwm2m.FormatSenMLCBOR, lwm2m.FormatTLV},
				Objects: []link.Object{{Path: path(t, "/3/0")}, {Path: path(t, "/5"), Version: lwm2m.Version{Major: 1, Minor: 1}}}},
			Settings: Settings{AwakeTime: 20 * time.Second, HasAwake: true, RequestTimeout: 10 * time.Second,
				Format: lwm2m.FormatTLV, Interval: 30, Fragments: `{"note":"x"}`},
			Observations: observe.Set{
				{Token: ids.Token{1, 2, 3, 4, 5, 6, 7, 8}, Paths: []lwm2m.Path{path(t, "/3/0/9")}, Format: lwm2m.FormatTLV, Query: "pmin=5", Since: at},
				{Token: ids.Token{9}, Paths: []lwm2m.Path{path(t, "/1/0"), path(t, "/3")}, Composite: true, Format: lwm2m.FormatSenMLCBOR, Pending: true},
			},
			Attributes: []Attributes{{Path: path(t, "/3/0/9"), Text: "pmin=5&pmax=10", Pending: true}, {Path: path(t, "/3"), Text: "con=1"}},
			Refused:    []lwm2m.Format{lwm2m.FormatSenMLJSON},
		}, "010113f4dbd8efb2680975726e3a6465763a310274310225070102c4ebd8efb26801017880c8afa025025554053439313233" +
			"0a363a3132333461626364030a010268620000017801790418062f6c776d326d0200702d1602000300000000010005010105" +
			"0f0480a0be8195018090dfc04a2d163c060c7b226e6f7465223a2278227d07360001020304050607082d16f4dbd8efb26806" +
			"706d696e3d35010300030000000903090000000000000000700000020200010000010003082101030003000000090e706d69" +
			"6e3d3526706d61783d31300001000305636f6e3d310902006e"},
	}
}

func TestRegistrationBothWaysAndCut(t *testing.T) {
	for _, tc := range registrations(t) {
		raw := tc.reg.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.hex)
		}
		got, err := ParseRegistration(raw)
		if err != nil || !reflect.DeepEqual(got, &tc.reg) {
			t.Errorf("%s: %+v, %v\nwant %+v", tc.name, got, err, tc.reg)
		}
		whole := sectionEnds(raw)
		for n := range raw {
			if got, err := ParseRegistration(raw[:n]); whole[n] != (err == nil) || err != nil && (got != nil || !errors.Is(err, ErrRecord)) {
				t.Errorf("%s cut at %d: %v, %v", tc.name, n, got, err)
			}
		}
	}
}

// sectionEnds are where a record may end: the sections before are whole.
func sectionEnds(raw []byte) map[int]bool {
	ends := map[int]bool{1: true}
	f := wire.NewFields(raw[1:])
	for f.Len() > 0 {
		f.Section()
		ends[len(raw)-f.Len()] = true
	}
	return ends
}

// TestRegistrationOfNewerVersion: sections that are not known are skipped, another
// version of the whole is not read.
func TestRegistrationOfNewerVersion(t *testing.T) {
	for _, tc := range registrations(t) {
		raw := wire.CloseSection(append(tc.reg.Append(nil), "new"...), len(tc.reg.Append(nil)), 200)
		if got, err := ParseRegistration(raw); err != nil || !reflect.DeepEqual(got, &tc.reg) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		raw[0]++
		if _, err := ParseRegistration(raw); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: version %d: %v", tc.name, raw[0], err)
		}
	}
}

// TestRegistrationOfNextLevel: a program that reads the next level reads both, any
// other the first alone.
func TestRegistrationOfNextLevel(t *testing.T) {
	next := format.Range{Oldest: format.First, Newest: format.Synthetic}
	for _, tc := range registrations(t) {
		raw := tc.reg.AppendAt(format.Synthetic, nil)
		if got := hex.EncodeToString(raw); got != "020973796e746865746963"+tc.hex[2:] {
			t.Errorf("%s: %s", tc.name, got)
		}
		for _, b := range [][]byte{raw, tc.reg.AppendAt(format.First, nil)} {
			if got, err := parseRegistration(b, next); err != nil || !reflect.DeepEqual(got, &tc.reg) {
				t.Errorf("%s: %x: %+v, %v", tc.name, b, got, err)
			}
		}
		for n := range 11 {
			if _, err := parseRegistration(raw[:n], next); !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %v", tc.name, n, err)
			}
		}
		if _, err := parseRegistration(raw, format.Range{Oldest: format.First, Newest: format.First}); !errors.Is(err, ErrRecord) {
			t.Errorf("%s, read by a program of the first level: %v", tc.name, err)
		}
	}
}

func contacts() []struct {
	name    string
	contact Contact
	hex     string
} {
	v4 := wire.ReturnPath{Peer: netip.MustParseAddrPort("192.0.2.1:5683")}
	var answers exchange.Answers
	answers.Remember(at, 0x01020304, 7, true, []byte("abc"))
	return []struct {
		name    string
		contact Contact
		hex     string
	}{
		{"least", Contact{LastContact: at, LastUpdate: at, Path: v4}, "0100f4dbd8efb268000000c00002011633000000000000"},
		{"for ever", Contact{LastContact: at, LastUpdate: at.Add(-time.Second), Path: v4, Registered: true, Count: 3, MessageID: 0xabcd,
			HasWindow: true, Signposted: true}, "0158f4dbd8efb268d00f0000c0000201163300030000abcd00"},
		{"full", Contact{
			LastContact: at, LastUpdate: at.Add(-time.Minute),
			Path:       wire.ReturnPath{Peer: netip.MustParseAddrPort("[2001:db8::1]:5683"), Local: netip.MustParseAddr("2001:db8::2"), Listener: 1},
			Registered: true, Count: 0xffff, Lifetime: 1 << 32, HasWindow: true, Window: 5 * time.Second, Queue: true, Restore: true,
			MessageID: 1, Timer: at.UnixMilli() + 60000, Signposted: true, Asleep: true, Active: 3, Redelivered: 1, Values: 300,
			Marks:   []observe.Mark{{Sequence: 1<<24 - 1, At: at}, {}},
			Answers: answers.Append(nil, at, 2),
		}, "01fff4dbd8efb268c0a907070120010db8000000000000000000000001163320010db8000000000000000000000002ffff80" +
			"8080801088270001b485e0efb2680301ac02000cffffff07f4dbd8efb268000001016ae729c00102030400070103616263"},
		{"credentials alone", Contact{LastContact: at, LastUpdate: at, Bare: true, Secured: true}, "020013f4dbd8efb26800000000000000"},
		{"session alone", Contact{LastContact: at, LastUpdate: at, Path: v4, Bare: true, Secured: true, Unproven: true, Session: []byte{0x12, 0xc1, 7, 0xe8, 7}, Secret: []byte("sealed")}, "02000ff4dbd8efb268000000c000020116330000000000000512c107e807067365616c6564"},
		{"registered by DTLS", Contact{LastContact: at, LastUpdate: at, Path: v4, Registered: true, Lifetime: 60, Secured: true, Session: []byte{0x12, 64, 0}, Secret: []byte{1}}, "02100af4dbd8efb268000000c0000201163300003c000000031240000101"},
	}
}

func TestContactBothWaysAndCut(t *testing.T) {
	for _, tc := range contacts() {
		raw := tc.contact.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.hex)
		}
		var got Contact
		if err := got.Parse(raw); err != nil || !bytes.Equal(got.Append(nil), raw) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		if len(got.Answers) == 0 {
			got.Answers = nil
		}
		if !reflect.DeepEqual(got, tc.contact) {
			t.Errorf("%s: %+v\nwant %+v", tc.name, got, tc.contact)
		}
		if tc.contact.more() != 0 && raw[0] != contactVersion2 || tc.contact.more() == 0 && raw[0] != contactVersion1 {
			t.Errorf("%s: version %d", tc.name, raw[0])
		}
		for n := range len(raw) - len(tc.contact.Answers) {
			if err := got.Parse(raw[:n]); !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %v", tc.name, n, err)
			}
		}
	}
}

// TestContactCutInItsAnswers: what is left of the answers is theirs to judge,
// and an endpoint is not built from a part of them.
func TestContactCutInItsAnswers(t *testing.T) {
	shard := &Shard{Env: newWorld(t).env}
	full := contacts()[2].contact
	raw := full.Append(nil)
	for n := 1; n < len(full.Answers); n++ {
		if _, err := Load(shard, 1, raw[:len(raw)-n]); err == nil {
			t.Errorf("%d bytes cut", n)
		}
	}
	if _, err := Load(shard, 1, raw); err != nil {
		t.Error(err)
	}
}

func values(t testing.TB) []struct {
	name  string
	value LastValue
	hex   string
} {
	return []struct {
		name  string
		value LastValue
		hex   string
	}{
		{"text", LastValue{Value: lwm2m.String("abc"), At: at, Received: at}, "00f4dbd8efb2680103616263"},
		{"integer, stamped", LastValue{Value: lwm2m.Integer(-750), At: time.Unix(0, at.UnixNano()-1), Stamped: true, Received: at}, "01f4dbd8efb268fec9c1b59a82f5e33102db0b"},
		{"float", LastValue{Value: lwm2m.Float(22.5), At: at, Received: at}, "00f4dbd8efb26804808080808080a09b40"},
		{"none", LastValue{At: at, Received: at}, "00f4dbd8efb26800"},
	}
}

func TestLastValueBothWaysAndCut(t *testing.T) {
	for _, tc := range values(t) {
		raw := tc.value.Append([]byte{0xee})[1:]
		if got := hex.EncodeToString(raw); got != tc.hex {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.hex)
		}
		got, err := ParseLastValue(raw)
		if err != nil || !reflect.DeepEqual(got, tc.value) {
			t.Errorf("%s: %+v, %v; want %+v", tc.name, got, err, tc.value)
		}
		for n := range raw {
			if _, err := ParseLastValue(raw[:n]); !errors.Is(err, ErrRecord) {
				t.Errorf("%s cut at %d: %v", tc.name, n, err)
			}
		}
		if _, err := ParseLastValue(append(raw, 0)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: a byte too many: %v", tc.name, err)
		}
	}
}

func TestMalformedContacts(t *testing.T) {
	full := contacts()[2].contact
	good := hex.EncodeToString(full.Append(nil))
	for name, raw := range map[string]string{
		"empty":           "",
		"version 2":       "02" + good[2:],
		"unknown address": good[:4] + "00" + "00" + "08" + strings.Repeat("00", 40),
		"broken marks":    strings.Replace(good, "ffffff07", "ffffffff", 1),
	} {
		b, err := hex.DecodeString(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		var c Contact
		if err := c.Parse(b); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseRegistration(f *testing.F) {
	for _, tc := range registrations(f) {
		f.Add(tc.reg.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRegistration(data)
		if err != nil {
			return
		}
		once := r.Append(nil)
		again, err := ParseRegistration(once)
		if err != nil || !bytes.Equal(again.Append(nil), once) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}

func FuzzParseContact(f *testing.F) {
	for _, tc := range contacts() {
		f.Add(tc.contact.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c, again Contact
		if c.Parse(data) != nil {
			return
		}
		once := c.Append(nil)
		if err := again.Parse(once); err != nil || !bytes.Equal(again.Append(nil), once) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}

func FuzzParseLastValue(f *testing.F) {
	for _, tc := range values(f) {
		f.Add(tc.value.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseLastValue(data)
		if err != nil {
			return
		}
		once := v.Append(nil)
		again, err := ParseLastValue(once)
		if err != nil || !bytes.Equal(again.Append(nil), once) {
			t.Fatalf("%x became %x: %v", data, once, err)
		}
	})
}
