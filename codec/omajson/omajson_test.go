package omajson

import (
	"errors"
	"math"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

func codec(root string) nodestest.Codec {
	return nodestest.Codec{
		Decode: func(base lwm2m.Path, b []byte) ([]lwm2m.Node, error) {
			return DecodeUnder(root, base, b, nodestest.Core())
		},
		Append: func(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
			return AppendUnder(root, dst, base, list)
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

func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name, base, root, json, nodes string
		canonical                     bool
	}{
		{"OMA Core 1.0, /3/0", "/3/0", "", `{"bn":"/3/0/","e":[{"n":"0","sv":"Open Mobile Alliance"},{"n":"1","sv":"Lightweight M2M Client"},{"n":"2","sv":"345000123"},{"n":"3","sv":"1.0"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},{"n":"7/1","v":5000},{"n":"8/0","v":125},{"n":"8/1","v":900},{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},{"n":"13","v":1367491215},{"n":"14","sv":"+02:00"},{"n":"16","sv":"U"}]}`,
			deviceNodes, true},
		{"a single resource", "/3/0/9", "", `{"bn":"/3/0/9","e":[{"v":95}]}`, `/3/0/9 Integer 95`, true},
		{"every type", "/32769/5", "", `{"bn":"/32769/5/","e":[{"n":"1","sv":"U\"\\\n"},{"n":"2","v":-9223372036854775808},{"n":"3","v":18446744073709551615},{"n":"4","v":1.5},{"n":"5","bv":false},{"n":"6","sv":"+/8=","t":1320067464.5},{"n":"7","v":1476186613,"t":-5},{"n":"8","ov":"66:0"},{"n":"9","sv":"</3>"},{"n":"12"}]}`,
			`/32769/5/1 String "U\"\\\n"
			/32769/5/2 Integer -9223372036854775808
			/32769/5/3 UnsignedInteger 18446744073709551615
			/32769/5/4 Float 1.5
			/32769/5/5 Boolean false
			/32769/5/6 Opaque fbff @1320067464.5
			/32769/5/7 Time 1476186613 @-5
			/32769/5/8 Objlnk 66:0
			/32769/5/9 Corelnk "</3>"
			/32769/5/12 None`, true},
		{"nothing", "/3/0/6", "", `{"bn":"/3/0/6/","e":[]}`, `/3/0/6 None`, true},
		{"an alternate root", "/3/0", "lwm2m", `{"bn":"/lwm2m/3/0/","e":[{"n":"9","v":1}]}`, `/3/0/9 Integer 1`, true},

		{"values with times", "/72", "", `{"bn":"/72/","bt":25462634,"e":[{"n":"1/2","v":22.4,"t":-5},{"n":"1/2","v":22.9,"t":-30}]}`,
			`/72/1/2 Float 22.4 @25462629
			/72/1/2 Float 22.9 @25462604`, false},
		{"the base behind the entries", "/3/0", "", `{"e":[{"n":"9","v":1,"t":1}],"bt":5,"bn":"/3/0/"}`, `/3/0/9 Integer 1 @6`, false},
		{"no base name", "/3/0", "", `{"e":[{"n":"9","v":1},{"n":"11/0","v":2}]}`, `/3/0/9 Integer 1
			/3/0/11/0 Integer 2`, false},
		{"no name", "/3/0/9", "", `{"e":[{"n":"","v":1}]}`, `/3/0/9 Integer 1`, false},
		{"absolute names", "/3/0", "", `{"e":[{"n":"/3/0/9","v":1}]}`, `/3/0/9 Integer 1`, false},
		{"the alternate root forgotten", "/3/0", "lwm2m", `{"bn":"/3/0/","e":[{"n":"9","v":1}]}`, `/3/0/9 Integer 1`, false},
		{"no entries", "/3/0", "", `{}`, `/3/0 None`, false},
		{"unknown labels", "/3/0", "", `{"x":[{}],"e":[{"n":"9","v":1,"y":{"z":null}}]}`, `/3/0/9 Integer 1`, false},
		{"null", "/3/0", "", `{"e":[{"n":"9","v":null}]}`, `/3/0/9 None`, false},
		{"opaque without padding", "/0/0", "", `{"e":[{"n":"3","sv":"-_8"}]}`, `/0/0/3 Opaque fbff`, false},
		{"a Boolean as a number", "/1/0", "", `{"e":[{"n":"6","v":1}]}`, `/1/0/6 Boolean true`, false},
		{"an object link as a string", "/3/0", "", `{"e":[{"n":"22/0","sv":"66:0"}]}`, `/3/0/22/0 Objlnk 66:0`, false},
		{"unknown resources", "/500/0", "", `{"e":[{"n":"1","v":9007199254740993},{"n":"2","sv":"AQ=="},{"n":"3","v":1.0}]}`, `/500/0/1 Integer 9007199254740993
			/500/0/2 String "AQ=="
			/500/0/3 Float 1`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec(c.root).Run(t, nodestest.Vector{Base: c.base, Payload: []byte(c.json), Nodes: c.nodes, Canonical: c.canonical})
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, base, json string }{
		{"nothing", "/3/0", ``},
		{"an array", "/3/0", `[]`},
		{"text behind the object", "/3/0", `{"e":[]}{}`},
		{"entries that are no array", "/3/0", `{"e":{}}`},
		{"an entry that is a number", "/3/0", `{"e":[1]}`},
		{"a label twice", "/3/0", `{"e":[],"e":[]}`},
		{"two values", "/3/0", `{"e":[{"n":"9","v":1,"sv":"1"}]}`},
		{"text for v", "/3/0", `{"e":[{"n":"9","v":"1"}]}`},
		{"a number for sv", "/3/0", `{"e":[{"n":"16","sv":1}]}`},
		{"text for bv", "/1/0", `{"e":[{"n":"6","bv":"true"}]}`},
		{"a number for ov", "/3/0", `{"e":[{"n":"22","ov":3}]}`},
		{"a bad object link", "/3/0", `{"e":[{"n":"22","ov":"3:x"}]}`},
		{"bad base64", "/0/0", `{"e":[{"n":"3","sv":"a"}]}`},
		{"a number for a name", "/3/0", `{"e":[{"n":9,"v":1}]}`},
		{"a number for the base name", "/3/0", `{"bn":3,"e":[]}`},
		{"text for a time", "/3/0", `{"bt":"5","e":[]}`},
		{"a time beyond the range", "/3/0", `{"bt":9e9,"e":[{"n":"9","v":1,"t":9e9}]}`},
		{"a path outside", "/3/0", `{"bn":"/3/1/","e":[{"n":"9","v":1}]}`},
		{"a bad path", "/3/0", `{"e":[{"n":"x","v":1}]}`},
		{"a value of an instance", "/3/0", `{"e":[{"v":1}]}`},
		{"a String for an Integer", "/3/0", `{"e":[{"n":"9","sv":"1"}]}`},
	} {
		list, err := Decode(nodestest.Path(t, c.base), []byte(c.json), nodestest.Core())
		if err == nil {
			t.Errorf("%s decodes to\n%s", c.name, nodestest.Text(list))
		}
	}
}

func TestTooMany(t *testing.T) {
	json := `{"e":[` + strings.Repeat(`{},`, nodes.MaxNodes) + `{}]}`
	if _, err := Decode(nodestest.Path(t, "/3"), []byte(json), nil); !errors.Is(err, nodes.ErrTooMany) {
		t.Errorf("%d entries: %v", nodes.MaxNodes+1, err)
	}
}

func TestAppendRefuses(t *testing.T) {
	base := nodestest.Path(t, "/3/0")
	if _, err := Append(nil, base, nodestest.Nodes(t, `/3/1/9 Integer 1`)); !errors.Is(err, nodes.ErrOutside) {
		t.Errorf("a node outside: %v", err)
	}
	nan := []lwm2m.Node{{Path: nodestest.Path(t, "/3/0/9"), Value: lwm2m.Float(math.NaN())}}
	if _, err := Append(nil, base, nan); !errors.Is(err, ErrValue) {
		t.Errorf("a NaN: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	bases := []string{"/", "/3", "/3/0", "/3/0/6", "/32769/5", "/500/0"}
	for i, s := range []string{
		`{"bn":"/","e":[{"n":"3/0/9","v":1}]}`, `{"e":[{"n":"0/9","v":1,"t":-5.25}],"bt":1e9}`, `{"bn":"/3/0/","e":[{"n":"16","sv":"U"}]}`,
		`{"e":[]}`, `{"e":[{"n":"6","sv":"+/8="},{"n":"8","ov":"66:0"},{"n":"5","bv":true}]}`, `{"e":[{"n":"1"}]}`,
	} {
		f.Add(uint8(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		base := nodestest.Path(t, bases[int(which)%len(bases)])
		codec("").RoundTrip(t, base, payload)
		codec("r").RoundTrip(t, base, payload)
	})
}

// TestNamesWithoutASlash: clients of the 1.0 era join base name and name with a
// slash of their own.
func TestNamesWithoutASlash(t *testing.T) {
	payload := `{"bn":"/3303/0","e":[{"n":"5605","sv":"_exec_"},{"n":"5700","v":21.5}]}`
	nodes, err := Decode(lwm2m.NewPath(3303, 0), []byte(payload), lwm2m.Untyped{})
	if err != nil || len(nodes) != 2 || nodes[1].Path != lwm2m.NewPath(3303, 0, 5700) {
		t.Errorf("%v, %v", nodes, err)
	}
}
