package command

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/content"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
)

// TestPayload: what is written, decoded again, in each version's own format
// and behind a root path.
func TestPayload(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`write /3/0/14 "+01:00"`, "/3/0/14=String:+01:00"},
		{"write /1/0/1 86400", "/1/0/1=Integer:86400"},
		{"write /3/0/13 2013-05-02T10:40:15Z", "/3/0/13=Time:2013-05-02T10:40:15Z"},
		{"write /3/0/13 1367491215", "/3/0/13=Time:2013-05-02T10:40:15Z"},
		{"write /3/0/13 2013-05-02T12:40:15.5+02:00", "/3/0/13=Time:2013-05-02T10:40:15Z"},
		{"write /1/0/6 1", "/1/0/6=Boolean:true"},
		{"write /1/0/6 false", "/1/0/6=Boolean:false"},
		{"write /3/0/22/0 11:3", "/3/0/22/0=Objlnk:11:3"},
		{"write /3308/0/5900 18", "/3308/0/5900=Float:18"},
		{"write /3308/0/5900 -1.25e-3", "/3308/0/5900=Float:-0.00125"},
		{"write /5/0/1 \"\"", "/5/0/1=String:"},
		{"write /16/0/0/3 x", "/16/0/0/3=String:x"},
		{`write /16/0/0 {"1":"Yellow", "3":"Blue"}`, "/16/0/0/1=String:Yellow /16/0/0/3=String:Blue"},
		{`write /1/0 {"1":61,"6":true,"7":"U"}`, "/1/0/1=Integer:61 /1/0/6=Boolean:true /1/0/7=String:U"},
		{`write /1/0 {"1":9007199254740993}`, "/1/0/1=Integer:9007199254740993"},
		{`write /3/0 {"13":"2013-05-02T10:40:15Z","14":5}`, "/3/0/13=Time:2013-05-02T10:40:15Z /3/0/14=String:5"},
		{`create /3311 {"id":1,"5850":true}`, "/3311/1/5850=Boolean:true"},
		{`create /16 {"id":2,"0":{"0":"a","1":"b"}}`, "/16/2/0/0=String:a /16/2/0/1=String:b"},
	} {
		l := parseOne(t, c.text)
		for _, d := range devices() {
			r, err := l.Request(d)
			if err != nil {
				t.Errorf("%s for %s: %v", c.text, d.Version, err)
				continue
			}
			nodes, err := content.Decode(r.Format, l.Paths[0], r.Payload, d.options())
			if got := shownNodes(nodes); err != nil || got != c.want {
				t.Errorf("%s for %s as %s: %x: %v\n got %s\nwant %s", c.text, d.Version, r.Format, r.Payload, err, got, c.want)
			}
		}
	}
}

// TestPayloadComposite: the paths and values of composites, and the root path
// in URI and names.
func TestPayloadComposite(t *testing.T) {
	for _, d := range devices() {
		r, err := parseOne(t, `cwrite /1/0/2 101 /1/0/6 true /16/0/0 {"0":"a"} /3311/0/5850 false`).Request(d)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := content.Decode(r.Format, lwm2m.NewPath(), r.Payload, d.options())
		want := "/1/0/2=Integer:101 /1/0/6=Boolean:true /16/0/0/0=String:a /3311/0/5850=Boolean:false"
		if got := shownNodes(nodes); err != nil || got != want || "/"+r.Path != "/"+strings.TrimPrefix(d.Root, "/") {
			t.Errorf("cwrite for %s at %q: %v\n got %s\nwant %s", d.Version, r.Path, err, got, want)
		}
		r, err = parseOne(t, "cread /3/0/16 /3/0/11/0 /1/0").Request(d)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := content.DecodePaths(r.Format, r.Payload, d.options())
		if got := fmt.Sprint(paths); err != nil || got != "[/3/0/16 /3/0/11/0 /1/0]" {
			t.Errorf("cread for %s: %s, %v", d.Version, got, err)
		}
		if d.Root != "" && !strings.Contains(string(r.Payload), d.Root+"/") {
			t.Errorf("cread behind %s: %s", d.Root, r.Payload)
		}
	}
	d := devices()[3]
	r, err := parseOne(t, "read /3/0/0").Request(d)
	if err != nil || show(r) != "GET /lwm2m/3/0/0 accept=SENML_JSON" {
		t.Errorf("read behind a root: %s, %v", show(r), err)
	}
	r, err = parseOne(t, `coap {"method":"get","uri":"/3/0"}`).Request(d)
	if err != nil || show(r) != "GET /3/0" {
		t.Errorf("raw request behind a root: %s, %v", show(r), err)
	}
}

