package text

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes/nodestest"
)

type decodeFunc func(lwm2m.Path, []byte, lwm2m.Types) ([]lwm2m.Node, error)
type appendFunc func([]byte, lwm2m.Node) ([]byte, error)

// at is the resource of nodestest.All with that type.
func at(kind lwm2m.Kind) lwm2m.Path { return lwm2m.NewPath(nodestest.All, 0, uint16(kind)) }

// checkBoth reads payload as kind and writes the value again.
func checkBoth(t *testing.T, decode decodeFunc, write appendFunc, kind lwm2m.Kind, payload []byte, want lwm2m.Value) {
	t.Helper()
	list, err := decode(at(kind), payload, nodestest.Core())
	node := lwm2m.Node{Path: at(kind), Value: want}
	if err != nil || len(list) != 1 || list[0] != node {
		t.Errorf("%q as %s decodes to %s, %v; want %s", payload, kind, nodestest.Text(list), err, want)
	}
	if write == nil {
		return
	}
	if got, err := write([]byte("x"), node); err != nil || !bytes.Equal(got, append([]byte("x"), payload...)) {
		t.Errorf("%s %v is written as %q, %v; want %q", kind, want, got[1:], err, payload)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		text string
		v    lwm2m.Value
	}{
		{"Open Mobile Alliance", lwm2m.String("Open Mobile Alliance")},
		{" blanks stay ", lwm2m.String(" blanks stay ")},
		{"", lwm2m.String("")},
		{"-750", lwm2m.Integer(-750)},
		{"9223372036854775807", lwm2m.Integer(math.MaxInt64)},
		{"-9223372036854775808", lwm2m.Integer(math.MinInt64)},
		{"18", lwm2m.Unsigned(18)},
		{"18446744073709551615", lwm2m.Unsigned(math.MaxUint64)},
		{"0.00000000006667", lwm2m.Float(0.00000000006667)},
		{"56.4", lwm2m.Float(56.4)},
		{"-18.0", lwm2m.Float(-18)},
		{"1e+300", lwm2m.Float(1e300)},
		{"0", lwm2m.Boolean(false)},
		{"1", lwm2m.Boolean(true)},
		{"1476186613", lwm2m.Time(1476186613)},
		{"-1", lwm2m.Time(-1)},
		{"AQIDBAU=", lwm2m.Opaque([]byte{1, 2, 3, 4, 5})},
		{"", lwm2m.Opaque(nil)},
		{"66:0", lwm2m.Link(lwm2m.Objlnk{Object: 66})},
		{"</3/0>", lwm2m.Corelnk("</3/0>")},
	} {
		checkBoth(t, DecodeText, AppendText, c.v.Kind(), []byte(c.text), c.v)
	}
}

// Text that is read and not written.
func TestToleratedText(t *testing.T) {
	for _, c := range []struct {
		kind lwm2m.Kind
		text string
		v    lwm2m.Value
	}{
		{lwm2m.KindInteger, " 5\r\n", lwm2m.Integer(5)},
		{lwm2m.KindInteger, "5\x00", lwm2m.Integer(5)},
		{lwm2m.KindInteger, "+5", lwm2m.Integer(5)},
		{lwm2m.KindInteger, "20.0", lwm2m.Integer(20)},
		{lwm2m.KindInteger, "", lwm2m.Value{}},
		{lwm2m.KindFloat, "18", lwm2m.Float(18)},
		{lwm2m.KindFloat, "1.5E3", lwm2m.Float(1500)},
		{lwm2m.KindBoolean, "true", lwm2m.Boolean(true)},
		{lwm2m.KindBoolean, "false", lwm2m.Boolean(false)},
		{lwm2m.KindOpaque, "-_8", lwm2m.Opaque([]byte{0xfb, 0xff})},
		{lwm2m.KindObjlnk, "66:0\x00", lwm2m.Link(lwm2m.Objlnk{Object: 66})},
		{lwm2m.KindString, "M\xe9", lwm2m.String("M\uFFFD")},
	} {
		checkBoth(t, DecodeText, nil, c.kind, []byte(c.text), c.v)
	}
}

