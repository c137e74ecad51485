package senml

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

// jsonCodec and cborCodec are the two forms for a device with an alternate
// root path ("": none).
func jsonCodec(root string) nodestest.Codec {
	types := nodestest.Core()
	return nodestest.Codec{
		Decode: func(base lwm2m.Path, b []byte) ([]lwm2m.Node, error) { return DecodeJSON(base, b, root, types) },
		Append: func(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
			return AppendJSON(dst, base, list, root)
		},
	}
}

func cborCodec(root string) nodestest.Codec {
	types := nodestest.Core()
	return nodestest.Codec{
		Decode: func(base lwm2m.Path, b []byte) ([]lwm2m.Node, error) { return DecodeCBOR(base, b, root, types) },
		Append: func(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
			return AppendCBOR(dst, base, list, root)
		},
	}
}

const deviceNodes = `/3/0/0 String "Open Mobile Alliance"
	/3/0/1 String "Lightweight M2M Client"
	/3/0/2 String "345000123"
	/3/0/3 String "1.0"
	/3/0/6/0 Integer 1
	/3/0/6/1 Integer 5
	/3/0/7/0 Integer 3800
	/3/0/7/1 Integer 5000
	/3/0/8/0 Integer 125
	/3/0/8/1 Integer 900
	/3/0/9 Integer 100
	/3/0/10 Integer 15
	/3/0/11/0 Integer 0
	/3/0/13 Time 1367491215
	/3/0/14 String "+02:00"
	/3/0/16 String "U"`

const ets257Nodes = `/1/0/2 Integer 101
	/1/0/6 Boolean true
	/3/0/13 Time 0`

// Every value that the two forms carry, and what they are written as.
const everyNode = `/32769/5/1 String "U\"\\\n\x01é"
	/32769/5/2 Integer -9223372036854775808
	/32769/5/3 UnsignedInteger 18446744073709551615
	/32769/5/4 Float 1.5
	/32769/5/5 Boolean false
	/32769/5/6 Opaque fbff @1320067464.5
	/32769/5/7 Time 1476186613 @-5
	/32769/5/8 Objlnk 66:0
	/32769/5/9 Corelnk "</3>"
	/32769/5/12 None`