// TestPayloadVectors: the bytes of OMA's examples.
func TestPayloadVectors(t *testing.T) {
	for _, c := range []struct {
		text, want string
		f          lwm2m.Format
	}{
		{`write /1/0 {"2":101,"3":1010,"5":2000,"6":true,"7":"U"}`, "c10265c20303f2c20507d0c10601c10755", lwm2m.FormatTLV},
		{`create /16 {"id":1,"0":{"0":"Host Device ID #2","1":"Host Device Model #2"}}`,
			"08012e88002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332", lwm2m.FormatTLV},
		{`write /1/0/17 2`, "c11102", lwm2m.FormatTLV},
		{`write /3/0 {"13":1367491215,"14":"+02:00","15":"Europe/Paris"}`,
			"c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973", lwm2m.FormatTLV},
		{`create /16 {"id":1}`, "0001", lwm2m.FormatTLV},
		{"write /1/0/6 true", hex.EncodeToString([]byte("1")), lwm2m.FormatText},
		{"write /3/0/13 1367491215", "1a5182428f", lwm2m.FormatCBOR},
		{"cwrite /1/0/2 101 /1/0/6 true /3/0/13 0", "83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200", lwm2m.FormatSenMLCBOR},
		{"cwrite /1/0/2 101 /1/0/6 true /3/0/13 0",
			hex.EncodeToString([]byte(`[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true},{"n":"3/0/13","v":0}]`)), lwm2m.FormatSenMLJSON},
		{"cread /3/0/0 /3/0/9 /1/0/1", hex.EncodeToString([]byte(`[{"n":"/3/0/0"},{"n":"/3/0/9"},{"n":"/1/0/1"}]`)), lwm2m.FormatSenMLJSON},
		{"cread /", hex.EncodeToString([]byte(`[{"n":"/"}]`)), lwm2m.FormatSenMLJSON},
		{"writeb /19/0/0/0 abCDef", "abcdef", lwm2m.FormatOpaque},
		{"writeb /6/0/4 0102030405", hex.EncodeToString([]byte("AQIDBAU=")), lwm2m.FormatText},
	} {
		l := parseOne(t, c.text)
		l.Format = c.f
		r, err := l.Request(device(lwm2m.V1_1))
		if got := hex.EncodeToString(r.Payload); err != nil || got != c.want || r.Format != c.f {
			t.Errorf("%s as %s: %v\n got %s as %s\nwant %s", c.text, c.f, err, got, r.Format, c.want)
		}
	}
	for text, want := range map[string]string{
		"execute /5/0/2 7,0='https://www.omaspecworks.org'": "7,0='https://www.omaspecworks.org'",
		"execute /3/0/4 0,1,2,3,4":                          "0,1,2,3,4",
		"executelegacy /3/0/4 reboot now":                   "reboot now",
	} {
		if r, err := parseOne(t, text).Request(device(lwm2m.V1_0)); err != nil || string(r.Payload) != want {
			t.Errorf("%s: %q, %v", text, r.Payload, err)
		}
	}
}

// Without an ID, a created instance is the resources alone.
func TestPayloadCreateWithoutID(t *testing.T) {
	r, err := parseOne(t, `create /3311 {"5851":50}`).Request(device(lwm2m.V1_1))
	if got := hex.EncodeToString(r.Payload); err != nil || got != "e116db32" {
		t.Errorf("TLV: %s, %v", got, err)
	}
	d := device(lwm2m.V1_2, lwm2m.FormatLwM2MCBOR)
	if r, err = parseOne(t, `create /3311 {"5851":50}`).Request(d); err != nil {
		t.Fatal(err)
	}
	asked := d.options()
	asked.Answer = false
	nodes, err := content.Decode(r.Format, lwm2m.NewPath(3311), r.Payload, asked)
	if got := shownNodes(nodes); err != nil || got != "/3311/65535/5851=Integer:50" {
		t.Errorf("LwM2M CBOR: %x: %s, %v", r.Payload, got, err)
	}
	r, err = parseOne(t, `create /2 {"0":5,"1":0,"2":{"102":0},"3":101}`).Request(d)
	if got := hex.EncodeToString(r.Payload); err != nil || !slices.Contains([]string{
		"a1820219ffffa4000501008202186600031865", // as printed, with the key [2,102]
		"a1820219ffffa40005010002a1186600031865", // the same, nested
	}, got) {
		t.Errorf("LwM2M CBOR: %s, %v", got, err)
	}
}

