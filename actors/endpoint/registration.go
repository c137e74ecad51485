package endpoint

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"dormouse/actors/observe"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
	"dormouse/codec/wire"
)

// ErrRecord is wrapped by errors about stored records that cannot be read.
var ErrRecord = errors.New("endpoint: malformed record")

// Registration is the record of an endpoint that is written when something
// about the device changes (wire.ClassRegistration): rarely.
type Registration struct {
	Name    string
	Tenant  string // "" is management
	Created time.Time

	Registered bool
	Count      uint16 // of Registers; part of the location
	Since      time.Time
	Version    lwm2m.Version
	Lifetime   int64 // seconds, 0 for ever
	Binding    string
	Queue      bool
	SMS        string
	Profile    string        // `pid`
	AwakeTime  time.Duration // `at`
	HasAwake   bool
	Extra      []query.Pair
	Objects    link.ObjectList

	Settings     Settings
	Observations observe.Set
	Attributes   []Attributes
	Refused      []lwm2m.Format // answered 4.06 or 4.15 under this registration
}

// Settings are what a platform client set on the device.
type Settings struct {
	AwakeTime      time.Duration // awakeTimeRegistrationParameter, 0 always online
	HasAwake       bool
	RequestTimeout time.Duration // lwm2mRequestTimeout, 0 the global one
	Format         lwm2m.Format  // serializationFormat, FormatNone: negotiated
	Interval       int64         // c8y_RequiredAvailability.responseInterval, minutes; 0 from the lifetime
	Fragments      string        // other fragments of the managed object, one JSON object, "" for none
}

// Attributes are what Write-Attributes set on a path, to be set again after
// a Register.
type Attributes struct {
	Path    lwm2m.Path
	Text    string // as in the query: "pmin=5&pmax=10"
	Pending bool
}

// Location is the current one.
func (r *Registration) Location(e ids.Endpoint) ids.Location {
	return ids.Location{Endpoint: e, Count: uint8(r.Count)}
}

// waiting reports that something is to be made again.
func (r *Registration) waiting() bool {
	return r.Observations.Waiting() >= 0 || slices.ContainsFunc(r.Attributes, func(a Attributes) bool { return a.Pending })
}

const registrationVersion = 1

// Tags of the sections of the record.
const (
	tagIdentity     = 1
	tagRegistration = 2
	tagExtra        = 3
	tagObjects      = 4
	tagSettings     = 5
	tagFragments    = 6
	tagObservations = 7
	tagAttributes   = 8
	tagRefused      = 9
)

const (
	flagRegistered byte = 1 << iota
	flagQueue
	flagAwake
)

// AppendAt appends the stored form of a format level (docs/formats/endpoint.md).
func (r *Registration) AppendAt(level format.Level, dst []byte) []byte {
	if level >= format.Synthetic {
		return r.appendSections(append(dst, syntheticRegistration...))
	}
	return r.Append(dst)
}

// Append appends that of the first level.
func (r *Registration) Append(dst []byte) []byte {
	return r.appendSections(append(dst, registrationVersion))
}

func (r *Registration) appendSections(dst []byte) []byte {
	dst = section(dst, tagIdentity, func(b []byte) []byte {
		b = wire.AppendTime(b, r.Created)
		return wire.AppendText(wire.AppendText(b, r.Name), r.Tenant)
	})
	dst = section(dst, tagRegistration, r.appendRegistration)
	dst = section(dst, tagExtra, r.appendExtra)
	dst = section(dst, tagObjects, r.appendObjects)
	dst = section(dst, tagSettings, r.Settings.append)
	dst = section(dst, tagFragments, func(b []byte) []byte { return append(b, r.Settings.Fragments...) })
	dst = section(dst, tagObservations, r.Observations.Append)
	dst = section(dst, tagAttributes, r.appendAttributes)
	return section(dst, tagRefused, func(b []byte) []byte {
		for _, f := range r.Refused {
			b = binary.BigEndian.AppendUint16(b, uint16(f))
		}
		return b
	})
}

func section(dst []byte, tag byte, body func([]byte) []byte) []byte {
	start := len(dst)
	return wire.CloseSection(body(dst), start, tag)
}