func TestJSONVectors(t *testing.T) {
	for _, c := range []struct {
		name, base, json, nodes string
		canonical               bool
	}{
		{"OMA Core 7.5.6, /3/0", "/3/0", `[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"1","vs":"Lightweight M2M Client"},{"n":"2","vs":"345000123"},{"n":"3","vs":"1.0"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},{"n":"7/1","v":5000},{"n":"8/0","v":125},{"n":"8/1","v":900},{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},{"n":"13","v":1367491215},{"n":"14","vs":"+02:00"},{"n":"16","vs":"U"}]`,
			deviceNodes, true},
		{"values with a base time", "/72", `[{"bn":"/72/","bt":25462634,"n":"1/2","v":22.4,"t":-5},{"n":"1/2","v":22.9,"t":-30},{"n":"1/2","v":24.1,"t":-50}]`,
			`/72/1/2 Float 22.4 @25462629
			/72/1/2 Float 22.9 @25462604
			/72/1/2 Float 24.1 @25462584`, false},
		{"the whole path in bn", "/3/0/0", `[{"bn":"/3/0/0","vs":"Open Mobile Alliance"}]`,
			`/3/0/0 String "Open Mobile Alliance"`, true},
		{"Read-Composite", "/", `[{"n":"/3/0/0","vs":"Open Mobile Alliance"},{"n":"/3/0/9","v":95},{"n":"/1/0/1","v":86400}]`,
			`/3/0/0 String "Open Mobile Alliance"
			/3/0/9 Integer 95
			/1/0/1 Integer 86400`, false},
		{"Write-Composite, an integer for a Float", "/", `[{"n":"/3311/0/5850","vb":false},{"n":"/3311/1/5850","vb":false},{"n":"/3311/2/5851","v":20},{"n":"/3308/0/5900","v":18}]`,
			`/3311/0/5850 Boolean false
			/3311/1/5850 Boolean false
			/3311/2/5851 Integer 20
			/3308/0/5900 Float 18`, false},
		{"ETS 257", "/", `[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true},{"n":"3/0/13","v":0}]`, ets257Nodes, true},
		{"instances of a resource", "/34/0/1", `[{"n":"/34/0/1/1","vs":"Yellow"},{"n":"/34/0/1/3","vs":"Blue"}]`,
			`/34/0/1/1 String "Yellow"
			/34/0/1/3 String "Blue"`, false},
		{"Send", "/", `[{"n":"/6/0/0","v":43.61092},{"n":"/6/0/1","v":3.87723},{"n":"/4/0/2","v":-49}]`,
			`/6/0/0 Float 43.61092
			/6/0/1 Float 3.87723
			/4/0/2 Integer -49`, false},
		{"Bootstrap-Read", "/2", `[{"bn":"/2/","n":"0/0","v":1},{"n":"0/1","v":0},{"n":"0/2/127","v":7},{"n":"0/3","v":127},{"n":"2/0","v":3},{"n":"2/1","v":0},{"n":"2/2/127","v":7},{"n":"2/2/310","v":7},{"n":"2/3","v":127}]`,
			`/2/0/0 Integer 1
			/2/0/1 Integer 0
			/2/0/2/127 Integer 7
			/2/0/3 Integer 127
			/2/2/0 Integer 3
			/2/2/1 Integer 0
			/2/2/2/127 Integer 7
			/2/2/2/310 Integer 7
			/2/2/3 Integer 127`, true},
		{"Bootstrap-Pack, bn changes", "/", `[{"bn":"/0/1/","n":"0","vs":"coaps://server1.example.com"},{"n":"1","vb":false},{"n":"2","v":0},{"n":"3","vd":"YjMxM2NjMjItZjk2OS00MmVjLWFkNDI"},{"n":"4","vd":""},{"n":"5","vd":"HKICjXGXx3jprvXvaQgr6g"},{"n":"10","v":101},{"bn":"/1/0/","n":"0","v":101},{"n":"1","v":86400},{"n":"2","v":300},{"n":"3","v":6000},{"n":"5","v":86400},{"n":"6","vb":true},{"n":"7","vs":"U"}]`,
			`/0/1/0 String "coaps://server1.example.com"
			/0/1/1 Boolean false
			/0/1/2 Integer 0
			/0/1/3 Opaque 62333133636332322d663936392d343265632d61643432
			/0/1/4 Opaque
			/0/1/5 Opaque 1ca2028d7197c778e9aef5ef69082bea
			/0/1/10 Integer 101
			/1/0/0 Integer 101
			/1/0/1 Integer 86400
			/1/0/2 Integer 300
			/1/0/3 Integer 6000
			/1/0/5 Integer 86400
			/1/0/6 Boolean true
			/1/0/7 String "U"`, false},
		{"opaque", "/0/0/3", `[{"bn":"/0/0/3","vd":"q83v"}]`, `/0/0/3 Opaque abcdef`, true},
		{"every type", "/32769/5", `[{"bn":"/32769/5/","n":"1","vs":"U\"\\\n\u0001é"},{"n":"2","v":-9223372036854775808},{"n":"3","v":18446744073709551615},{"n":"4","v":1.5},{"n":"5","vb":false},{"n":"6","vd":"-_8","t":1320067464.5},{"n":"7","v":1476186613,"t":-5},{"n":"8","vlo":"66:0"},{"n":"9","vs":"</3>"},{"n":"12"}]`,
			everyNode, true},
		{"nothing", "/3/0/6", `[]`, `/3/0/6 None`, true},
		{"a resource and its instance", "/3/0/6", `[{"bn":"/3/0/6","n":""},{"n":"/1","v":5}]`, `/3/0/6 None
			/3/0/6/1 Integer 5`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			jsonCodec("").Run(t, nodestest.Vector{Base: c.base, Payload: []byte(c.json), Nodes: c.nodes, Canonical: c.canonical})
		})
	}
}

