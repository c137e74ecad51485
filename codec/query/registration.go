package query

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dormouse/codec/lwm2m"
)

// ErrMalformed is wrapped where a parameter, attribute or argument cannot be
// read or is not allowed: the answer to a device is 4.00.
var ErrMalformed = errors.New("query: malformed parameter")

// ErrVersion is wrapped where the enabler version is not 1.0, 1.1 or 1.2: the
// answer is 4.12, on which clients step down to an older version.
var ErrVersion = errors.New("query: unsupported LwM2M version")

// DefaultLifetime is the lifetime of a Register without lt, in seconds (OMA
// Core 1.0, 5.3.1).
const DefaultLifetime int64 = 86400

// Bounds of one Registration.
const (
	MaxParameters = 64   // of one request, known and unknown
	MaxEndpoint   = 1024 // bytes; CoAP itself carries up to 252
	maxLifetime   = 1<<32 - 1
	maxAwakeTime  = 1<<32 - 1 // ms, some 49 days
)

// Pair is a parameter that this server has no meaning for.
type Pair struct {
	Name, Value string
	Flag        bool // written without "="
}

// Registration holds the parameters of a Register or Update. For each there is
// a way to tell "not given", since an Update keeps what it does not name.
type Registration struct {
	Endpoint    string // ep: UTF-8, otherwise opaque
	HasEndpoint bool   // an endpoint that DTLS names need not repeat it

	Lifetime    int64 // lt in seconds, 0 for ever
	HasLifetime bool

	Version lwm2m.Version // lwm2m; zero: not given

	Binding    string // b, as sent: "U", "UQ" (1.0)
	HasBinding bool
	Queue      bool // Q is given, or Binding has it (1.0)

	SMS       string // sms: digits of the MSISDN; "": not given
	ProfileID string // pid, an opaque key (1.2); "": not given

	AwakeTime    time.Duration // at, in whole milliseconds; 0: always online
	HasAwakeTime bool

	Extra []Pair // all others, in order
}

// ParseRegistration reads the Uri-Query options of a Register or Update. A
// known parameter may be repeated only with the same value.
func ParseRegistration(queries []string) (Registration, error) {
	var r Registration
	if len(queries) > MaxParameters {
		return r, fmt.Errorf("%w: more than %d of them", ErrMalformed, MaxParameters)
	}
	for i, q := range queries {
		if q == "" {
			continue // some clients end their list with an empty option
		}
		name, value, assigned := strings.Cut(q, "=")
		known, err := r.read(name, value)
		switch {
		case !known:
			r.Extra = append(r.Extra, Pair{Name: name, Value: value, Flag: !assigned})
		case contradicted(queries[:i], name, value):
			return Registration{}, fmt.Errorf("%w: %s is given twice", ErrMalformed, name)
		case err != nil:
			return Registration{}, fmt.Errorf("read %s=%q: %w", name, value, err)
		}
	}
	return r, nil
}

// contradicted reports whether a parameter stands in earlier options with
// another value.
func contradicted(earlier []string, name, value string) bool {
	for _, q := range earlier {
		rest, same := strings.CutPrefix(q, name)
		if same && (rest == "" || rest[0] == '=') && strings.TrimPrefix(rest, "=") != value {
			return true
		}
	}
	return false
}

// read takes a parameter, if it is a known one. A switch of plain calls lets
// r stay on the stack, which a table of functions does not.
func (r *Registration) read(name, value string) (known bool, err error) {
	switch name {
	case "ep":
		err = r.readEndpoint(value)
	case "lt":
		err = r.readLifetime(value)
	case "lwm2m":
		err = r.readVersion(value)
	case "b":
		err = r.readBinding(value)
	case "Q":
		err = r.readQueue(value)
	case "sms":
		err = r.readSMS(value)
	case "pid":
		err = r.readProfileID(value)
	case "at":
		err = r.readAwakeTime(value)
	default:
		return false, nil
	}
	return true, err
}

