package wire

import (
	"encoding/binary"
	"errors"
	"time"

	"dormouse/codec/lwm2m"
)

// ErrFields is returned for a stored record that is cut or holds more than
// its fields.
var ErrFields = errors.New("wire: malformed record")

// Fields cuts a stored record. After the first fault every field is zero, and
// Err reports it: a reader checks once, at the end.
type Fields struct {
	rest []byte
	bad  bool
}

// NewFields starts at the beginning of b; the fields alias it.
func NewFields(b []byte) Fields { return Fields{rest: b} }

// Err is nil if all fields were whole and nothing is left.
func (f *Fields) Err() error {
	if f.bad || len(f.rest) > 0 {
		return ErrFields
	}
	return nil
}

// CutOff reports that a field was not whole, whatever is left behind it.
func (f *Fields) CutOff() bool { return f.bad }

// Len is the number of bytes left.
func (f *Fields) Len() int { return len(f.rest) }

// Fail marks the record as malformed.
func (f *Fields) Fail() { f.bad, f.rest = true, nil }

// Cut takes n bytes, nil where there are fewer.
func (f *Fields) Cut(n int) []byte {
	if n < 0 || n > len(f.rest) {
		f.Fail()
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

// Peek is all that is left, not taken yet: for fields with a parser of their
// own, followed by Cut.
func (f *Fields) Peek() []byte { return f.rest }

// Rest takes all that is left.
func (f *Fields) Rest() []byte { return f.Cut(len(f.rest)) }

// Byte takes one byte.
func (f *Fields) Byte() byte {
	if b := f.Cut(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 takes two bytes, big-endian.
func (f *Fields) Uint16() uint16 {
	if b := f.Cut(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint64 takes eight bytes, big-endian.
func (f *Fields) Uint64() uint64 {
	if b := f.Cut(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Varint takes a zigzag varint.
func (f *Fields) Varint() int64 {
	v, n := binary.Varint(f.rest)
	f.skip(n)
	return v
}

// Uvarint takes a varint.
func (f *Fields) Uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	f.skip(n)
	return v
}

// skip drops the n bytes of a varint; n <= 0 says that it was none.
func (f *Fields) skip(n int) {
	if n <= 0 {
		f.Fail()
		return
	}
	f.Cut(n)
}

// Time takes a point in time, whole milliseconds; the zero time is kept.
func (f *Fields) Time() time.Time {
	ms := f.Varint()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Bytes takes a length and as many bytes.
func (f *Fields) Bytes() []byte {
	n := f.Uvarint()
	if n > uint64(len(f.rest)) {
		f.Fail()
		return nil
	}
	return f.Cut(int(n))
}

// Text is Bytes, copied.
func (f *Fields) Text() string { return string(f.Bytes()) }

// Path takes a path as lwm2m.AppendPath wrote it.
func (f *Fields) Path() lwm2m.Path {
	p, n, err := lwm2m.ParseStoredPath(f.rest)
	if err != nil {
		f.Fail()
		return lwm2m.Path{}
	}
	f.Cut(n)
	return p
}

// Section takes a tag and its body; ok is false at the end. Readers skip tags
// that they do not know: that is how records grow.
func (f *Fields) Section() (tag byte, body Fields, ok bool) {
	if len(f.rest) == 0 {
		return 0, Fields{}, false
	}
	tag = f.Byte()
	body = NewFields(f.Bytes())
	return tag, body, !f.bad
}

// AppendTime appends what Time takes.
func AppendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendVarint(dst, t.UnixMilli())
}

// AppendText appends what Text takes.
func AppendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// CloseSection makes what was appended behind start the body of a section:
// its tag and length are put in front of it. An empty body leaves no section.
func CloseSection(dst []byte, start int, tag byte) []byte {
	n := len(dst) - start
	if n == 0 {
		return dst
	}
	var head [1 + binary.MaxVarintLen32]byte
	head[0] = tag
	k := 1 + binary.PutUvarint(head[1:], uint64(n))
	dst = append(dst, head[:k]...)
	copy(dst[start+k:], dst[start:start+n])
	copy(dst[start:], head[:k])
	return dst
}
