package tlv

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

// typed is the format with an object model, untyped without.
var (
	typed   = codec(nodestest.Core())
	untyped = codec(nil)
)

func codec(types lwm2m.Types) nodestest.Codec {
	return nodestest.Codec{
		Sorted: true, Prefix: true,
		Decode: func(base lwm2m.Path, b []byte) ([]lwm2m.Node, error) { return Decode(base, b, types) },
		Append: func(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error) {
			return Append(dst, base, list, types)
		},
	}
}

// device is the Device object of OMA Core 7.5.5.1 with the lengths corrected.
const device = `c800144f70656e204d6f62696c6520416c6c69616e6365c801164c69676874776569676874204d324d20436c69656e74
	c80209333435303030313233c303312e30860641000141010588070842000ed842011388870841007d42010384c10964c10a0f830b410000
	c40d5182428fc60e2b30323a3030c11055`

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

// Payloads in the form that Append writes too.
func TestVectors(t *testing.T) {
	for _, c := range []struct{ name, base, hex, nodes string }{
		{"OMA Core 7.5.5.1, /3/0", "/3/0", device, deviceNodes},
		{"OMA Core 7.5.5.1, /3", "/3", "080079" + device, deviceNodes},
		{"access control", "/2", "08000ec10001c101008302417f07c1037f080212c10003c101008702417f0761013601c1037f",
			`/2/0/0 Integer 1
			/2/0/1 Integer 0
			/2/0/2/127 Integer 7
			/2/0/3 Integer 127
			/2/2/0 Integer 3
			/2/2/1 Integer 0
			/2/2/2/127 Integer 7
			/2/2/2/310 Integer 1
			/2/2/3 Integer 127`},
		{"server, length corrected", "/1", "08000fc10001c40100015180c10601c10755",
			`/1/0/0 Integer 1
			/1/0/1 Integer 86400
			/1/0/6 Boolean true
			/1/0/7 String "U"`},
		{"ETS 215", "/1/0", "c10265c20303f2c20507d0c10601c10755",
			`/1/0/2 Integer 101
			/1/0/3 Integer 1010
			/1/0/5 Integer 2000
			/1/0/6 Boolean true
			/1/0/7 String "U"`},
		{"ETS 1630, type byte corrected", "/16",
			"08012e88002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332",
			`/16/1/0/0 String "Host Device ID #2"
			/16/1/0/1 String "Host Device Model #2"`},
		{"ETS 1202, corrected", "/10/0/14", "c10e02", `/10/0/14 Integer 2`},
		{"integers of 1, 2, 4 and 8 bytes", "/1/0", "c10001c20100ffc4020001ffffc8030800000001ffffffff",
			`/1/0/0 Integer 1
			/1/0/1 Integer 255
			/1/0/2 Integer 131071
			/1/0/3 Integer 8589934591`},
		{"every type", "/32769/5", "c10155 c102ff c103ff c4043fc00000 c10501 c106ab c407ffff7fff c40800420000 c4093c2f333e",
			`/32769/5/1 String "U"
			/32769/5/2 Integer -1
			/32769/5/3 UnsignedInteger 255
			/32769/5/4 Float 1.5
			/32769/5/5 Boolean true
			/32769/5/6 Opaque ab
			/32769/5/7 Time -32769
			/32769/5/8 Objlnk 66:0
			/32769/5/9 Corelnk "</3>"`},
		{"the widest numbers", "/32769/5", "c802088000000000000000c80308ffffffffffffffffc804083ff199999999999a",
			`/32769/5/2 Integer -9223372036854775808
			/32769/5/3 UnsignedInteger 18446744073709551615
			/32769/5/4 Float 1.1`},
		{"an instance of a resource", "/3/0/11/0", "410003", `/3/0/11/0 Integer 3`},
		{"a multiple resource", "/3/0/6", "8606410001410105", `/3/0/6/0 Integer 1
			/3/0/6/1 Integer 5`},
		{"a multiple resource without instances", "/3/0/6", "8006", `/3/0/6 None`},
		{"beside others", "/3/0", "8006c10964", `/3/0/6 None
			/3/0/9 Integer 100`},
		{"an empty object", "/3", "", `/3 None`},
		{"an empty instance", "/3/0", "", `/3/0 None`},
		{"an empty instance of an object", "/16", "00000001", `/16/0 None
			/16/1 None`},
		{"empty text and bytes", "/32769/5", "c001c006", `/32769/5/1 String ""
			/32769/5/6 Opaque`},
		{"an instance that the device shall name", "/2", "c10005 8302410366 c1031f",
			`/2/65535/0 Integer 5
			/2/65535/2/3 Integer 102
			/2/65535/3 Integer 31`},
	} {
		t.Run(c.name, func(t *testing.T) {
			typed.Run(t, nodestest.Vector{Base: c.base, Payload: nodestest.Hex(t, c.hex), Nodes: c.nodes, Canonical: true})
		})
	}
}

