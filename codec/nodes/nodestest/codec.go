package nodestest

import (
	"bytes"
	"slices"
	"testing"

	"dormouse/codec/lwm2m"
)

// Codec is a format under test, with its options already chosen.
type Codec struct {
	Decode func(base lwm2m.Path, payload []byte) ([]lwm2m.Node, error)
	Append func(dst []byte, base lwm2m.Path, list []lwm2m.Node) ([]byte, error)
	// Sorted marks a format that writes in the order of paths; Prefix one
	// whose payload, cut between entries, is a shorter payload.
	Sorted, Prefix bool
	// Normalize, where it is not nil, is what one round makes of a node.
	Normalize func(lwm2m.Node) lwm2m.Node
}

// Untagged is the Normalize of CBOR formats: a Time that only its tag told
// from a number is written without the tag. Resources that Core knows as Time
// come back as such.
func Untagged(n lwm2m.Node) lwm2m.Node {
	if n.Value.Kind() == lwm2m.KindTime && Core().KindOf(n.Path) == lwm2m.KindNone {
		n.Value = lwm2m.Integer(n.Value.Int())
	}
	return n
}

// Vector is a payload and its nodes. Canonical ones are also written.
type Vector struct {
	Name, Base string
	Payload    []byte
	Nodes      string // as Text prints them
	Canonical  bool
}

// Run reads the vector, writes it again where it is canonical, and reads it
// cut at every byte.
func (c Codec) Run(t *testing.T, v Vector) {
	t.Helper()
	base := Path(t, v.Base)
	list, err := c.Decode(base, v.Payload)
	if err != nil {
		t.Fatalf("decoding %x: %v", v.Payload, err)
	}
	if got := Text(list); got != Lines(v.Nodes) {
		t.Errorf("decoded:\n%s\nwant:\n%s", got, Lines(v.Nodes))
	}
	if v.Canonical {
		got, err := c.Append([]byte("dst"), base, Nodes(t, v.Nodes))
		if want := append([]byte("dst"), v.Payload...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("appended:\n%q, %v\nwant:\n%q", got, err, want)
		}
	}
	c.cut(t, base, v.Payload, list)
}

// cut wants an error for every shorter payload, or, where the format has no
// end of its own, the first ones of the nodes.
func (c Codec) cut(t *testing.T, base lwm2m.Path, payload []byte, whole []lwm2m.Node) {
	t.Helper()
	for n := range payload {
		list, err := c.Decode(base, bytes.Clone(payload[:n]))
		if err != nil {
			continue
		}
		empty := n == 0 && len(list) == 1 && list[0] == lwm2m.Node{Path: base}
		prefix := len(list) < len(whole) && slices.Equal(list, whole[:len(list)])
		if !c.Prefix || !empty && !prefix {
			t.Errorf("cut to %d of %d bytes it decodes to\n%s", n, len(payload), Text(list))
		}
	}
}

// RoundTrip is the property of fuzz targets: what was decoded can be written
// and reads as the same nodes. It returns false for payloads that do not
// decode.
func (c Codec) RoundTrip(t *testing.T, base lwm2m.Path, payload []byte) bool {
	t.Helper()
	list, err := c.Decode(base, payload)
	if err != nil {
		return false
	}
	again, err := c.Append(nil, base, list)
	if err != nil {
		t.Fatalf("%q decodes to\n%s\nwhich cannot be written: %v", payload, Text(list), err)
	}
	second, err := c.Decode(base, again)
	if err != nil {
		t.Fatalf("%q is written as %q, which does not decode: %v", payload, again, err)
	}
	if c.Sorted {
		lwm2m.SortNodes(list)
	}
	for i, n := range list {
		if c.Normalize != nil {
			list[i] = c.Normalize(n)
		}
	}
	if got, want := Text(second), Text(list); got != want {
		t.Fatalf("%q decodes to\n%s\nand, written as %q, to\n%s", payload, want, again, got)
	}
	return true
}
