package access

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnauthorized says that nobody is logged in by what came (HTTP 401). It
	// never says why.
	ErrUnauthorized = errors.New("access: not logged in")
	// ErrForbidden says that who is logged in may not do that (HTTP 403).
	ErrForbidden = errors.New("access: forbidden")
	// ErrInvalid says that a name, a field or a password is not as it must be.
	ErrInvalid = errors.New("access: invalid")
	// ErrRecord says that bytes are no record of this package.
	ErrRecord = errors.New("access: malformed record")
)

// Throttled says that nothing was looked at, for there were too many attempts or
// requests (HTTP 429).
type Throttled struct {
	After time.Duration // until the next may succeed: Retry-After
}

func (t *Throttled) Error() string {
	return fmt.Sprintf("access: too many requests, try again in %d s", t.Seconds())
}

// Seconds is the value of Retry-After, at least 1.
func (t *Throttled) Seconds() int64 { return max(1, int64((t.After+time.Second-1)/time.Second)) }

// Forbid makes an ErrForbidden that says what was tried.
func Forbid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrForbidden, fmt.Sprintf(format, args...))
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