// Payloads that devices send and that Append writes otherwise.
func TestTolerated(t *testing.T) {
	for _, c := range []struct{ name, base, hex, nodes string }{
		{"lengths longer than needed", "/3/0", "d009000164 d81000000155", `/3/0/9 Integer 100
			/3/0/16 String "U"`},
		{"an ID of 16 bits that needs 8", "/3/0", "e1000964", `/3/0/9 Integer 100`},
		{"integers wider than needed", "/3/0", "c40900000064 c80a080000000000000001", `/3/0/9 Integer 100
			/3/0/10 Integer 1`},
		{"resources in any order", "/3/0", "c11055c10964", `/3/0/16 String "U"
			/3/0/9 Integer 100`},
		{"the instance around its resources", "/3/0", "0300c10964", `/3/0/9 Integer 100`},
		{"the instance around the resource", "/3/0/9", "0300c10964", `/3/0/9 Integer 100`},
		{"the resource around its instance", "/3/0/11/1", "830b410107", `/3/0/11/1 Integer 7`},
		{"resource instances without their resource", "/3/0/6", "410001410105", `/3/0/6/0 Integer 1
			/3/0/6/1 Integer 5`},
		{"a multiple resource given single", "/3/0", "c10601", `/3/0/6 Integer 1`},
		{"a multiple resource given single and empty", "/3/0", "c006", `/3/0/6 None`},
		{"a single resource given multiple", "/3/0", "8309410064", `/3/0/9/0 Integer 100`},
		{"an object without an instance", "/3", "c10964", `/3/65535/9 Integer 100`},
		{"an empty number", "/3/0", "c009", `/3/0/9 None`},
		{"a Float as an integer", "/32769/0", "c10412", `/32769/0/4 Float 18`},
		{"a Float of 8 bytes that needs 4", "/32769/0", "c804083ff8000000000000", `/32769/0/4 Float 1.5`},
		{"text that is no UTF-8", "/3/0/14", "c30e4de97a", "/3/0/14 String \"M\uFFFDz\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			typed.Run(t, nodestest.Vector{Base: c.base, Payload: nodestest.Hex(t, c.hex), Nodes: c.nodes})
		})
	}
}

// Without a model all values are bytes; the containers show themselves.
func TestUnknownResources(t *testing.T) {
	untyped.Run(t, nodestest.Vector{
		Base: "/500/1", Payload: nodestest.Hex(t, "c10064 c001 8302410007 8003"), Canonical: true,
		Nodes: `/500/1/0 Opaque 64
			/500/1/1 Opaque
			/500/1/2/0 Opaque 07
			/500/1/3 None`,
	})
}

func TestRefused(t *testing.T) {
	plain := strings.Join(strings.Fields(device), "")
	for _, c := range []struct{ name, base, hex string }{
		// Vectors as the TS prints them, with wrong lengths.
		{"/3/0 with 120 bytes", "/3/0", strings.Replace(plain, "676874776569676874", "6768747765696774", 1)},
		{"/3 with 123 bytes", "/3", "080079" + strings.Replace(plain, "676874776569676874", "6768747765696774", 1)},
		{"/1 with the instance too short", "/1", "08000dc10001c40100015180c10601c10755"},
		{"ETS 1630 with type byte 80", "/16",
			"08012e80002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332"},
		{"ETS 1202 as printed", "/10/0/14", "c10d02"},

		{"the root", "/", "c10964"},
		{"a number of 3 bytes", "/3/0", "c309000064"},
		{"a number of 5 bytes", "/3/0", "c5090000000064"},
		{"a Boolean of 2 bytes", "/1/0", "c2060001"},
		{"a Boolean of 2", "/1/0", "c10602"},
		{"a Float of 3 bytes", "/32769/0", "c304000000"},
		{"an object link of 2 bytes", "/32769/0", "c2080042"},
		{"an Unsigned of 3 bytes", "/32769/0", "c303000001"},
		{"another instance", "/3/0", "0301c10964"},
		{"another resource", "/3/0/9", "c10a64"},
		{"another instance of a resource", "/3/0/11/0", "410107"},
		{"the resource in place of its instance", "/3/0/11/0", "c10b07"},
		{"the reserved instance", "/16", "20ffff"},
		{"an instance inside of an instance", "/3", "05000300c109"},
		{"a resource inside of a resource", "/3/0", "8306c10001"},
		{"a resource instance inside of an instance", "/3", "0300410001"},
		{"a resource instance below an object", "/3", "410001"},
		{"a resource twice", "/3/0", "c10964c10965"},
		{"a resource single and multiple", "/3/0", "c106018306410001"},
		{"an empty instance beside its resources", "/3", "00000300c10964"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := typed.Decode(nodestest.Path(t, c.base), nodestest.Hex(t, c.hex))
			if err == nil {
				t.Errorf("it decodes to\n%s", nodestest.Text(list))
			}
		})
	}
}

