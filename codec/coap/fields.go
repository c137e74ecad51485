package coap

import (
	"strings"

	"dormouse/codec/lwm2m"
)

// Option is the value of the first option of that number.
func (m *Message) Option(id OptionID) ([]byte, bool) {
	for i := range m.Options {
		if m.Options[i].ID == id {
			return m.Options[i].Value, true
		}
	}
	return nil, false
}

// Uint is the value of an option of format uint.
func (m *Message) Uint(id OptionID) (uint32, bool) {
	v, ok := m.Option(id)
	return parseUint(v), ok
}

// Each calls f for every option of that number, in order.
func (m *Message) Each(id OptionID, f func(value []byte)) {
	for i := range m.Options {
		if m.Options[i].ID == id {
			f(m.Options[i].Value)
		}
	}
}

// ContentFormat is the format of the payload, FormatNone where not given.
func (m *Message) ContentFormat() lwm2m.Format { return m.format(OptContentFormat) }

// Accept is the format that is wanted, FormatNone where not given.
func (m *Message) Accept() lwm2m.Format { return m.format(OptAccept) }

func (m *Message) format(id OptionID) lwm2m.Format {
	v, ok := m.Uint(id)
	if !ok {
		return lwm2m.FormatNone
	}
	return lwm2m.Format(v)
}

// Observe is the value of the Observe option (24 bits).
func (m *Message) Observe() (uint32, bool) { return m.Uint(OptObserve) }

// Path joins the Uri-Path segments with "/", without a leading one. Trailing
// empty segments ("/rd/") are left out.
func (m *Message) Path() string { return m.join(OptUriPath) }

// LocationPath joins the Location-Path segments like Path.
func (m *Message) LocationPath() string { return m.join(OptLocationPath) }

func (m *Message) join(id OptionID) string {
	var b []byte
	m.Each(id, func(v []byte) {
		b = append(append(b, '/'), v...)
	})
	for len(b) > 0 && b[len(b)-1] == '/' {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	return string(b[1:])
}

// Segments are the first two Uri-Path segments that are not empty (a client may
// ask for "/rd/"), and whether there are more. They alias the message.
func (m *Message) Segments() (first, second []byte, more bool) {
	var found [2][]byte
	n := 0
	for i := range m.Options {
		o := &m.Options[i]
		if o.ID != OptUriPath || len(o.Value) == 0 {
			continue
		}
		if n == len(found) {
			return found[0], found[1], true
		}
		found[n] = o.Value
		n++
	}
	return found[0], found[1], false
}

// Queries are the Uri-Query options in order. They share one string.
func (m *Message) Queries() []string {
	n, size := 0, 0
	m.Each(OptUriQuery, func(v []byte) { n, size = n+1, size+len(v) })
	if n == 0 {
		return nil
	}
	q := make([]string, 0, n)
	var text strings.Builder
	text.Grow(size)
	m.Each(OptUriQuery, func(v []byte) {
		start := text.Len()
		text.Write(v)
		q = append(q, text.String()[start:])
	})
	return q
}
