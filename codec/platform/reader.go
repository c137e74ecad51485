package platform

import (
	"encoding/json"
	"fmt"
	"time"
)

// reader takes typed members out of fragments and keeps the first fault.
type reader struct {
	fragments Fragments
	err       error
}

func (r *reader) fault(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) text(name string) string {
	s, err := r.fragments.Text(name)
	if err != nil {
		r.fault(err)
	}
	return s
}

// pointer is nil for an absent member and "" for null.
func (r *reader) pointer(name string) *string {
	if r.fragments.Get(name) == nil {
		return nil
	}
	s := r.text(name)
	return &s
}

// flag is nil for an absent member or null.
func (r *reader) flag(name string) *bool {
	if raw := r.fragments.Get(name); raw == nil || isNull(raw) {
		return nil
	}
	v := r.bool(name)
	return &v
}

// object is nil for an absent member or null.
func (r *reader) object(name string) json.RawMessage {
	raw := r.fragments.Get(name)
	if raw == nil || isNull(raw) {
		return nil
	}
	if raw[0] != '{' {
		r.fault(fmt.Errorf("%w: %s is no object", ErrShape, name))
		return nil
	}
	return raw
}

func (r *reader) bool(name string) bool {
	v, err := r.fragments.Bool(name)
	if err != nil {
		r.fault(err)
	}
	return v
}

func (r *reader) int(name string) int64 {
	v, _, err := r.fragments.Int(name)
	if err != nil {
		r.fault(err)
	}
	return v
}

// time is zero for an absent member.
func (r *reader) time(name string) time.Time {
	s := r.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := ParseTime(s)
	if err != nil {
		r.fault(err)
	}
	return t
}