func TestCBORVectors(t *testing.T) {
	for _, c := range []struct {
		name, base, hex, nodes string
		canonical              bool
	}{
		{"OMA Core 7.5.4, /3/0", "/3/0", `90a321652f332f302f00613003744f70656e204d6f62696c6520416c6c69616e6365a200613103764c69676874776569676874204d324d20436c69656e74
			a20061320369333435303030313233a20061330363312e30a20063362f300201a20063362f310205a20063372f3002190ed8a20063372f3102191388
			a20063382f3002187da20063382f3102190384a2006139021864a200623130020fa2006431312f300200a200623133021a5182428f
			a20062313403662b30323a3030a200623136036155`, deviceNodes, true},
		{"ETS 257", "/", "83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200", ets257Nodes, true},
		{"opaque", "/0/0/3", "81a221662f302f302f330843abcdef", `/0/0/3 Opaque abcdef`, true},
		{"every type", "/32769/5", `8a
			a3 21 692f33323736392f352f 00 6131 03 67 55225c0a01c3a9
			a2 00 6132 02 3b7fffffffffffffff
			a2 00 6133 02 1bffffffffffffffff
			a2 00 6134 02 fa3fc00000
			a2 00 6135 04 f4
			a3 00 6136 08 42fbff 06 c4 82 20 1b0000000312d24f55
			a3 00 6137 02 1a57fcd1f5 06 24
			a2 00 6138 63766c6f 6436363a30
			a2 00 6139 03 643c2f333e
			a1 00 623132`, everyNode, true},
		{"nothing", "/3/0/6", "80", `/3/0/6 None`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cborCodec("").Run(t, nodestest.Vector{Base: c.base, Payload: nodestest.Hex(t, c.hex), Nodes: c.nodes, Canonical: c.canonical})
		})
	}
}

