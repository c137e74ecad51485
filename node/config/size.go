package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// units by their factor, the largest first: the powers of 1024 before those of
// 1000, so that a size is printed as it is counted.
var units = []struct {
	name   string
	factor int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// String is the size in the largest power of 1024 that divides it.
func (s Size) String() string {
	for _, u := range units[:4] {
		if s != 0 && int64(s)%u.factor == 0 {
			return strconv.FormatInt(int64(s)/u.factor, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// ParseSize reads bytes as 65536, 64KiB, 1.5GiB or 500MB.
func ParseSize(text string) (Size, error) {
	number, factor := text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n >= 0 && n <= math.MaxInt64/factor {
		return Size(n * factor), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if bytes := f * float64(factor); err == nil && factor > 1 && bytes >= 0 && bytes < 1<<62 {
		return Size(bytes), nil
	}
	return 0, fmt.Errorf("%q is no size such as 64MiB", text)
}
