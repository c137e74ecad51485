package cbor

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Kind tells what an Item is.
type Kind uint8

const (
	KindUint     Kind = iota // Num
	KindNegative             // -1 - Num
	KindBytes                // Data
	KindText                 // Data
	KindArray                // Num elements, or Indefinite
	KindMap                  // Num pairs, or Indefinite
	KindFloat                // Float
	KindBool                 // Num
	KindNull                 // null and undefined
)

// Tags with a meaning here (RFC 8949 section 3.4); others are passed over.
const (
	TagDateTime = 0 // RFC 3339 text
	TagEpoch    = 1 // seconds since 1970
	TagDecimal  = 4 // [exponent, mantissa], base 10
)

// Item is one data item, of an array or map its head. Data aliases the bytes
// that were read, unless the string came in chunks.
type Item struct {
	Kind       Kind
	Num        uint64
	Float      float64
	Data       []byte
	Indefinite bool
	Tag        uint64 // the innermost
	Tagged     bool
	Exponent   int // of a decimal fraction, whose mantissa is the integer
	decimal    bool
}

// Int64 is the integer that it holds; ok is false for others and beyond 64 bits.
func (it Item) Int64() (v int64, ok bool) {
	if it.Num > math.MaxInt64 || it.decimal {
		return 0, false
	}
	switch it.Kind {
	case KindUint:
		return int64(it.Num), true
	case KindNegative:
		return -1 - int64(it.Num), true
	}
	return 0, false
}

// Number is the decimal form of an integer, float or decimal fraction, for
// sums that must be exact; ok is false for others.
func (it Item) Number() (s string, ok bool) {
	switch it.Kind {
	case KindUint:
		s = strconv.FormatUint(it.Num, 10)
	case KindNegative:
		i, ok := Item{Kind: it.Kind, Num: it.Num}.Int64()
		if !ok {
			return "", false
		}
		s = strconv.FormatInt(i, 10)
	case KindFloat:
		if math.IsNaN(it.Float) || math.IsInf(it.Float, 0) {
			return "", false
		}
		return strconv.FormatFloat(it.Float, 'e', -1, 64), true
	default:
		return "", false
	}
	if it.decimal {
		s += "e" + strconv.Itoa(it.Exponent)
	}
	return s, true
}

// Value is the item as a resource value: integers as Integer, or Unsigned
// beyond 63 bits, byte strings as Opaque, tagged times as Time, null as
// KindNone. Arrays and maps are no values.
func (it Item) Value() (lwm2m.Value, error) {
	switch {
	case it.Kind == KindText && it.Tagged && it.Tag == TagDateTime:
		return dateTime(string(it.Data))
	case it.Tagged && it.Tag == TagEpoch:
		return it.epoch()
	case it.decimal:
		s, ok := it.Number()
		if !ok {
			break
		}
		return nodes.ParseNumber(s)
	}
	switch it.Kind {
	case KindUint, KindNegative:
		return it.integer()
	case KindBytes:
		return lwm2m.Opaque(it.Data), nil
	case KindText:
		return lwm2m.String(string(it.Data)), nil
	case KindFloat:
		return lwm2m.Float(it.Float), nil
	case KindBool:
		return lwm2m.Boolean(it.Num == 1), nil
	case KindNull:
		return lwm2m.Value{}, nil
	}
	return lwm2m.Value{}, fmt.Errorf("%w: array or map for a value", ErrMalformed)
}

func (it Item) integer() (lwm2m.Value, error) {
	if i, ok := it.Int64(); ok {
		return lwm2m.Integer(i), nil
	}
	if it.Kind == KindUint && !it.decimal {
		return lwm2m.Unsigned(it.Num), nil
	}
	return lwm2m.Value{}, fmt.Errorf("%w: integer beyond 64 bits", ErrMalformed)
}

// epoch reads tag 1; fractions of a second are cut, because a Time has none.
func (it Item) epoch() (lwm2m.Value, error) {
	if it.Kind == KindFloat && math.Abs(it.Float) < 1<<62 {
		return lwm2m.Time(int64(math.Floor(it.Float))), nil
	}
	if i, ok := it.Int64(); ok {
		return lwm2m.Time(i), nil
	}
	return lwm2m.Value{}, fmt.Errorf("%w: tag 1 without a time", ErrMalformed)
}

func dateTime(s string) (lwm2m.Value, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return lwm2m.Value{}, fmt.Errorf("%w: tag 0: %w", ErrMalformed, err)
	}
	return lwm2m.Time(at.Unix()), nil
}