// What devices send beyond the RFC's letter, and what the RFC allows beyond
// what we write.
func TestToleratedJSON(t *testing.T) {
	for _, c := range []struct{ name, base, root, json, nodes string }{
		{"names relative to the request", "/3/0", "", `[{"n":"9","v":1},{"n":"11/0","v":2}]`, `/3/0/9 Integer 1
			/3/0/11/0 Integer 2`},
		{"no name at all", "/3/0/9", "", `[{"v":1}]`, `/3/0/9 Integer 1`},
		{"absolute names without a slash", "/", "", `[{"n":"3/0/9","v":1}]`, `/3/0/9 Integer 1`},
		{"an absolute name beside a base name", "/3/0", "", `[{"bn":"/3/0/","n":"/3/0/9","v":1}]`, `/3/0/9 Integer 1`},
		{"a base name without a slash", "/3/0", "", `[{"bn":"3/0/","n":"9","v":1}]`, `/3/0/9 Integer 1`},
		{"the base name alone in front", "/3/0", "", `[{"bn":"/3/0/"},{"n":"9","v":1}]`, `/3/0/9 Integer 1`},
		{"the base name behind the name", "/3/0", "", `[{"v":1,"n":"9","bn":"/3/0/"}]`, `/3/0/9 Integer 1`},
		{"the alternate root", "/3/0", "/lwm2m", `[{"n":"/lwm2m/3/0/0","vs":"Open Mobile Alliance"}]`, `/3/0/0 String "Open Mobile Alliance"`},
		{"the alternate root in bn", "/", "lwm2m/", `[{"bn":"/lwm2m/","n":"3/0/9","v":1}]`, `/3/0/9 Integer 1`},
		{"the alternate root forgotten", "/3/0", "/lwm2m", `[{"n":"/3/0/9","v":1}]`, `/3/0/9 Integer 1`},
		{"the alternate root without a slash", "/", "/lwm2m", `[{"n":"lwm2m/3/0/9","v":1}]`, `/3/0/9 Integer 1`},
		{"units, update times and unknown labels", "/3/0", "", `[{"bn":"/3/0/","bu":"V","bs":1,"bver":10,"n":"9","u":"%","ut":60,"v":1,"x":{"a":[1,2]}}]`, `/3/0/9 Integer 1`},
		{"labels are told apart by case", "/3/0", "", `[{"n":"9","V":"x","v":1}]`, `/3/0/9 Integer 1`},
		{"a sum", "/3/0", "", `[{"n":"9","s":5},{"n":"10","v":1,"s":5}]`, `/3/0/10 Integer 1`},
		{"a base value", "/3/0", "", `[{"bn":"/3/0/","bv":100,"n":"9","v":-5},{"n":"10"},{"n":"16","vs":"U"}]`, `/3/0/9 Integer 95
			/3/0/10 Integer 100
			/3/0/16 String "U"`},
		{"a base value of a float", "/72/1", "", `[{"n":"2","bv":0.5,"v":1}]`, `/72/1/2 Float 1.5`},
		{"version 26", "/3/0", "", `[{"bver":26,"n":"9","v":1},{"n":"10","v":2,"bver":26}]`, `/3/0/9 Integer 1
			/3/0/10 Integer 2`},
		{"null", "/3/0", "", `[{"n":"9","v":null}]`, `/3/0/9 None`},
		{"opaque padded", "/0/0", "", `[{"n":"3","vd":"AQIDBAU="}]`, `/0/0/3 Opaque 0102030405`},
		{"opaque of the standard alphabet", "/0/0", "", `[{"n":"3","vd":"+/8"}]`, `/0/0/3 Opaque fbff`},
		{"an object link with a NUL", "/3/0", "", `[{"n":"22/0","vlo":"66:0\u0000"}]`, `/3/0/22/0 Objlnk 66:0`},
		{"an object link as text", "/3/0", "", `[{"n":"22/0","vs":"66:0"}]`, `/3/0/22/0 Objlnk 66:0`},
		{"a Boolean as a number", "/1/0", "", `[{"n":"6","v":1}]`, `/1/0/6 Boolean true`},
		{"an Integer with a point", "/1/0", "", `[{"n":"1","v":86400.0},{"n":"2","v":1e3}]`, `/1/0/1 Integer 86400
			/1/0/2 Integer 1000`},
		{"unknown resources", "/500", "", `[{"n":"0/1","v":9007199254740993},{"n":"0/2","v":9223372036854775808},{"n":"0/3","v":1.0}]`, `/500/0/1 Integer 9007199254740993
			/500/0/2 UnsignedInteger 9223372036854775808
			/500/0/3 Float 1`},
		{"white space", "/3/0", "", " [ { \"n\" : \"9\" ,\n\"v\" : 1 } ] ", `/3/0/9 Integer 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			payload := []byte(strings.TrimRight(c.json, " ")) // a cut of blanks behind the end would decode
			jsonCodec(c.root).Run(t, nodestest.Vector{Base: c.base, Payload: payload, Nodes: c.nodes})
			if _, err := jsonCodec(c.root).Decode(nodestest.Path(t, c.base), []byte(c.json)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestToleratedCBOR(t *testing.T) {
	for _, c := range []struct{ name, base, hex, nodes string }{
		{"indefinite lengths", "/3/0", "9f bf 21 7f 632f332f 62302f ff 00 6139 02 01 ff ff", `/3/0/9 Integer 1`},
		{"half floats", "/72/1", "81 a2 00 6132 02 f93e00", `/72/1/2 Float 1.5`},
		{"an Integer as a float", "/3/0", "81 a2 00 6139 02 fa42c80000", `/3/0/9 Integer 100`},
		{"a Float as an integer", "/72/1", "81 a2 00 6132 02 12", `/72/1/2 Float 18`},
		{"a Time with tag 1", "/3/0", "81 a2 00 623133 02 c11a5182428f", `/3/0/13 Time 1367491215`},
		{"a Time with tag 0", "/3/0", "81 a2 00 623133 03 c0 74 323031332d30352d30325431303a34303a31355a", `/3/0/13 Time 1367491215`},
		{"a time as a decimal fraction", "/3/0", "81 a3 00 6139 02 01 06 c4 82 20 1b 0000000312e8e8ed", `/3/0/9 Integer 1 @1320215575.7`},
		{"a base time as a double", "/3/0", "81 a4 00 6139 02 01 22 fb41d3aba0b2200000 06 20", `/3/0/9 Integer 1 @1320059591.5`},
		{"text labels", "/3/0", "81 a2 616e 6139 6176 01", `/3/0/9 Integer 1`},
		{"unknown labels", "/3/0", "81 a5 00 6139 02 01 18 63 82 01 a1 02 03 38 63 f6 6178 01", `/3/0/9 Integer 1`},
		{"NaN", "/72/1", "81 a2 00 6132 02 f97e00", `/72/1/2 Float NaN`},
		{"opaque as base64", "/0/0", "81 a2 00 6133 08 6471383376", `/0/0/3 Opaque abcdef`},
		{"a tagged pack", "/3/0", "d9d9f7 81 a2 00 6139 02 01", `/3/0/9 Integer 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cborCodec("").Run(t, nodestest.Vector{Base: c.base, Payload: nodestest.Hex(t, c.hex), Nodes: c.nodes})
		})
	}
}

