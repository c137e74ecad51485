package provision

import (
	"errors"
	"fmt"

	"dormouse/codec/wire"
)

// recordVersion stands in front of records and of keys.
const recordVersion = 1

var (
	// ErrRecord is wrapped where bytes are no record.
	ErrRecord = errors.New("provision: malformed record")
	// ErrVersion is wrapped where a record has a version that is not known here.
	ErrVersion = errors.New("provision: unknown version of a record")
)

// AppendRecord appends the device without its keys, see docs/formats/provision.md.
func (d *Device) AppendRecord(dst []byte) []byte {
	dst = appendSections(append(dst, recordVersion), devices, d)
	for i := range d.Servers {
		dst = appendServer(dst, &d.Servers[i])
	}
	return append(dst, d.later...)
}

// appendServer writes a section even where it is empty, so that the servers keep
// their places, by which the keys find them.
func appendServer(dst []byte, s *Server) []byte {
	start := len(dst)
	dst = append(appendSections(dst, servers, s), s.later...)
	if len(dst) == start {
		return append(dst, serversTag, 0)
	}
	return wire.CloseSection(dst, start, serversTag)
}

func appendSections[T any](dst []byte, t *table[T], v *T) []byte {
	for i := range t.columns {
		start := len(dst)
		dst = wire.CloseSection(t.columns[i].append(dst, v), start, t.columns[i].tag)
	}
	return dst
}

// ParseRecord reads what AppendRecord wrote. It does not hold it against the
// rules, which may have changed since. Sections with tags that are not known here
// are kept and appended again.
func ParseRecord(b []byte) (Device, error) {
	f, err := versioned(b)
	if err != nil {
		return Device{}, err
	}
	var d Device
	for f.Len() > 0 {
		whole := f.Peek()
		tag, body, ok := f.Section()
		switch {
		case !ok:
			return Device{}, fmt.Errorf("%w: a section is cut", ErrRecord)
		case tag == serversTag:
			err = d.readServer(body)
		default:
			var known bool
			if known, err = readSection(devices, &d, tag, body); !known {
				d.later = append(d.later, whole[:len(whole)-f.Len()]...)
			}
		}
		if err != nil {
			return Device{}, err
		}
	}
	return d, nil
}

func versioned(b []byte) (wire.Fields, error) {
	f := wire.NewFields(b)
	switch v := f.Byte(); {
	case f.CutOff():
		return f, fmt.Errorf("%w: it is empty", ErrRecord)
	case v != recordVersion:
		return f, fmt.Errorf("%w: %d", ErrVersion, v)
	}
	return f, nil
}

func (d *Device) readServer(f wire.Fields) error {
	var s Server
	for f.Len() > 0 {
		whole := f.Peek()
		tag, body, ok := f.Section()
		if !ok {
			return fmt.Errorf("%w: a section of a server is cut", ErrRecord)
		}
		known, err := readSection(servers, &s, tag, body)
		if err != nil {
			return err
		}
		if !known {
			s.later = append(s.later, whole[:len(whole)-f.Len()]...)
		}
	}
	if len(d.Servers) == MaxServers {
		return fmt.Errorf("%w: more than %d servers", ErrRecord, MaxServers)
	}
	d.Servers = append(d.Servers, s)
	return nil
}

// readSection reads the field of a tag.
func readSection[T any](t *table[T], v *T, tag byte, body wire.Fields) (known bool, err error) {
	for i := range t.columns {
		c := &t.columns[i]
		if c.tag != tag || tag == 0 {
			continue
		}
		c.read(v, &body)
		if body.Err() != nil {
			return true, fmt.Errorf("%w: section %d", ErrRecord, tag)
		}
		return true, nil
	}
	return false, nil
}

// AppendKeys appends the keys in clear, in the order that SetKeys reads: the
// caller seals them before they go anywhere.
func (d *Device) AppendKeys(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = wire.AppendText(dst, string(d.PSKKey.Bytes()))
	dst = wire.AppendText(dst, string(d.BootstrapPSKKey.Bytes()))
	for i := range d.Servers {
		dst = wire.AppendText(dst, string(d.Servers[i].Security.PSKKey.Bytes()))
	}
	return dst
}

// SetKeys puts the keys into the device that they were taken from: one of
// another number of servers is refused, and then nothing is changed.
func (d *Device) SetKeys(b []byte) error {
	f, err := versioned(b)
	if err != nil {
		return err
	}
	keys := make([]Key, 2+len(d.Servers))
	for i := range keys {
		keys[i] = NewKey(f.Bytes())
	}
	if f.Err() != nil {
		return fmt.Errorf("%w: not the keys of a device with %d servers", ErrRecord, len(d.Servers))
	}
	d.PSKKey, d.BootstrapPSKKey = keys[0], keys[1]
	d.Servers = append([]Server(nil), d.Servers...) // whose array others may share
	for i := range d.Servers {
		d.Servers[i].Security.PSKKey = keys[2+i]
	}
	return nil
}