func (r *Registration) appendRegistration(b []byte) []byte {
	var flags byte
	if r.Registered {
		flags |= flagRegistered
	}
	if r.Queue {
		flags |= flagQueue
	}
	if r.HasAwake {
		flags |= flagAwake
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint16(b, r.Count)
	b = wire.AppendTime(b, r.Since)
	b = append(b, r.Version.Major, r.Version.Minor)
	b = binary.AppendVarint(b, r.Lifetime)
	b = binary.AppendVarint(b, int64(r.AwakeTime))
	return wire.AppendText(wire.AppendText(wire.AppendText(b, r.Binding), r.SMS), r.Profile)
}

func (r *Registration) appendExtra(b []byte) []byte {
	for _, p := range r.Extra {
		flag := byte(0)
		if p.Flag {
			flag = 1
		}
		b = wire.AppendText(wire.AppendText(append(b, flag), p.Name), p.Value)
	}
	return b
}

// appendObjects keeps the object list compact: 2 to 5 bytes an object instead
// of the link's text.
func (r *Registration) appendObjects(b []byte) []byte {
	if r.Objects.Root == "" && len(r.Objects.Formats) == 0 && len(r.Objects.Objects) == 0 {
		return b
	}
	b = wire.AppendText(b, r.Objects.Root)
	b = binary.AppendUvarint(b, uint64(len(r.Objects.Formats)))
	for _, f := range r.Objects.Formats {
		b = binary.BigEndian.AppendUint16(b, uint16(f))
	}
	for _, o := range r.Objects.Objects {
		b = lwm2m.AppendPath(b, o.Path)
		b = append(b, o.Version.Major, o.Version.Minor)
	}
	return b
}

func (s *Settings) append(b []byte) []byte {
	if !s.HasAwake && s.RequestTimeout == 0 && s.Format == lwm2m.FormatNone && s.Interval == 0 {
		return b
	}
	var flags byte
	if s.HasAwake {
		flags = flagAwake
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, int64(s.AwakeTime))
	b = binary.AppendVarint(b, int64(s.RequestTimeout))
	b = binary.BigEndian.AppendUint16(b, uint16(s.Format))
	return binary.AppendVarint(b, s.Interval)
}

func (r *Registration) appendAttributes(b []byte) []byte {
	for _, a := range r.Attributes {
		pending := byte(0)
		if a.Pending {
			pending = 1
		}
		b = append(b, pending)
		b = wire.AppendText(lwm2m.AppendPath(b, a.Path), a.Text)
	}
	return b
}

// ParseRegistration reads what AppendAt wrote at any level that this program reads;
// it copies what it keeps.
func ParseRegistration(b []byte) (*Registration, error) {
	return parseRegistration(b, format.Program())
}

func parseRegistration(b []byte, reads format.Range) (*Registration, error) {
	r := &Registration{Settings: Settings{Format: lwm2m.FormatNone}}
	f := wire.NewFields(b)
	switch version := f.Byte(); {
	case version == syntheticRegistration[0] && reads.Has(format.Synthetic):
		if !isSynthetic(&f) {
			return nil, ErrRecord
		}
	case version != registrationVersion:
		return nil, ErrRecord
	}
	for {
		tag, body, ok := f.Section()
		if !ok {
			break
		}
		r.parseSection(tag, &body)
		if body.Err() != nil {
			return nil, ErrRecord
		}
	}
	if f.Err() != nil {
		return nil, ErrRecord
	}
	return r, nil
}

func (r *Registration) parseSection(tag byte, f *wire.Fields) {
	switch tag {
	case tagIdentity:
		r.Created = f.Time()
		r.Name, r.Tenant = f.Text(), f.Text()
	case tagRegistration:
		r.parseTerms(f)
	case tagExtra:
		for f.Len() > 0 {
			r.Extra = append(r.Extra, query.Pair{Flag: f.Byte() == 1, Name: f.Text(), Value: f.Text()})
		}
	case tagObjects:
		r.parseObjects(f)
	case tagSettings:
		r.Settings.parse(f)
	case tagFragments:
		r.Settings.Fragments = string(f.Rest())
	case tagObservations:
		r.Observations = observe.Parse(f)
	case tagAttributes:
		for f.Len() > 0 {
			pending := f.Byte() == 1
			r.Attributes = append(r.Attributes, Attributes{Pending: pending, Path: f.Path(), Text: f.Text()})
		}
	case tagRefused:
		for f.Len() > 0 {
			r.Refused = append(r.Refused, lwm2m.Format(f.Uint16()))
		}
	default:
		f.Rest() // a newer version's section
	}
}

func (r *Registration) parseTerms(f *wire.Fields) {
	flags := f.Byte()
	r.Registered, r.Queue, r.HasAwake = flags&flagRegistered != 0, flags&flagQueue != 0, flags&flagAwake != 0
	r.Count, r.Since = f.Uint16(), f.Time()
	r.Version = lwm2m.Version{Major: f.Byte(), Minor: f.Byte()}
	r.Lifetime, r.AwakeTime = f.Varint(), time.Duration(f.Varint())
	r.Binding, r.SMS, r.Profile = f.Text(), f.Text(), f.Text()
}

func (r *Registration) parseObjects(f *wire.Fields) {
	r.Objects.Root = f.Text()
	n := f.Uvarint()
	if n > uint64(f.Len()) {
		f.Fail()
		return
	}
	for range n {
		r.Objects.Formats = append(r.Objects.Formats, lwm2m.Format(f.Uint16()))
	}
	for f.Len() > 0 {
		p := f.Path()
		r.Objects.Objects = append(r.Objects.Objects, link.Object{Path: p, Version: lwm2m.Version{Major: f.Byte(), Minor: f.Byte()}})
	}
}

func (s *Settings) parse(f *wire.Fields) {
	s.HasAwake = f.Byte()&flagAwake != 0
	s.AwakeTime, s.RequestTimeout = time.Duration(f.Varint()), time.Duration(f.Varint())
	s.Format, s.Interval = lwm2m.Format(f.Uint16()), f.Varint()
}
