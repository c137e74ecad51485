package platform

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// object writes the members of one JSON object; buf begins behind its brace.
type object struct {
	buf  []byte
	more bool
}

func newObject(dst []byte) *object { return &object{buf: append(dst, '{')} }

func (o *object) name(name string) {
	if o.more {
		o.buf = append(o.buf, ',')
	}
	o.more = true
	o.buf = append(appendText(o.buf, name), ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.buf = appendText(o.buf, value)
}

// optional writes a text that is not empty.
func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) integer(name string, value int64) {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, value, 10)
}

func (o *object) bool(name string, value bool) {
	o.name(name)
	o.buf = strconv.AppendBool(o.buf, value)
}

func (o *object) raw(name string, value json.RawMessage) {
	o.name(name)
	o.buf = append(o.buf, value...)
}

// time writes an instant that is not zero.
func (o *object) time(name string, value time.Time) {
	if value.IsZero() {
		return
	}
	o.name(name)
	o.buf = append(AppendTime(append(o.buf, '"'), value), '"')
}

func (o *object) fragments(f Fragments) {
	for _, g := range f {
		o.raw(g.Name, g.Raw)
	}
}

func (o *object) close() []byte { return append(o.buf, '}') }

// appendText appends a JSON string. Bytes that are no UTF-8 become U+FFFD. An
// ampersand stays one, so that links can be copied from what curl shows.
func appendText(dst []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("platform: a string cannot fail to marshal: " + err.Error())
	}
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// isPlain reports printable ASCII that needs no escape.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
