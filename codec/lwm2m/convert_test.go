package lwm2m

import (
	"math"
	"testing"
)

// What devices send for a type, and what becomes of it.
func TestAs(t *testing.T) {
	for _, c := range []struct {
		in   Value
		want Kind
		out  Value
	}{
		{Integer(5), KindInteger, Integer(5)},
		{Integer(5), KindNone, Integer(5)},
		{Value{}, KindInteger, Value{}},
		{Integer(5), KindUnsigned, Unsigned(5)},
		{Integer(1367491215), KindTime, Time(1367491215)},
		{Integer(-1), KindTime, Time(-1)},
		{Time(-1), KindInteger, Integer(-1)},
		{Time(3), KindUnsigned, Unsigned(3)},
		{Unsigned(math.MaxInt64), KindInteger, Integer(math.MaxInt64)},
		{Unsigned(7), KindTime, Time(7)},
		{Float(86400), KindInteger, Integer(86400)},
		{Float(-2), KindInteger, Integer(-2)},
		{Float(-(1 << 63)), KindInteger, Integer(math.MinInt64)},
		{Float(1 << 62), KindTime, Time(1 << 62)},
		{Float(1 << 63), KindUnsigned, Unsigned(1 << 63)},
		{Integer(18), KindFloat, Float(18)},
		{Integer(-18), KindFloat, Float(-18)},
		{Time(18), KindFloat, Float(18)},
		{Unsigned(1 << 63), KindFloat, Float(1 << 63)},
		{Integer(0), KindBoolean, Boolean(false)},
		{Unsigned(1), KindBoolean, Boolean(true)},
		{Corelnk("</3>"), KindString, String("</3>")},
		{String("</3>"), KindCorelnk, Corelnk("</3>")},
		{String("ab"), KindOpaque, Opaque([]byte("ab"))},
	} {
		got, err := c.in.As(c.want)
		if err != nil || got != c.out {
			t.Errorf("%s %v as %s = %s %v, %v; want %s %v", c.in.Kind(), c.in, c.want, got.Kind(), got, err, c.out.Kind(), c.out)
		}
	}
}

// What would lose something, or says nothing of the wanted type.
func TestAsRefuses(t *testing.T) {
	for _, c := range []struct {
		in   Value
		want Kind
	}{
		{Integer(-1), KindUnsigned},
		{Time(-1), KindUnsigned},
		{Unsigned(math.MaxInt64 + 1), KindInteger},
		{Unsigned(math.MaxUint64), KindTime},
		{Float(1.5), KindInteger},
		{Float(1 << 63), KindInteger},
		{Float(1 << 64), KindUnsigned},
		{Float(-1), KindUnsigned},
		{Float(math.NaN()), KindInteger},
		{Float(math.Inf(1)), KindUnsigned},
		{Float(math.Inf(-1)), KindTime},
		{Integer(2), KindBoolean},
		{Integer(-1), KindBoolean},
		{Float(1), KindBoolean},
		{Boolean(true), KindInteger},
		{Boolean(true), KindString},
		{String("5"), KindInteger},
		{String("true"), KindBoolean},
		{Opaque([]byte("x")), KindString},
		{Integer(3), KindObjlnk},
		{Link(Objlnk{3, 0}), KindInteger},
		{Corelnk("x"), KindOpaque},
	} {
		got, err := c.in.As(c.want)
		if err == nil {
			t.Errorf("%s %v as %s = %s %v, want an error", c.in.Kind(), c.in, c.want, got.Kind(), got)
		}
		if got != c.in {
			t.Errorf("%s %v as %s gives %v beside the error", c.in.Kind(), c.in, c.want, got)
		}
	}
}

// Integers of 64 bits keep every bit on their way through the integer kinds.
func TestAsIsExact(t *testing.T) {
	for shift := range 63 {
		for _, delta := range []int64{-1, 0, 1} {
			i := int64(1)<<shift + delta
			v := Integer(i)
			for _, kind := range []Kind{KindTime, KindUnsigned, KindInteger} {
				var err error
				if v, err = v.As(kind); err != nil {
					t.Fatalf("%d as %s: %v", i, kind, err)
				}
			}
			if v.Int() != i {
				t.Errorf("%d became %d", i, v.Int())
			}
		}
	}
}
