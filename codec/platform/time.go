package platform

import (
	"fmt"
	"time"
)

// timeForm is how instants are written: UTC, with milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z07:00"

// timeForms are read: fractions of a second may be absent, the zone may lack
// its colon, and a date alone is its midnight in UTC.
var timeForms = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", time.DateOnly}

// AppendTime appends an instant as 2026-01-31T12:00:00.000Z.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, timeForm)
}

// ParseTime reads an instant of ISO 8601 with a zone, or a date.
func ParseTime(s string) (time.Time, error) {
	for _, form := range timeForms {
		t, err := time.Parse(form, s)
		if t = t.UTC(); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q is no time such as 2026-01-31T12:00:00.000Z", ErrShape, s)
}