func TestRefusedJSON(t *testing.T) {
	long := strings.Repeat("x", nodes.MaxName+1)
	for _, c := range []struct{ name, base, json string }{
		{"nothing", "/3/0", ``},
		{"an object", "/3/0", `{"n":"9","v":1}`},
		{"an array of numbers", "/3/0", `[1]`},
		{"text behind the pack", "/3/0", `[{"n":"9","v":1}]]`},
		{"a second pack", "/3/0", `[{"n":"9","v":1}] []`},
		{"a trailing comma", "/3/0", `[{"n":"9","v":1},]`},
		{"a number with a leading zero", "/1/0", `[{"n":"2","v":0101}]`},
		{"a label that must be understood", "/3/0", `[{"n":"9","v":1,"new_":1}]`},
		{"a later version", "/3/0", `[{"bver":11,"n":"9","v":1}]`},
		{"two versions", "/3/0", `[{"bver":10,"n":"9","v":1},{"bver":5,"n":"9","v":1}]`},
		{"a version that is no integer", "/3/0", `[{"bver":"10","n":"9","v":1}]`},
		{"two values", "/3/0", `[{"n":"9","v":1,"vs":"1"}]`},
		{"a label twice", "/3/0", `[{"n":"9","v":1,"v":2}]`},
		{"a path outside", "/3/0", `[{"n":"/3/1/9","v":1}]`},
		{"a value of an instance", "/3/0", `[{"bn":"/3/0","v":1}]`},
		{"five IDs", "/3/0", `[{"n":"/3/0/9/0/0","v":1}]`},
		{"another root", "/3/0", `[{"n":"/other/3/0/9","v":1}]`},
		{"a long base name", "/", `[{"bn":"` + long + `"},{"n":"/3/0/9","v":1}]`},
		{"a long name", "/", `[{"n":"` + long + `","v":1}]`},
		{"text for v", "/3/0", `[{"n":"9","v":"1"}]`},
		{"a number for vs", "/3/0", `[{"n":"16","vs":1}]`},
		{"a number for vb", "/1/0", `[{"n":"6","vb":1}]`},
		{"a number for vd", "/0/0", `[{"n":"3","vd":1}]`},
		{"a number for vlo", "/3/0", `[{"n":"22","vlo":1}]`},
		{"an object link with one part", "/3/0", `[{"n":"22","vlo":"66"}]`},
		{"bad base64", "/0/0", `[{"n":"3","vd":"a"}]`},
		{"a number for n", "/3/0", `[{"n":9,"v":1}]`},
		{"text for t", "/3/0", `[{"n":"9","v":1,"t":"now"}]`},
		{"an array for v", "/3/0", `[{"n":"9","v":[1]}]`},
		{"a time beyond the range", "/3/0", `[{"n":"9","v":1,"t":1e10}]`},
		{"a sum of times beyond the range", "/3/0", `[{"bt":9e9,"n":"9","v":1,"t":9e9}]`},
		{"a number beyond the range", "/72/1", `[{"n":"2","v":1e999}]`},
		{"a String for an Integer", "/3/0", `[{"n":"9","vs":"1"}]`},
	} {
		list, err := jsonCodec("").Decode(nodestest.Path(t, c.base), []byte(c.json))
		if err == nil {
			t.Errorf("%s decodes to\n%s", c.name, nodestest.Text(list))
		}
	}
}

func TestRefusedCBOR(t *testing.T) {
	for _, c := range []struct{ name, hex string }{
		{"nothing", ""},
		{"a map", "a2 00 6139 02 01"},
		{"an array of numbers", "8101"},
		{"a byte behind the pack", "81 a2 00 6139 02 01 00"},
		{"a label twice", "81 a3 00 6139 02 01 02 02"},
		{"a label as a number and as text", "81 a3 00 6139 02 01 6176 02"},
		{"a label that must be understood", "81 a3 00 6139 02 01 63782d5f 02"},
		{"a label that is bytes", "81 a3 00 6139 02 01 4178 02"},
		{"vlo by our number", "81 a2 00 623232 18 40 6436363a30 00"},
		{"an array for a value", "81 a2 00 6139 02 80"},
		{"bytes for v", "81 a2 00 6139 02 4101"},
		{"a time of NaN", "81 a3 00 6139 02 01 06 f97e00"},
		{"more records than bytes", "9affffffff a2 00 6139 02 01"},
		{"a value below 64 bits", "81 a2 00 6139 02 3bffffffffffffffff"},
	} {
		list, err := cborCodec("").Decode(nodestest.Path(t, "/3/0"), nodestest.Hex(t, c.hex))
		if err == nil {
			t.Errorf("%s decodes to\n%s", c.name, nodestest.Text(list))
		}
	}
}

