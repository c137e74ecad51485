package filter

import (
	"bytes"
	"cmp"
)

// decimal is a number with all its digits: ±0.digits × 10^point. Zero has none.
type decimal struct {
	negative bool
	digits   []byte // without zeros at either end
	point    int64
}

// maxExponent is where exponents stop to grow: beyond it numbers are alike.
const maxExponent = 1 << 40

// parseDecimal reads what JSON calls a number; zeros in front and a plus sign
// are taken too. The digits go into buf as far as it has room.
func parseDecimal(s string, buf []byte) (d decimal, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		d.negative = s[i] == '-'
		i++
	}
	d.digits = buf[:0]
	whole, i := d.mantissa(s, i)
	count := whole
	if i < len(s) && s[i] == '.' {
		var fraction int
		fraction, i = d.mantissa(s, i+1)
		count += fraction
		if fraction == 0 {
			return decimal{}, false
		}
	}
	if count == 0 {
		return decimal{}, false
	}
	exponent, ok := parseExponent(s[i:])
	if !ok {
		return decimal{}, false
	}
	d.point = int64(whole) + exponent
	d.trim()
	return d, true
}

// mantissa appends the digits from i on, and tells how many there were.
func (d *decimal) mantissa(s string, i int) (n, next int) {
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		d.digits = append(d.digits, s[i])
		n++
	}
	return n, i
}

// parseExponent reads e±digits, or nothing.
func parseExponent(s string) (n int64, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int64(s[i]-'0'), maxExponent)
	}
	if negative {
		n = -n
	}
	return n, true
}

// trim takes the zeros from both ends; those in front move the point.
func (d *decimal) trim() {
	zeros := 0
	for zeros < len(d.digits) && d.digits[zeros] == '0' {
		zeros++
	}
	d.digits = bytes.TrimRight(d.digits[zeros:], "0")
	d.point -= int64(zeros)
	if len(d.digits) == 0 {
		*d = decimal{digits: d.digits}
	}
}

func (d decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) compare(e decimal) int {
	sign := d.sign()
	if other := e.sign(); sign != other || sign == 0 {
		return cmp.Compare(sign, other)
	}
	return sign * cmp.Or(cmp.Compare(d.point, e.point), bytes.Compare(d.digits, e.digits))
}

// compareNumbers is false where one of the texts is no number.
func compareNumbers(a, b string) (order int, ok bool) {
	var x, y [32]byte
	d, okA := parseDecimal(a, x[:])
	e, okB := parseDecimal(b, y[:])
	if !okA || !okB {
		return 0, false
	}
	return d.compare(e), true
}
