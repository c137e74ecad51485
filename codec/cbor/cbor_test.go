package cbor

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes/nodestest"
)

// one reads a payload of one item as a value.
func one(b []byte) (lwm2m.Value, error) {
	r := NewReader(b)
	it, err := r.Next()
	if err != nil {
		return lwm2m.Value{}, err
	}
	v, err := it.Value()
	if err != nil {
		return v, err
	}
	return v, r.End()
}

// Values of RFC 8949 appendix A, and our own beyond them. Canonical ones are
// also written.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		hex       string
		v         lwm2m.Value
		canonical bool
	}{
		{"00", lwm2m.Integer(0), true},
		{"17", lwm2m.Integer(23), true},
		{"1818", lwm2m.Integer(24), true},
		{"18ff", lwm2m.Integer(255), true},
		{"190100", lwm2m.Integer(256), true},
		{"19ffff", lwm2m.Integer(65535), true},
		{"1a000f4240", lwm2m.Integer(1000000), true},
		{"1affffffff", lwm2m.Integer(math.MaxUint32), true},
		{"1b000000e8d4a51000", lwm2m.Integer(1000000000000), true},
		{"1b7fffffffffffffff", lwm2m.Integer(math.MaxInt64), true},
		{"1b8000000000000000", lwm2m.Unsigned(1 << 63), true},
		{"1bffffffffffffffff", lwm2m.Unsigned(math.MaxUint64), true},
		{"20", lwm2m.Integer(-1), true},
		{"3863", lwm2m.Integer(-100), true},
		{"3b7fffffffffffffff", lwm2m.Integer(math.MinInt64), true},
		{"1800", lwm2m.Integer(0), false},
		{"1b0000000000000001", lwm2m.Integer(1), false},

		{"fa3fc00000", lwm2m.Float(1.5), true},
		{"fb3ff199999999999a", lwm2m.Float(1.1), true},
		{"fa7f800000", lwm2m.Float(math.Inf(1)), true},
		{"fa80000000", lwm2m.Float(math.Copysign(0, -1)), true},
		{"fb7ff8000000000001", lwm2m.Float(math.NaN()), true},
		{"f90000", lwm2m.Float(0), false},
		{"f98000", lwm2m.Float(math.Copysign(0, -1)), false},
		{"f93c00", lwm2m.Float(1), false},
		{"f97bff", lwm2m.Float(65504), false},
		{"f90001", lwm2m.Float(5.960464477539063e-8), false},
		{"f90400", lwm2m.Float(0.00006103515625), false},
		{"f9c400", lwm2m.Float(-4), false},
		{"f9fc00", lwm2m.Float(math.Inf(-1)), false},

		{"f4", lwm2m.Boolean(false), true},
		{"f5", lwm2m.Boolean(true), true},
		{"f6", lwm2m.Value{}, true},
		{"f7", lwm2m.Value{}, false},
		{"60", lwm2m.String(""), true},
		{"6449455446", lwm2m.String("IETF"), true},
		{"62c3bc", lwm2m.String("ü"), true},
		{"7f657374726561646d696e67ff", lwm2m.String("streaming"), false},
		{"7fff", lwm2m.String(""), false},
		{"4401020304", lwm2m.Opaque([]byte{1, 2, 3, 4}), true},
		{"5f42010243030405ff", lwm2m.Opaque([]byte{1, 2, 3, 4, 5}), false},

		{"c074323031332d30332d32315432303a30343a30305a", lwm2m.Time(1363896240), false},
		{"c11a514b67b0", lwm2m.Time(1363896240), false},
		{"c1fb41d452d9ec200000", lwm2m.Time(1363896240), false},
		{"c120", lwm2m.Time(-1), false},
		{"c48221196ab3", lwm2m.Float(273.15), false},
		{"c4820205", lwm2m.Float(500), false},
		{"c49f2105ff", lwm2m.Float(0.05), false},
		{"d74401020304", lwm2m.Opaque([]byte{1, 2, 3, 4}), false},
		{"d9d9f7c1d81801", lwm2m.Integer(1), false},
	} {
		b := nodestest.Hex(t, c.hex)
		v, err := one(b)
		nan := v.Kind() == lwm2m.KindFloat && math.IsNaN(v.Float64()) && math.IsNaN(c.v.Float64())
		if err != nil || v != c.v && !nan {
			t.Errorf("%s is %s %v, %v; want %s %v", c.hex, v.Kind(), v, err, c.v.Kind(), c.v)
		}
		if got := AppendValue([]byte("x"), c.v); c.canonical && !bytes.Equal(got[1:], b) {
			t.Errorf("%s %v is written as %x, want %s", c.v.Kind(), c.v, got[1:], c.hex)
		}
		for cut := range b {
			if v, err := one(b[:cut]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%x is %v, %v", b[:cut], v, err)
			}
		}
	}
}