func TestRefusedText(t *testing.T) {
	for _, c := range []struct {
		kind lwm2m.Kind
		text string
	}{
		{lwm2m.KindInteger, "x"}, {lwm2m.KindInteger, "1.5"}, {lwm2m.KindInteger, "1_000"}, {lwm2m.KindInteger, "0x10"},
		{lwm2m.KindInteger, "9223372036854775808"}, {lwm2m.KindUnsigned, "-1"}, {lwm2m.KindUnsigned, "18446744073709551616"},
		{lwm2m.KindFloat, "NaN"}, {lwm2m.KindFloat, "Inf"}, {lwm2m.KindFloat, "1e999"}, {lwm2m.KindFloat, "0x1p-2"}, {lwm2m.KindFloat, "1,5"},
		{lwm2m.KindBoolean, "2"}, {lwm2m.KindBoolean, "yes"}, {lwm2m.KindTime, "2016-10-11"}, {lwm2m.KindOpaque, "a"}, {lwm2m.KindOpaque, "é"},
		{lwm2m.KindObjlnk, "66"}, {lwm2m.KindObjlnk, "66:"}, {lwm2m.KindObjlnk, "65536:0"}, {lwm2m.KindObjlnk, "3:0:1"},
	} {
		list, err := DecodeText(at(c.kind), []byte(c.text), nodestest.Core())
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%q as %s: %s, %v", c.text, c.kind, nodestest.Text(list), err)
		}
	}
}

// A payload without a path cannot answer for an instance or object.
func TestLevels(t *testing.T) {
	for _, base := range []string{"/", "/3", "/3/0"} {
		for name, decode := range map[string]decodeFunc{"text": DecodeText, "opaque": DecodeOpaque, "CBOR": DecodeCBOR} {
			if _, err := decode(nodestest.Path(t, base), []byte{0x61, '1'}, nil); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s of %s: %v", name, base, err)
			}
		}
	}
	list, err := DecodeText(nodestest.Path(t, "/3/0/11/2"), []byte("7"), nodestest.Core())
	if got := nodestest.Text(list); err != nil || got != "/3/0/11/2 Integer 7" {
		t.Errorf("an instance of a resource: %s, %v", got, err)
	}
}

func TestOpaque(t *testing.T) {
	for _, text := range []string{"", "\x00", "\xff\xfe", "AQID"} {
		checkBoth(t, DecodeOpaque, AppendOpaque, lwm2m.KindOpaque, []byte(text), lwm2m.Opaque([]byte(text)))
		checkBoth(t, DecodeOpaque, AppendOpaque, lwm2m.KindNone, []byte(text), lwm2m.Opaque([]byte(text)))
	}
	checkBoth(t, DecodeOpaque, nil, lwm2m.KindString, []byte("abc"), lwm2m.String("abc"))
	if list, err := DecodeOpaque(at(lwm2m.KindInteger), []byte{5}, nodestest.Core()); !errors.Is(err, ErrMalformed) {
		t.Errorf("an Integer as octet-stream: %s, %v", nodestest.Text(list), err)
	}
	for _, v := range []lwm2m.Value{{}, lwm2m.String("a"), lwm2m.Integer(1)} {
		if _, err := AppendOpaque(nil, lwm2m.Node{Path: at(v.Kind()), Value: v}); !errors.Is(err, ErrValue) {
			t.Errorf("%s as octet-stream: %v", v.Kind(), err)
		}
	}
}

