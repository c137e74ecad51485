package provision

import "strings"

// Fault is one thing that is wrong with a registration. Neither it nor the
// Reason quotes a value.
type Fault struct {
	Column string // in CSV; "": of no one column, or JSON alone has the field
	Name   string // in JSON, such as servers[1].uri; "": of no one field
	Reason string // a sentence's second half, whose subject is the field
}

// Error implements error by the name that a reader of CSV knows.
func (f Fault) Error() string {
	switch {
	case f.Column != "":
		return f.Column + " " + f.Reason
	case f.Name != "":
		return f.Name + " " + f.Reason
	}
	return f.Reason
}

// Faults are all that is wrong with one registration.
type Faults []Fault

// Error implements error.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].Error()
	}
	return "provision: " + strings.Join(texts, "; ")
}

// AsError is nil where there are none.
func (f Faults) AsError() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
