package lwm2mcbor

import (
	"bytes"
	"errors"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
	"dormouse/codec/nodes/nodestest"
)

var codec = nodestest.Codec{
	Sorted: true, Normalize: nodestest.Untagged,
	Decode: func(base lwm2m.Path, b []byte) ([]lwm2m.Node, error) { return Decode(base, b, nodestest.Core()) },
	Append: Append,
}

const device = `a1820300ad00744f70656e204d6f62696c6520416c6c69616e636501764c69676874776569676874204d324d20436c69656e74
	02693334353030303132330363312e3006a20001010507a200190ed80119138808a200187d011903840918640a0f0ba100000d1a5182428f
	0e662b30323a3030106155`

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
	const maker = `/3/0/0 String "Open Mobile Alliance"`
	const cells = `/3/0/6/0 Integer 1
		/3/0/6/1 Integer 5`
	for _, c := range []struct {
		name, base, hex, nodes string
		canonical              bool
	}{
		{"OMA Core 7.5.7, compact key", "/3/0/0", "a183030000744f70656e204d6f62696c6520416c6c69616e6365", maker, true},
		{"nested", "/3/0/0", "a103a100a100744f70656e204d6f62696c6520416c6c69616e6365", maker, false},
		{"a multiple resource", "/3/0/6", "a183030006a200010105", cells, true},
		{"the whole Device", "/3/0", device, deviceNodes, true},
		{"Create with an ID", "/2", "a1820205a4000501008202186600031865", `/2/5/0 Integer 5
			/2/5/1 Integer 0
			/2/5/2/102 Integer 0
			/2/5/3 Integer 101`, false},
		{"Create without an ID", "/2", "a1820219ffffa4000501008202186600031865", `/2/65535/0 Integer 5
			/2/65535/1 Integer 0
			/2/65535/2/102 Integer 0
			/2/65535/3 Integer 101`, false},
		{"several objects", "/", "a201a100a10018 65 03a100a1091864", `/1/0/0 Integer 101
			/3/0/9 Integer 100`, true},
		{"several instances", "/2", "a102a200a1000105a10002", `/2/0/0 Integer 1
			/2/5/0 Integer 2`, true},
		{"every type", "/32769/5", "a182198001 05 aa 01 6155 02 20 03 1bffffffffffffffff 04 fa3fc00000 05 f5 06 42abcd 07 1a57fcd1f5 08 6436363a30 09 643c2f333e 0c a0",
			`/32769/5/1 String "U"
			/32769/5/2 Integer -1
			/32769/5/3 UnsignedInteger 18446744073709551615
			/32769/5/4 Float 1.5
			/32769/5/5 Boolean true
			/32769/5/6 Opaque abcd
			/32769/5/7 Time 1476186613
			/32769/5/8 Objlnk 66:0
			/32769/5/9 Corelnk "</3>"
			/32769/5/12 None`, true},
		{"nothing", "/", "a0", `/ None`, true},
		{"an empty multiple resource", "/3/0/6", "a183030006a0", `/3/0/6 None`, true},
		{"an empty object", "/16", "a110a0", `/16 None`, true},

		{"nothing for a resource", "/3/0/6", "a0", `/3/0/6 None`, false},
		{"null", "/3/0/9", "a183030009f6", `/3/0/9 None`, false},
		{"indefinite lengths", "/3/0/6", "bf9f0300ff bf06 bf0001 0105 ff ff ff", cells, false},
		{"an empty map without length", "/3/0/6", "a183030006bfff", `/3/0/6 None`, false},
		{"keys of every style", "/3/0", "a203a1820006a10001 83030009 1864", `/3/0/6/0 Integer 1
			/3/0/9 Integer 100`, false},
		{"keys longer than needed", "/3/0", "a1821803190000a1091864", `/3/0/9 Integer 100`, false},
		{"an Integer as a half float", "/3/0/9", "a183030009f95640", `/3/0/9 Integer 100`, false},
		{"a Float as an integer", "/6/0/0", "a1830600000c", `/6/0/0 Float 12`, false},
		{"a Time with tag 0", "/3/0/13", "a18303000dc074323031332d30352d30325431303a34303a31355a", `/3/0/13 Time 1367491215`, false},
		{"text in chunks", "/3/0/16", "a18303001 07f6155ff", `/3/0/16 String "U"`, false},
		{"unknown resources", "/500", "a11901f4a100a2001b7fffffffffffffff0141ff", `/500/0/0 Integer 9223372036854775807
			/500/0/1 Opaque ff`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec.Run(t, nodestest.Vector{Base: c.base, Payload: nodestest.Hex(t, c.hex), Nodes: c.nodes, Canonical: c.canonical})
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, base, hex string }{
		{"nothing", "/3", ""},
		{"an array", "/3", "80"},
		{"a value", "/3/0/9", "1864"},
		{"a byte behind the map", "/3/0/9", "a18303000918640 0"},
		{"another path", "/3/0/10", "a1830300091864"},
		{"another object", "/3", "a102a100a10001"},
		{"a value of an instance", "/3", "a182030001"},
		{"an ID above 65535", "/", "a11a00010000a0"},
		{"a negative ID", "/", "a120a0"},
		{"an ID that is a float", "/", "a1f94200a0"},
		{"a key of no ID", "/3/0/9", "a180a183030009 01"},
		{"a key of five IDs", "/", "a1850300060000 01"},
		{"five levels", "/", "a103a100a106a100a10001"},
		{"a key that is a map", "/", "a1a0a0"},
		{"a key twice", "/3/0", "a1820300a209010902"},
		{"a path twice in two styles", "/3/0", "a28303000901820300a10902"},
		{"a resource with and without instances", "/3/0", "a1820300a206018206 00 02"},
		{"an array for a value", "/3/0/9", "a18303000981 01"},
		{"a String for an Integer", "/3/0/9", "a183030009 6131"},
		{"more pairs than bytes", "/", "bb00ffffffffffffff0300"},
		{"a pair without its value", "/", "bf03ff"},
	} {
		list, err := codec.Decode(nodestest.Path(t, c.base), nodestest.Hex(t, c.hex))
		if err == nil {
			t.Errorf("%s decodes to\n%s", c.name, nodestest.Text(list))
		}
	}
}

