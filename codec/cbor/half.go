package cbor

import "math"

// half widens a float of 16 bits (IEEE 754 binary16; RFC 8949 appendix D).
func half(bits uint16) float64 {
	sign := 1.0
	if bits&0x8000 != 0 {
		sign = -1
	}
	exponent, mantissa := int(bits>>10&31), float64(bits&1023)
	switch {
	case exponent == 0:
		return sign * math.Ldexp(mantissa, -24)
	case exponent < 31:
		return sign * math.Ldexp(mantissa+1024, exponent-25)
	case mantissa == 0:
		return math.Inf(int(sign))
	}
	return math.NaN()
}