func (r *Registration) readEndpoint(s string) error {
	if s == "" || len(s) > MaxEndpoint || !utf8.ValidString(s) {
		return fmt.Errorf("%w: want 1 to %d bytes of UTF-8", ErrMalformed, MaxEndpoint)
	}
	r.Endpoint, r.HasEndpoint = s, true
	return nil
}

func (r *Registration) readLifetime(s string) error {
	v, err := parseDecimal(s, maxLifetime)
	r.Lifetime, r.HasLifetime = v, true
	return err
}

// readVersion calls every sequence of numbers a version, that a client with
// "2" or "1.0.2" steps down as well.
func (r *Registration) readVersion(s string) error {
	v, err := lwm2m.ParseVersion(s)
	switch {
	case err == nil && !v.IsZero() && canonical(s):
		r.Version = v
		return nil
	case s != "" && strings.Trim(s, "0123456789.") == "":
		return ErrVersion
	}
	return fmt.Errorf("%w: want major.minor", ErrMalformed)
}

// canonical reports that no number of a version begins with a zero too many.
func canonical(version string) bool {
	major, minor, _ := strings.Cut(version, ".")
	return (major == "0" || major[0] != '0') && (minor == "0" || minor[0] != '0')
}

func (r *Registration) readBinding(s string) error {
	if s == "" || len(s) > 8 || !capitals(s) {
		return fmt.Errorf("%w: want letters of U, S, Q, T, N, M, H", ErrMalformed)
	}
	r.Binding, r.HasBinding = s, true
	r.Queue = r.Queue || strings.Contains(s, "Q")
	return nil
}

func capitals(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

func (r *Registration) readQueue(s string) error {
	if s != "" {
		return fmt.Errorf("%w: Q has no value", ErrMalformed)
	}
	r.Queue = true
	return nil
}

// readSMS drops a leading "+", which the specification does not want and
// clients send.
func (r *Registration) readSMS(s string) error {
	s = strings.TrimPrefix(s, "+")
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return fmt.Errorf("%w: want the digits of an MSISDN", ErrMalformed)
	}
	r.SMS = s
	return nil
}

// readProfileID checks the form suite:hash[,suite:hash...] and no more: a
// profile ID is a key to look up (OMA Core 1.2, 6.2.1.1).
func (r *Registration) readProfileID(s string) error {
	for id := range strings.SplitSeq(s, ",") {
		suite, hash, ok := strings.Cut(id, ":")
		if !ok || suite == "" || hash == "" {
			return fmt.Errorf("%w: want suite:hash", ErrMalformed)
		}
	}
	r.ProfileID = s
	return nil
}

func (r *Registration) readAwakeTime(s string) error {
	v, err := parseDecimal(s, maxAwakeTime)
	r.AwakeTime, r.HasAwakeTime = time.Duration(v)*time.Millisecond, true
	return err
}

// parseDecimal reads digits without sign, up to most.
func parseDecimal(s string, most int64) (int64, error) {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(v) > most || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("%w: want a number from 0 to %d", ErrMalformed, most)
	}
	return int64(v), nil
}

// Queries writes the parameters, each as one Uri-Query option, in the order of
// the specification's table; the inverse of ParseRegistration.
func (r Registration) Queries() []string {
	var q []string
	add := func(given bool, name, value string) {
		if given {
			q = append(q, name+"="+value)
		}
	}
	add(r.HasEndpoint, "ep", r.Endpoint)
	add(r.HasLifetime, "lt", strconv.FormatInt(r.Lifetime, 10))
	add(!r.Version.IsZero(), "lwm2m", r.Version.String())
	add(r.HasBinding, "b", r.Binding)
	if r.Queue && !strings.Contains(r.Binding, "Q") {
		q = append(q, "Q")
	}
	add(r.SMS != "", "sms", r.SMS)
	add(r.ProfileID != "", "pid", r.ProfileID)
	add(r.HasAwakeTime, "at", strconv.FormatInt(r.AwakeTime.Milliseconds(), 10))
	for _, p := range r.Extra {
		if p.Flag {
			q = append(q, p.Name)
			continue
		}
		add(true, p.Name, p.Value)
	}
	return q
}
