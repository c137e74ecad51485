package nodes

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// ErrNumber is wrapped by errors of ParseNumber, ParseSeconds and AppendFloat.
var ErrNumber = errors.New("nodes: malformed number")

// ParseNumber reads a decimal number. Digits alone are an Integer, an Unsigned
// where they exceed 63 bits, a Float beyond 64 bits; a point or an exponent
// makes a Float.
func ParseNumber(s string) (lwm2m.Value, error) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return lwm2m.Value{}, fmt.Errorf("%w: %q", ErrNumber, s)
	}
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return lwm2m.Integer(i), nil
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return lwm2m.Unsigned(u), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return lwm2m.Value{}, fmt.Errorf("%w: %q", ErrNumber, s)
	}
	return lwm2m.Float(f), nil
}

// AppendFloat appends f so that ParseNumber makes the same Float of it: with
// a point or an exponent always. NaN and infinities have no decimal form.
func AppendFloat(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, fmt.Errorf("%w: %v has no decimal form", ErrNumber, f)
	}
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-15 || abs >= 1e21) {
		form = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, form, -1, 64)
	if !strings.ContainsAny(string(dst[start:]), ".e") {
		dst = append(dst, ".0"...)
	}
	return dst, nil
}

// AddNumbers adds a SenML base value: exactly where both are integers and the
// sum is one of 64 bits, as floats elsewhere.
func AddNumbers(a, b lwm2m.Value) (lwm2m.Value, error) {
	if a.Kind() == lwm2m.KindInteger && b.Kind() == lwm2m.KindInteger {
		x, y := a.Int(), b.Int()
		if sum := x + y; (sum > x) == (y > 0) {
			return lwm2m.Integer(sum), nil
		}
	}
	x, err := a.As(lwm2m.KindFloat)
	if err != nil {
		return a, err
	}
	y, err := b.As(lwm2m.KindFloat)
	if err != nil {
		return a, err
	}
	return lwm2m.Float(x.Float64() + y.Float64()), nil
}
