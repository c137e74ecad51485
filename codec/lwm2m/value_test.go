package lwm2m

import (
	"math"
	"testing"
)

func TestKindNames(t *testing.T) {
	for k := KindString; k <= KindCorelnk; k++ {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%d prints %q, which reads as %v, %v", k, k, got, err)
		}
	}
	if k, err := ParseKind(""); err != nil || k != KindNone {
		t.Errorf("no type reads as %v, %v", k, err)
	}
	for _, s := range []string{"string", "Int", "Kind(12)"} {
		if _, err := ParseKind(s); err == nil {
			t.Errorf("ParseKind(%q) gives no error", s)
		}
	}
	if got := Kind(200).String(); got != "Kind(200)" {
		t.Errorf("a kind beyond the table prints %q", got)
	}
}

// Each constructor, what its accessors say, and how it prints.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		v    Value
		kind Kind
		text string
	}{
		{Value{}, KindNone, ""},
		{String("Open Mobile Alliance"), KindString, "Open Mobile Alliance"},
		{String(""), KindString, ""},
		{Integer(-750), KindInteger, "-750"},
		{Integer(math.MinInt64), KindInteger, "-9223372036854775808"},
		{Integer(math.MaxInt64), KindInteger, "9223372036854775807"},
		{Unsigned(math.MaxUint64), KindUnsigned, "18446744073709551615"},
		{Float(56.4), KindFloat, "56.4"},
		{Float(math.Inf(-1)), KindFloat, "-Inf"},
		{Boolean(true), KindBoolean, "true"},
		{Boolean(false), KindBoolean, "false"},
		{Opaque([]byte{0xab, 0xcd, 0xef}), KindOpaque, "abcdef"},
		{Time(1476186613), KindTime, "2016-10-11T11:50:13Z"},
		{Time(-62167219200), KindTime, "0000-01-01T00:00:00Z"},
		{Time(-62167219201), KindTime, "-62167219201"},
		{Time(253402300799), KindTime, "9999-12-31T23:59:59Z"},
		{Time(253402300800), KindTime, "253402300800"},
		{Time(math.MaxInt64), KindTime, "9223372036854775807"},
		{Link(Objlnk{66, 0}), KindObjlnk, "66:0"},
		{Link(Objlnk{MaxID, MaxID}), KindObjlnk, "65535:65535"},
		{Corelnk("</3/0>"), KindCorelnk, "</3/0>"},
	} {
		if c.v.Kind() != c.kind || c.v.String() != c.text {
			t.Errorf("%v is %s %q, want %s %q", c.v, c.v.Kind(), c.v, c.kind, c.text)
		}
		if !c.v.Equal(c.v) || c.kind != KindNone && c.v.Equal(Value{}) {
			t.Errorf("Equal is wrong for %s %v", c.kind, c.v)
		}
	}
}

// An accessor of another kind gives the zero, not the bits of the number.
func TestAccessorsKeepToTheirKind(t *testing.T) {
	for _, v := range []Value{Integer(7), Unsigned(7), Float(7), Boolean(true), Time(7), Link(Objlnk{0, 7}), String("7")} {
		k := v.Kind()
		if got := v.Int() != 0; got != (k == KindInteger || k == KindTime) {
			t.Errorf("Int of %s is %d", k, v.Int())
		}
		if got := v.Uint() != 0; got != (k == KindUnsigned) {
			t.Errorf("Uint of %s is %d", k, v.Uint())
		}
		if got := v.Float64() != 0; got != (k == KindFloat) {
			t.Errorf("Float64 of %s is %v", k, v.Float64())
		}
		if v.Bool() != (k == KindBoolean) {
			t.Errorf("Bool of %s is %t", k, v.Bool())
		}
		if got := v.Text() != ""; got != (k == KindString) {
			t.Errorf("Text of %s is %q", k, v.Text())
		}
	}
}

func TestEqual(t *testing.T) {
	nan := Float(math.NaN())
	if !nan.Equal(nan) {
		t.Error("a NaN does not equal itself")
	}
	for _, pair := range [][2]Value{
		{Integer(1), Unsigned(1)}, {Integer(1), Time(1)}, {String("a"), Corelnk("a")},
		{Float(0), Float(math.Copysign(0, -1))}, {String("a"), Opaque([]byte("a"))}, {Boolean(false), Value{}},
	} {
		if pair[0].Equal(pair[1]) {
			t.Errorf("%s %v equals %s %v", pair[0].Kind(), pair[0], pair[1].Kind(), pair[1])
		}
	}
}

// The bytes that go in and out belong to the caller.
func TestOpaqueOwnsItsBytes(t *testing.T) {
	b := []byte{1, 2, 3}
	v := Opaque(b)
	b[0] = 9
	out := v.Bytes()
	out[1] = 9
	if v.String() != "010203" {
		t.Errorf("the value became %s", v)
	}
}