// The types are those of the object version that the client has: resource 14
// of object 1 came with version 1.1 of it, resource 14 of object 10 as well.
func TestPayloadVersions(t *testing.T) {
	newer := device(lwm2m.V1_1)
	newer.Types = model.Core().Types(func(uint16) lwm2m.Version { return lwm2m.V1_1 })
	for _, c := range []struct {
		text string
		d    *Device
		want string
	}{
		{"write /1/0/14 18446744073709551615", device(lwm2m.V1_1), "c80e08ffffffffffffffff"},
		{"write /1/0/14 5", device(lwm2m.V1_0), "c10e35"}, // unknown: a string
		{"write /10/0/14 2", newer, "c10e02"},
		{"write /10/0/14 2", device(lwm2m.V1_1), "c10e32"},
	} {
		l := parseOne(t, c.text)
		l.Format = lwm2m.FormatTLV
		r, err := l.Request(c.d)
		if got := hex.EncodeToString(r.Payload); err != nil || got != c.want {
			t.Errorf("%s for %s: %s, %v; want %s", c.text, c.d.Version, got, err, c.want)
		}
	}
}

// A type that the model does not know is that of the notation, else String.
func TestPayloadUnknownType(t *testing.T) {
	d := device(lwm2m.V1_1)
	for text, want := range map[string]string{
		`write /64000/0/1 5`:                        "/64000/0/1=String:5",
		`write /64000/0/1 {"a":1}`:                  `/64000/0/1=String:{"a":1}`,
		`write /64000/0 {"1":5}`:                    "/64000/0/1=Integer:5",
		`write /64000/0 {"1":"5"}`:                  "/64000/0/1=String:5",
		`write /64000/0 {"1":true}`:                 "/64000/0/1=Boolean:true",
		`write /64000/0 {"1":1.5}`:                  "/64000/0/1=Float:1.5",
		`write /64000/0 {"1":{"2":3}}`:              "/64000/0/1/2=Integer:3",
		`write /64000/0 {"1":18446744073709551615}`: "/64000/0/1=Unsigned Integer:18446744073709551615",
	} {
		nodes, err := parseOne(t, text).nodes(d)
		if got := shownNodes(nodes); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

// TestValueErrors: values that the model refuses have a place, too.
func TestValueErrors(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		reason       string
	}{
		{"write /1/0/1 x", 1, 14, "expected an integer of 64 bits for /1/0/1 (Integer), found \"x\""},
		{"write /1/0/1 9223372036854775808", 1, 14, "64 bits"},
		{"write /1/0/1 1.0", 1, 14, "an integer"},
		{"write /1/0/14 -1", 1, 15, "without sign"},
		{"write /1/0/6 yes", 1, 14, "true, false, 1 or 0"},
		{"write /3/0/13 yesterday", 1, 15, "seconds since 1970"},
		{"write /6/0/4 abc", 1, 14, "hex digits"},
		{"write /1/0/10 3", 1, 15, "an object link"},
		{"write /1/0/10 3:70000", 1, 15, "an object link"},
		{"write /3308/0/5900 0x10", 1, 20, "a decimal number"},
		{"write /3308/0/5900 NaN", 1, 20, "a decimal number"},
		{"write /3308/0/5900 1e999", 1, 20, "a decimal number"},
		{"read /3\ncwrite /3/0/14 \"ü\" /1/0/1 x", 2, 27, "an integer"},
		{"read /3\nwrite /1/0 {\"1\":60,\n \"6\":\"maybe\"}", 3, 6, "true, false, 1 or 0"},
		{`write /16/0/0 {"0":"a"`, 1, 23, "well-formed JSON"},
		{`write /16/0/0 {"0":"a"} x`, 1, 24, "nothing behind"},
		{`write /16/0/0 {"a":"a"}`, 1, 16, "resource instance ID"},
	} {
		lines, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		_, err = lines[len(lines)-1].Request(device(lwm2m.V1_1))
		var at *SyntaxError
		if !errors.As(err, &at) || at.Line != c.line || at.Column != c.column || !strings.Contains(at.Reason, c.reason) {
			t.Errorf("%s:\n got %v\nwant line %d, column %d: %s", c.text, err, c.line, c.column, c.reason)
		}
	}
}