func TestAppendOtherKinds(t *testing.T) {
	for _, c := range []struct {
		v    lwm2m.Value
		want string
	}{
		{lwm2m.Time(1363896240), "1a514b67b0"},
		{lwm2m.Link(lwm2m.Objlnk{Object: 66}), "6436363a30"},
		{lwm2m.Corelnk("</3>"), "643c2f333e"},
		{lwm2m.Unsigned(5), "05"},
		{lwm2m.String("M\xe9"), "644defbfbd"},
	} {
		if got := AppendValue(nil, c.v); !bytes.Equal(got, nodestest.Hex(t, c.want)) {
			t.Errorf("%s %v is written as %x, want %s", c.v.Kind(), c.v, got, c.want)
		}
	}
	if got := AppendDecimal(nil, 27315, -2); !bytes.Equal(got, nodestest.Hex(t, "c48221196ab3")) {
		t.Errorf("a decimal fraction is written as %x", got)
	}
}

func TestRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a reserved length":                  "1c00",
		"an integer without value":           "1f",
		"a negative without value":           "3f",
		"a tag without number":               "df00",
		"an integer below 64 bits":           "3b8000000000000000",
		"a break alone":                      "ff",
		"a simple value":                     "f0",
		"a simple value of a byte":           "f820",
		"a string longer than the rest":      "5bffffffffffffffff00",
		"an array longer than the rest":      "9b7fffffffffffffff00",
		"a map longer than the rest":         "a2000000",
		"bytes in a text":                    "7f4161ff",
		"a chunk without length":             "7f7f6161ffff",
		"five tags":                          "c6c6c6c6c600",
		"a tag 0 on a number":                "c06130",
		"a tag 1 on a text":                  "c16130",
		"a tag 1 beyond 64 bits":             "c11bffffffffffffffff",
		"a tag 1 on infinity":                "c1f97c00",
		"a decimal fraction of one part":     "c48100",
		"a decimal fraction of three parts":  "c483000000",
		"a decimal fraction without its end": "c49f000000ff",
		"a decimal fraction of floats":       "c48200f93c00",
		"a decimal fraction far too large":   "c48219019101",
		"a decimal fraction beyond floats":   "c48219019018ff",
		"nested decimal fractions":           "c48200c48200c4820000",
		"an array":                           "8100",
		"two items":                          "0000",
	} {
		if v, err := one(nodestest.Hex(t, text)); err == nil {
			t.Errorf("%s (%s) is %s %v", name, text, v.Kind(), v)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]string{
		"00": "0", "1bffffffffffffffff": "18446744073709551615", "3b7fffffffffffffff": "-9223372036854775808",
		"c48221196ab3": "27315e-2", "fb41d3aba0b2200000": "1.3200595925e+09", "3bffffffffffffffff": "", "f97e00": "", "6130": "", "f4": "",
	} {
		it, err := NewReader(nodestest.Hex(t, text)).Next()
		got, ok := it.Number()
		if err != nil || got != want || ok != (want != "") {
			t.Errorf("%s has the digits %q, %t, %v; want %q", text, got, ok, err, want)
		}
	}
}

// Skip ends behind the item, whatever it holds.
func TestSkip(t *testing.T) {
	for _, text := range []string{
		"00", "fb3ff199999999999a", "6449455446", "7f61616162ff", "80", "83010203", "8301820203820405", "a201020304",
		"bf61610161629f0203ffff", "c48221196ab3", "d818456449455446", "9f9f9fffffff", "f6",
	} {
		r := NewReader(nodestest.Hex(t, text+"07"))
		if err := r.Skip(); err != nil {
			t.Errorf("skipping %s: %v", text, err)
			continue
		}
		if it, err := r.Next(); err != nil || it.Num != 7 {
			t.Errorf("behind %s stands %v, %v", text, it, err)
		}
	}
	deep := strings.Repeat("81", MaxDepth)
	if err := NewReader(nodestest.Hex(t, deep+"00")).Skip(); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
	for _, open := range []string{"81", "9f", "a100", "c181"} {
		b := bytes.Repeat(nodestest.Hex(t, open), 1<<16)
		if err := NewReader(b).Skip(); !errors.Is(err, ErrMalformed) {
			t.Errorf("many levels of %s: %v", open, err)
		}
	}
}

// The bytes that are read stay as they are, also where strings are joined.
func TestReaderChangesNothing(t *testing.T) {
	b := nodestest.Hex(t, "8261617f61626163ff")
	before := bytes.Clone(b)
	r := NewReader(b)
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b, before) {
		t.Errorf("%x became %x", before, b)
	}
}

func FuzzValue(f *testing.F) {
	for _, text := range []string{"1818", "3863", "f93c00", "6449455446", "5f42010243030405ff", "c11a514b67b0", "c48221196ab3", "f6", "83010203"} {
		f.Add(nodestest.Hex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = NewReader(b).Skip()
		v, err := one(b)
		if err != nil {
			return
		}
		if v.Kind() == lwm2m.KindTime { // written without its tag
			v = lwm2m.Integer(v.Int())
		}
		if v.Kind() == lwm2m.KindString {
			v = lwm2m.String(strings.ToValidUTF8(v.Text(), "\uFFFD"))
		}
		again := AppendValue(nil, v)
		if w, err := one(again); err != nil || w != v {
			t.Errorf("%x is %s %v and, written as %x, %s %v, %v", b, v.Kind(), v, again, w.Kind(), w, err)
		}
	})
}
