package lwm2m

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is major.minor of the enabler or of an object.
type Version struct{ Major, Minor uint8 }

// Enabler versions that a Register may name.
var (
	V1_0 = Version{1, 0}
	V1_1 = Version{1, 1}
	V1_2 = Version{1, 2}
)

// ErrVersion is wrapped by every error of ParseVersion.
var ErrVersion = errors.New("lwm2m: malformed version")

// ParseVersion reads "1.1".
func ParseVersion(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	a, err1 := strconv.ParseUint(major, 10, 8)
	b, err2 := strconv.ParseUint(minor, 10, 8)
	if !ok || err1 != nil || err2 != nil {
		return Version{}, fmt.Errorf("%w: %q", ErrVersion, s)
	}
	return Version{uint8(a), uint8(b)}, nil
}

// Less orders versions.
func (v Version) Less(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// IsZero reports a version that was not given.
func (v Version) IsZero() bool { return v == Version{} }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