func TestCBOR(t *testing.T) {
	for _, c := range []struct {
		hex string
		v   lwm2m.Value
	}{
		{"744f70656e204d6f62696c6520416c6c69616e6365", lwm2m.String("Open Mobile Alliance")},
		{"f4", lwm2m.Boolean(false)},
		{"1a5182428f", lwm2m.Time(1367491215)},
		{"43abcdef", lwm2m.Opaque([]byte{0xab, 0xcd, 0xef})},
		{"3902ed", lwm2m.Integer(-750)},
		{"1bffffffffffffffff", lwm2m.Unsigned(math.MaxUint64)},
		{"fa3fc00000", lwm2m.Float(1.5)},
		{"6436363a30", lwm2m.Link(lwm2m.Objlnk{Object: 66})},
		{"643c2f333e", lwm2m.Corelnk("</3>")},
	} {
		payload := nodestest.Hex(t, c.hex)
		checkBoth(t, DecodeCBOR, AppendCBOR, c.v.Kind(), payload, c.v)
		for cut := range payload {
			if _, err := DecodeCBOR(at(c.v.Kind()), payload[:cut], nodestest.Core()); !errors.Is(err, ErrMalformed) {
				t.Errorf("%x: %v", payload[:cut], err)
			}
		}
	}
}

func TestToleratedCBOR(t *testing.T) {
	for _, c := range []struct {
		hex  string
		kind lwm2m.Kind
		v    lwm2m.Value
	}{
		{"c11a5182428f", lwm2m.KindTime, lwm2m.Time(1367491215)},
		{"c074323031332d30352d30325431303a34303a31355a", lwm2m.KindTime, lwm2m.Time(1367491215)},
		{"c1fb41d46090a3e00000", lwm2m.KindTime, lwm2m.Time(1367491215)},
		{"f93c00", lwm2m.KindInteger, lwm2m.Integer(1)},
		{"12", lwm2m.KindFloat, lwm2m.Float(18)},
		{"01", lwm2m.KindBoolean, lwm2m.Boolean(true)},
		{"7f6155ff", lwm2m.KindString, lwm2m.String("U")},
		{"6536363a3000", lwm2m.KindObjlnk, lwm2m.Link(lwm2m.Objlnk{Object: 66})},
		{"f6", lwm2m.KindInteger, lwm2m.Value{}},
		{"1901f4", lwm2m.KindNone, lwm2m.Integer(500)},
	} {
		checkBoth(t, DecodeCBOR, nil, c.kind, nodestest.Hex(t, c.hex), c.v)
	}
	for _, text := range []string{"", "80", "a0", "0101", "ff", "c16131", "c06131", "1c"} {
		if list, err := DecodeCBOR(at(lwm2m.KindNone), nodestest.Hex(t, text), nil); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s, %v", text, nodestest.Text(list), err)
		}
	}
}

// FuzzDecode reads a payload in the three formats, as every type.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"-750", "56.4", "AQIDBAU=", "66:0", "1", "1e3", "\x1a\x51\x82\x42\x8f", "\x43\xab\xcd\xef", "\xf9\x3c\x00"} {
		for kind := range lwm2m.KindCorelnk + 1 {
			f.Add(uint8(kind), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, payload []byte) {
		kind := lwm2m.Kind(which) % (lwm2m.KindCorelnk + 1)
		for _, format := range []struct {
			decode decodeFunc
			write  appendFunc
		}{{DecodeText, AppendText}, {DecodeOpaque, AppendOpaque}, {DecodeCBOR, AppendCBOR}} {
			roundTrip(t, at(kind), payload, format.decode, format.write)
		}
	})
}

func roundTrip(t *testing.T, base lwm2m.Path, payload []byte, decode decodeFunc, write appendFunc) {
	t.Helper()
	list, err := decode(base, payload, nodestest.Core())
	if err != nil {
		return
	}
	again, err := write(nil, list[0])
	if errors.Is(err, ErrValue) {
		return // text that came as octet-stream is not sent as such
	}
	if err != nil {
		t.Fatalf("%q decodes to %s, which cannot be written: %v", payload, nodestest.Text(list), err)
	}
	list[0] = nodestest.Untagged(list[0])
	second, err := decode(base, again, nodestest.Core())
	if err != nil || nodestest.Text(second) != nodestest.Text(list) {
		t.Fatalf("%q decodes to %s and, written as %q, to %s, %v", payload, nodestest.Text(list), again, nodestest.Text(second), err)
	}
}
