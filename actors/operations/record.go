package operations

import (
	"encoding/binary"
	"errors"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
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
	dst = wire.AppendTime(dst, o.Updated)
	dst = binary.AppendUvarint(dst, uint64(o.Line))
	for _, s := range []string{o.Text, o.Extra, o.Results, o.Failure, o.Output} {
		dst = wire.AppendText(dst, s)
	}
	if o.Attempt.Sent.IsZero() {
		return dst
	}
	dst = wire.AppendTime(dst, o.Attempt.Sent)
	dst = binary.BigEndian.AppendUint16(dst, o.Attempt.MessageID)
	dst = binary.BigEndian.AppendUint16(dst, o.Attempt.Count)
	return wire.AppendText(dst, o.Attempt.Token)
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

// Parse reads what Append wrote; it copies what it keeps.
func Parse(b []byte) (*Operation, error) {
	f := wire.NewFields(b)
	if f.Byte() != recordVersion {
		return nil, ErrRecord
	}
	o := &Operation{Status: Status(f.Byte())}
	flags := f.Byte()
	o.Retry, o.Faults = flags&flagRetry != 0, flags&flagFaults != 0
	o.Attempt.Delivered = flags&flagDelivered != 0
	o.ID, o.Endpoint, o.Device = ids.Operation(f.Uint64()), ids.Endpoint(f.Uint64()), ids.Object(f.Uint64())
	o.Updated = f.Time()
	o.Line = int(f.Uvarint())
	for _, s := range []*string{&o.Text, &o.Extra, &o.Results, &o.Failure, &o.Output} {
		*s = f.Text()
	}
	if flags&flagSent != 0 {
		o.Attempt.Sent = f.Time()
		o.Attempt.MessageID, o.Attempt.Count = f.Uint16(), f.Uint16()
		o.Attempt.Token = f.Text()
	}
	if f.Err() != nil || o.Status < Pending || o.Status > Failed || o.Line < 0 {
		return nil, ErrRecord
	}
	return o, nil
}

// Created is when the operation was submitted.
func (o *Operation) Created() time.Time { return o.ID.Time() }
