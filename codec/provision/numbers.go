package provision

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

func boolean[T any](at func(*T) *Optional[bool]) ops[T] {
	return ops[T]{
		parse: func(_ check, t *T, s string) string {
			switch {
			case strings.EqualFold(s, "true"):
				*at(t) = Some(true)
			case strings.EqualFold(s, "false"):
				*at(t) = Some(false)
			default:
				return "must be true or false"
			}
			return ""
		},
		text:  func(t *T) (string, bool) { return strconv.FormatBool(at(t).Value), at(t).Given },
		clear: func(t *T) { *at(t) = Optional[bool]{} },
		append: func(dst []byte, t *T) []byte {
			switch v := *at(t); {
			case !v.Given:
				return dst
			case v.Value:
				return append(dst, 1)
			}
			return append(dst, 0)
		},
		read: func(t *T, b *body) {
			v := b.Byte()
			if v > 1 {
				b.Fail()
			}
			*at(t) = Some(v == 1)
		},
	}
}

// integer reads a whole number within the field's range.
func (c check) integer(s string) (int64, string) {
	least, most := c.bounds()
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < least || v > most {
		what := "a whole number"
		if c.Unit != "" {
			what = "a whole number of " + units[c.Unit]
		}
		return 0, fmt.Sprintf("must be %s from %d to %d", what, least, most)
	}
	return v, ""
}

var units = map[string]string{"s": "seconds", "ms": "milliseconds", "min": "minutes"}

func number[T any](at func(*T) *Optional[uint16]) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			v, reason := c.integer(s)
			*at(t) = Some(uint16(v))
			return reason
		},
		text:  func(t *T) (string, bool) { return strconv.Itoa(int(at(t).Value)), at(t).Given },
		clear: func(t *T) { *at(t) = Optional[uint16]{} },
		append: func(dst []byte, t *T) []byte {
			if v := *at(t); v.Given {
				return binary.AppendUvarint(dst, uint64(v.Value))
			}
			return dst
		},
		read: func(t *T, b *body) {
			v := b.Uvarint()
			if v > math.MaxUint16 {
				b.Fail()
			}
			*at(t) = Some(uint16(v))
		},
	}
}

// period is an integer that counts units of time.
func period[T any](unit time.Duration, at func(*T) *Optional[time.Duration]) ops[T] {
	return ops[T]{
		parse: func(c check, t *T, s string) string {
			v, reason := c.integer(s)
			*at(t) = Some(time.Duration(v) * unit)
			return reason
		},
		text: func(t *T) (string, bool) {
			return strconv.FormatInt(int64(at(t).Value/unit), 10), at(t).Given
		},
		clear: func(t *T) { *at(t) = Optional[time.Duration]{} },
		append: func(dst []byte, t *T) []byte {
			if v := *at(t); v.Given {
				return binary.AppendUvarint(dst, uint64(max(v.Value, 0)/unit))
			}
			return dst
		},
		read: func(t *T, b *body) {
			v := b.Uvarint()
			if v > uint64(math.MaxInt64/unit) {
				b.Fail()
				v = 0
			}
			*at(t) = Some(time.Duration(v) * unit)
		},
	}
}