// The pack of a device with an alternate root carries it, in both directions.
func TestAlternateRoot(t *testing.T) {
	list := nodestest.Nodes(t, `/3/0/9 Integer 95`)
	for base, want := range map[string]string{
		"/":      `[{"bn":"/lwm2m/","n":"3/0/9","v":95}]`,
		"/3/0":   `[{"bn":"/lwm2m/3/0/","n":"9","v":95}]`,
		"/3/0/9": `[{"bn":"/lwm2m/3/0/9","v":95}]`,
	} {
		for _, root := range []string{"/lwm2m", "lwm2m", "/lwm2m/"} {
			got, err := jsonCodec(root).Append(nil, nodestest.Path(t, base), list)
			if err != nil || string(got) != want {
				t.Errorf("root %q, base %s: %s, %v", root, base, got, err)
			}
			if back, err := jsonCodec(root).Decode(nodestest.Path(t, base), got); err != nil || nodestest.Text(back) != nodestest.Text(list) {
				t.Errorf("%s decodes to %s, %v", got, nodestest.Text(back), err)
			}
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		name, nodes string
		want        error
	}{
		{"a node outside", `/3/1/9 Integer 1`, nodes.ErrOutside},
		{"a value of an instance", `/3/0 Integer 1`, nodes.ErrLevel},
	} {
		for form, codec := range map[string]nodestest.Codec{"JSON": jsonCodec(""), "CBOR": cborCodec("")} {
			if _, err := codec.Append(nil, nodestest.Path(t, "/3/0"), nodestest.Nodes(t, c.nodes)); !errors.Is(err, c.want) {
				t.Errorf("%s in %s: %v, want %v", c.name, form, err, c.want)
			}
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		list := []lwm2m.Node{{Path: nodestest.Path(t, "/72/1/2"), Value: lwm2m.Float(f)}}
		if _, err := jsonCodec("").Append(nil, nodestest.Path(t, "/72/1"), list); !errors.Is(err, ErrValue) {
			t.Errorf("%v in JSON: %v", f, err)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		name, json, hex, root string
		paths                 string
		canonical             bool
	}{
		{"Read-Composite", `[{"n":"/3/0/0"},{"n":"/3/0/9"},{"n":"/1/0/1"}]`,
			"83 a1 00 662f332f302f30 a1 00 662f332f302f39 a1 00 662f312f302f31", "", "/3/0/0 /3/0/9 /1/0/1", true},
		{"bn changes", `[{"bn":"/4/0/","n":"0"},{"n":"1"},{"n":"2"},{"bn":"/6/","n":"0"}]`,
			"84 a2 21 652f342f302f 00 6130 a1 00 6131 a1 00 6132 a2 21 632f362f 00 6130", "", "/4/0/0 /4/0/1 /4/0/2 /6/0", false},
		{"the root", `[{"n":"/"}]`, "81 a1 00 612f", "", "/", true},
		{"an object", `[{"n":"/1"}]`, "81 a1 00 622f31", "", "/1", true},
		{"instances", `[{"n":"/1/0"},{"n":"/1/2"}]`, "82 a1 00 642f312f30 a1 00 642f312f32", "", "/1/0 /1/2", true},
		{"an alternate root", `[{"n":"/r/3/0"},{"n":"/r"}]`, "82 a1 00 662f722f332f30 a1 00 622f72", "r", "/3/0 /", true},
		{"a base name alone", `[{"bn":"/3/0/0"}]`, "81 a1 21 662f332f302f30", "", "/3/0/0", false},
		{"a base name in front", `[{"bn":"/3/0/"},{"n":"0"}]`, "82 a1 21 652f332f302f a1 00 6130", "", "/3/0/0", false},
		{"no slash, and a value", `[{"n":"3/0/0","v":1}]`, "81 a2 00 65332f302f30 02 01", "", "/3/0/0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []lwm2m.Path
			for _, text := range strings.Fields(c.paths) {
				want = append(want, nodestest.Path(t, text))
			}
			checkPaths(t, []byte(c.json), c.root, want, c.canonical, DecodePathsJSON, AppendPathsJSON)
			checkPaths(t, nodestest.Hex(t, c.hex), c.root, want, c.canonical, DecodePathsCBOR, AppendPathsCBOR)
		})
	}
}

func checkPaths(t *testing.T, payload []byte, root string, want []lwm2m.Path, canonical bool,
	decode func([]byte, string) ([]lwm2m.Path, error), write func([]byte, []lwm2m.Path, string) ([]byte, error)) {
	t.Helper()
	if got, err := decode(payload, root); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q decodes to %v, %v", payload, got, err)
	}
	got, err := write(nil, want, root)
	if err != nil || canonical && !bytes.Equal(got, payload) {
		t.Errorf("%v is written as %q, %v, want %q", want, got, err, payload)
	}
	if again, err := decode(got, root); err != nil || !slices.Equal(again, want) {
		t.Errorf("%v, written as %q, decodes to %v, %v", want, got, again, err)
	}
	for cut := range payload {
		if got, err := decode(payload[:cut], root); err == nil {
			t.Errorf("%q decodes to %v", payload[:cut], got)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	for _, json := range []string{`[]`, `{}`, `[{"v":1}]`, `[{"n":"/a"}]`, `[{"n":"/1/2/3/4/5"}]`, `[{"n":"/3","x_":1}]`} {
		if paths, err := DecodePathsJSON([]byte(json), ""); err == nil {
			t.Errorf("%s decodes to %v", json, paths)
		}
	}
	if _, err := AppendPathsJSON(nil, nil, ""); err == nil {
		t.Error("no path is written in JSON")
	}
	if _, err := AppendPathsCBOR(nil, nil, ""); err == nil {
		t.Error("no path is written in CBOR")
	}
}

// One record more than allowed is refused even where records set bases only.
func TestTooManyRecords(t *testing.T) {
	pack := func(n int) []byte {
		b := append([]byte{0x9f}, bytes.Repeat([]byte{0xa0}, n)...)
		return append(b, 0xff)
	}
	if _, err := cborCodec("").Decode(nodestest.Path(t, "/3"), pack(nodes.MaxNodes)); err != nil {
		t.Error(err)
	}
	if _, err := cborCodec("").Decode(nodestest.Path(t, "/3"), pack(nodes.MaxNodes+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("%d records: %v", nodes.MaxNodes+1, err)
	}
}

var fuzzBases = []string{"/", "/3", "/3/0", "/3/0/6", "/32769/5", "/500/0"}

func FuzzDecodeJSON(f *testing.F) {
	for i, s := range []string{
		`[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true}]`, `[{"bn":"/3/","bt":25462634,"n":"0/9","v":22.0,"t":-5}]`,
		`[{"n":"9","v":1e3,"t":0.25},{"n":"16","vs":"U"}]`, `[]`, `[{"n":"6","vd":"-_8"},{"n":"8","vlo":"66:0"}]`, `[{"bv":1,"n":"1","v":1.5},{"n":"2"}]`,
	} {
		f.Add(uint8(i), "", []byte(s))
		f.Add(uint8(i), "/r", []byte(s))
	}
	f.Fuzz(func(t *testing.T, which uint8, root string, payload []byte) {
		if strings.Trim(root, "/") != "" {
			root = "r"
		}
		jsonCodec(root).RoundTrip(t, nodestest.Path(t, fuzzBases[int(which)%len(fuzzBases)]), payload)
		if paths, err := DecodePathsJSON(payload, root); err == nil {
			again, _ := AppendPathsJSON(nil, paths, root)
			if got, err := DecodePathsJSON(again, root); err != nil || !slices.Equal(got, paths) {
				t.Errorf("%q names %v and, written as %q, %v, %v", payload, paths, again, got, err)
			}
		}
	})
}

func FuzzDecodeCBOR(f *testing.F) {
	for i, s := range []string{
		"83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200", "81a221632f332f0863abcdef",
		"9fbf217f632f332f62302fff0061390201ffff", "80", "81a3006136084200ff06c482201b0000000312e8e8ed", "81a200613102f97e00",
	} {
		f.Add(uint8(i), nodestest.Hex(f, s))
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		codec := cborCodec("")
		codec.Normalize = nodestest.Untagged
		codec.RoundTrip(t, nodestest.Path(t, fuzzBases[int(which)%len(fuzzBases)]), payload)
		if paths, err := DecodePathsCBOR(payload, ""); err == nil {
			again, _ := AppendPathsCBOR(nil, paths, "")
			if got, err := DecodePathsCBOR(again, ""); err != nil || !slices.Equal(got, paths) {
				t.Errorf("%x names %v and, written as %x, %v, %v", payload, paths, again, got, err)
			}
		}
	})
}