func TestGatewayPrefix(t *testing.T) {
	for _, text := range []string{"a1846264310300091864", "a1626431a103a100a10901"} {
		if _, err := codec.Decode(nodestest.Path(t, "/3/0/9"), nodestest.Hex(t, text)); !errors.Is(err, ErrGateway) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, c := range []struct {
		name, base, nodes string
		want              error
	}{
		{"a node outside", "/3/0", `/3/1/9 Integer 1`, nodes.ErrOutside},
		{"a path twice", "/3/0", "/3/0/9 Integer 1\n/3/0/9 Integer 2", nodes.ErrDuplicate},
		{"a resource with and without instances", "/3/0", "/3/0/6 Integer 1\n/3/0/6/1 Integer 2", nodes.ErrDuplicate},
		{"a value of the root", "/", `/ Integer 1`, nodes.ErrLevel},
	} {
		if _, err := codec.Append(nil, nodestest.Path(t, c.base), nodestest.Nodes(t, c.nodes)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Nodes are written in the order of their paths, which lets equal IDs share a
// map, and without their stamps.
func TestAppendSorts(t *testing.T) {
	got, err := Append(nil, nodestest.Path(t, "/"), nodestest.Nodes(t, `/3/0/9 Integer 100 @7
		/1/0/0 Integer 101
		/3/0/6/1 Integer 5
		/3/0/6/0 Integer 1`))
	if want := nodestest.Hex(t, "a2 01a100a1001865 03a100a2 06a200010105 091864"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	bases := []string{"/", "/3", "/3/0", "/3/0/6", "/32769/5", "/2"}
	for i, text := range []string{
		"a201a100a1001865 03a100a1091864", "a103a0", device, "bf9f0300ffbf06bf00010105ffffff",
		"a18219800105a2086436363a3007c11a57fcd1f5", "a1820219ffffa4000501008202186600031865",
	} {
		f.Add(uint8(i), nodestest.Hex(f, text))
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		codec.RoundTrip(t, nodestest.Path(t, bases[int(which)%len(bases)]), payload)
	})
}
