package operations

import (
	"encoding/binary"
	"errors"
	"time"

	"dormouse/codec/ids"
)

// ErrRecord is returned for stored bytes that are no operation.
var ErrRecord = errors.New("operations: malformed record")

// recordVersion is the first byte of a stored operation.
const recordVersion = 1

const (
	flagRetry byte = 1 << iota
	flagFaults
	flagDelivered
	flagSent
)

// Append appends the stored form (docs/formats/operation.md).
func (o *Operation) Append(dst []byte) []byte {
	dst = append(dst, recordVersion, byte(o.Status), o.flags())
	dst = o.ID.Append(dst)
	dst = o.Endpoint.Append(dst)
	dst = o.Device.Append(dst)
	dst = binary.AppendVarint(dst, o.Updated.UnixMilli())
	dst = binary.AppendUvarint(dst, uint64(o.Line))
	for _, s := range []string{o.Text, o.Extra, o.Results, o.Failure, o.Output} {
		dst = appendText(dst, s)
	}
	if o.Attempt.Sent.IsZero() {
		return dst
	}
	dst = binary.AppendVarint(dst, o.Attempt.Sent.UnixMilli())
	dst = binary.BigEndian.AppendUint16(dst, o.Attempt.MessageID)
	dst = binary.BigEndian.AppendUint16(dst, o.Attempt.Count)
	return appendText(dst, o.Attempt.Token)
}

func (o *Operation) flags() (f byte) {
	if o.Retry {
		f |= flagRetry
	}
	if o.Faults {
		f |= flagFaults
	}
	if o.Attempt.Delivered {
		f |= flagDelivered
	}
	if !o.Attempt.Sent.IsZero() {
		f |= flagSent
	}
	return f
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Parse reads what Append wrote; it copies what it keeps.
func Parse(b []byte) (*Operation, error) {
	if len(b) < 27 || b[0] != recordVersion || Status(b[1]) < Pending || Status(b[1]) > Failed {
		return nil, ErrRecord
	}
	flags := b[2]
	o := &Operation{
		Status: Status(b[1]), Retry: flags&flagRetry != 0, Faults: flags&flagFaults != 0,
		ID:       ids.Operation(binary.BigEndian.Uint64(b[3:])),
		Endpoint: ids.Endpoint(binary.BigEndian.Uint64(b[11:])),
		Device:   ids.Object(binary.BigEndian.Uint64(b[19:])),
	}
	o.Attempt.Delivered = flags&flagDelivered != 0
	r := reader{rest: b[27:]}
	o.Updated = time.UnixMilli(r.varint())
	o.Line = int(r.uvarint())
	for _, s := range []*string{&o.Text, &o.Extra, &o.Results, &o.Failure, &o.Output} {
		*s = r.text()
	}
	if flags&flagSent != 0 {
		o.Attempt.Sent = time.UnixMilli(r.varint())
		o.Attempt.MessageID = r.uint16()
		o.Attempt.Count = r.uint16()
		o.Attempt.Token = r.text()
	}
	if r.bad || len(r.rest) > 0 {
		return nil, ErrRecord
	}
	return o, nil
}

// reader cuts fields; after the first fault all that follow are zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) cut(n int) []byte {
	if n < 0 || n > len(r.rest) || r.bad {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

// skip drops the n bytes of a varint; n <= 0 says that it was none.
func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.cut(n)
}

func (r *reader) uint16() uint16 {
	b := r.cut(2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	return string(r.cut(int(n)))
}
