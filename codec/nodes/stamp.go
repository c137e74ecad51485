package nodes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/lwm2m"
)

// nanoDigits is how many decimals of a second a Stamp keeps.
const nanoDigits = 9

// ParseSeconds reads a decimal count of seconds without passing it through a
// float; digits below a nanosecond are cut. What does not fit into a Stamp
// (292 years around 1970) is an error.
func ParseSeconds(s string) (lwm2m.Stamp, error) {
	bad := fmt.Errorf("%w: %q is no time in seconds", ErrNumber, s)
	mantissa, exponent, has := strings.Cut(strings.ToLower(s), "e")
	exp := 0
	if has {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil || exp < -400 || exp > 400 {
			return 0, bad
		}
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, bad
	}
	digits = shift(strings.TrimLeft(digits, "0"), exp-len(fraction)+nanoDigits)
	n, err := strconv.ParseInt(sign+digits, 10, 64)
	if err != nil {
		return 0, bad
	}
	return lwm2m.Stamp(n), nil
}

// shift multiplies a whole number in decimal digits by 10^places.
func shift(digits string, places int) string {
	switch {
	case digits == "" || -places >= len(digits):
		return "0"
	case places < 0:
		return digits[:len(digits)+places]
	}
	return digits + strings.Repeat("0", places)
}

// AppendSeconds appends what ParseSeconds reads, without needless zeros.
func AppendSeconds(dst []byte, s lwm2m.Stamp) []byte {
	whole, fraction := int64(s)/int64(time.Second), int64(s)%int64(time.Second)
	if s < 0 {
		dst = append(dst, '-')
		whole, fraction = -whole, -fraction
	}
	dst = strconv.AppendInt(dst, whole, 10)
	if fraction == 0 {
		return dst
	}
	return append(dst, strings.TrimRight(fmt.Sprintf(".%09d", fraction), "0")...)
}

// AddStamps adds a base time; ok is false on overflow.
func AddStamps(a, b lwm2m.Stamp) (sum lwm2m.Stamp, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}