// The length field grows at 8, 256 and 65536 bytes.
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		length int
		head   string
	}{
		{7, "c706"}, {8, "c80608"}, {255, "c806ff"}, {256, "d0060100"}, {65535, "d006ffff"}, {65536, "d806010000"},
	} {
		head := nodestest.Hex(t, c.head)
		payload := append(head, bytes.Repeat([]byte{0xa5}, c.length)...)
		base := nodestest.Path(t, "/32769/0")
		list, err := typed.Decode(base, payload)
		if err != nil || len(list) != 1 || len(list[0].Value.Text()) != c.length {
			t.Fatalf("%d bytes: %d nodes, %v", c.length, len(list), err)
		}
		if again, err := typed.Append(nil, base, list); err != nil || !bytes.Equal(again, payload) {
			t.Errorf("%d bytes are written with head % x, %v", c.length, again[:len(head)], err)
		}
		if _, err := typed.Decode(base, payload[:len(payload)-1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes, one missing: %v", c.length, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		name, base, nodes string
		want              error
	}{
		{"the root", "/", `/3/0/9 Integer 1`, ErrValue},
		{"a node outside", "/3/0", `/3/1/9 Integer 1`, nodes.ErrOutside},
		{"a path twice", "/3/0", "/3/0/9 Integer 1\n/3/0/9 Integer 2", nodes.ErrDuplicate},
		{"a value of an instance", "/3/0", `/3/0 Integer 1`, nodes.ErrLevel},
	} {
		_, err := typed.Append(nil, nodestest.Path(t, c.base), nodestest.Nodes(t, c.nodes))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	huge := []lwm2m.Node{{Path: nodestest.Path(t, "/5/0/0"), Value: lwm2m.Opaque(make([]byte, maxLength+1))}}
	if _, err := untyped.Append(nil, nodestest.Path(t, "/5/0"), huge); !errors.Is(err, ErrValue) {
		t.Errorf("a value of 16 MiB: %v", err)
	}
}

// What is written has the type of the resource, whatever type it came in.
func TestAppendConverts(t *testing.T) {
	base := nodestest.Path(t, "/32769/0")
	got, err := typed.Append(nil, base, nodestest.Nodes(t, `/32769/0/4 Integer 1
		/32769/0/5 Integer 1
		/32769/0/8 String "66:0"`))
	if want := nodestest.Hex(t, "c4043f800000 c10501 c40800420000"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("written as % x, %v", got, err)
	}
	if _, err := typed.Append(nil, base, nodestest.Nodes(t, `/32769/0/2 String "x"`)); err == nil {
		t.Error("a String for an Integer is written")
	}
}

// Stamps have no place in TLV, not even those of empty containers.
func TestAppendDropsStamps(t *testing.T) {
	for base, want := range map[string]string{"/3": "", "/3/0": "", "/3/0/6": "8006", "/3/0/6/1": ""} {
		got, err := typed.Append(nil, nodestest.Path(t, base), nodestest.Nodes(t, base+" None @5"))
		if err != nil || !bytes.Equal(got, nodestest.Hex(t, want)) {
			t.Errorf("an empty %s is written as % x, %v", base, got, err)
		}
	}
}

// A payload of very many values ends with an error, not with their size in memory.
func TestTooMany(t *testing.T) {
	var b []byte
	for id := range nodes.MaxNodes + 1 {
		b = append(b, 0xe0, byte(id>>8), byte(id))
	}
	if _, err := untyped.Decode(nodestest.Path(t, "/3/0"), b); !errors.Is(err, nodes.ErrTooMany) {
		t.Errorf("%d values: %v", nodes.MaxNodes+1, err)
	}
	b = b[:3*nodes.MaxNodes]
	if list, err := untyped.Decode(nodestest.Path(t, "/3/0"), b); err != nil || len(list) != nodes.MaxNodes {
		t.Errorf("%d values: %d, %v", nodes.MaxNodes, len(list), err)
	}
}

func FuzzDecode(f *testing.F) {
	bases := []string{"/3", "/3/0", "/3/0/6", "/3/0/6/1", "/32769", "/32769/5", "/500"}
	for i, text := range []string{
		"080079" + device, device, "8606410001410105", "410105", "0005c10155", "c10155c102ffc103ffc4043fc00000c10501", "08000ec10001",
	} {
		f.Add(uint8(i), nodestest.Hex(f, text))
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		base := nodestest.Path(t, bases[int(which)%len(bases)])
		typed.RoundTrip(t, base, payload)
		untyped.RoundTrip(t, base, payload)
	})
}
