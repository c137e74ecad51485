package endpoint

import (
	"encoding/binary"
	"time"

	"dormouse/actors/observe"
	"dormouse/codec/wire"
)

// Contact is the record of an endpoint that is written with every message
// (wire.ClassContact): it is kept small.
type Contact struct {
	LastContact time.Time // of any message
	LastUpdate  time.Time // of the last Register or Update: the lifetime counts from here
	Path        wire.ReturnPath

	// What an Update needs of the registration, so that it need not be read.
	Registered bool
	Count      uint16
	Lifetime   int64         // seconds
	HasWindow  bool          // the settings or the registration say how long it is awake:
	Window     time.Duration // after a message, whole ms; 0 for ever
	Queue      bool          // queue mode
	Restore    bool          // observations or attributes wait to be made again

	MessageID   uint16 // the last one that we used towards the device
	Timer       int64  // Unix milliseconds of the durable timer, 0 for none
	Signposted  bool   // the signpost of Path.Peer is ours (until another device takes the address)
	Asleep      bool   // a request timed out since the last message
	Active      uint32 // operations that have not ended
	Redelivered uint32 // in this wake-up
	Values      uint32 // resources with a last value
	Marks       []observe.Mark
	Answers     []byte // the newest answers, for duplicates (exchange.Answers)

	// Of endpoints that DTLS protects.
	Bare     bool   // there is no registration record: the endpoint has credentials, and perhaps a session
	Secured  bool   // it has credentials: plain CoAP is refused
	Unproven bool   // Path is new, and nothing was heard from there since
	Session  []byte // state of the session (session.AppendState), nil for none
	Secret   []byte // its secret (session.AppendSecret), sealed; nil where Session is
}

// Versions of the record. The second is written where there is something that
// the first cannot say.
const (
	contactVersion1 = 1
	contactVersion2 = 2
)

// Second byte of flags, in version 2.
const (
	contactBare byte = 1 << iota
	contactSecured
	contactUnproven
	contactSession
	contactNowhere // there is no path: nothing was heard yet

	contactMore = contactBare | contactSecured | contactUnproven | contactSession | contactNowhere
)

const (
	contactAsleep byte = 1 << iota
	contactCounts
	contactMarks
	contactSignposted
	contactRegistered
	contactRestore
	contactWindow
	contactQueue
)

// storedAnswers is how many answers the record keeps: a device has one or two
// exchanges under way. The memory keeps more while the device is awake.
const storedAnswers = 2

// Append appends the stored form (docs/formats/endpoint.md). Times are whole
// milliseconds; LastUpdate is kept as its distance from LastContact.
func (c *Contact) Append(dst []byte) []byte {
	var flags byte
	if c.Asleep {
		flags |= contactAsleep
	}
	if c.Signposted {
		flags |= contactSignposted
	}
	if c.Registered {
		flags |= contactRegistered
	}
	if c.Restore {
		flags |= contactRestore
	}
	if c.HasWindow {
		flags |= contactWindow
	}
	if c.Queue {
		flags |= contactQueue
	}
	if c.Active|c.Redelivered|c.Values != 0 {
		flags |= contactCounts
	}
	if len(c.Marks) > 0 {
		flags |= contactMarks
	}
	if more := c.more(); more != 0 {
		dst = append(dst, contactVersion2, flags, more)
	} else {
		dst = append(dst, contactVersion1, flags)
	}
	dst = wire.AppendTime(dst, c.LastContact)
	dst = binary.AppendVarint(dst, c.LastContact.UnixMilli()-c.LastUpdate.UnixMilli())
	if !c.Path.IsZero() {
		dst = c.Path.Append(dst)
	}
	dst = binary.BigEndian.AppendUint16(dst, c.Count)
	dst = binary.AppendUvarint(dst, uint64(c.Lifetime))
	if c.HasWindow {
		dst = binary.AppendUvarint(dst, uint64(c.Window.Milliseconds()))
	}
	dst = binary.BigEndian.AppendUint16(dst, c.MessageID)
	dst = binary.AppendVarint(dst, c.Timer)
	if flags&contactCounts != 0 {
		dst = binary.AppendUvarint(dst, uint64(c.Active))
		dst = binary.AppendUvarint(dst, uint64(c.Redelivered))
		dst = binary.AppendUvarint(dst, uint64(c.Values))
	}
	if flags&contactMarks != 0 {
		dst = section(dst, 0, func(b []byte) []byte { return observe.AppendMarks(b, c.Marks) })
	}
	if c.Session != nil {
		dst = append(append(dst, byte(len(c.Session))), c.Session...)
		dst = append(binary.AppendUvarint(dst, uint64(len(c.Secret))), c.Secret...)
	}
	return append(dst, c.Answers...)
}

// more is the second byte of flags, 0 where version 1 says all.
func (c *Contact) more() (flags byte) {
	for _, f := range [...]struct {
		set  bool
		flag byte
	}{{c.Bare, contactBare}, {c.Secured, contactSecured}, {c.Unproven, contactUnproven}, {c.Session != nil, contactSession}, {c.Path.IsZero(), contactNowhere}} {
		if f.set {
			flags |= f.flag
		}
	}
	return flags
}

// Parse reads what Append wrote into c. Answers, Session and Secret alias b.
func (c *Contact) Parse(b []byte) error {
	*c = Contact{}
	f := wire.NewFields(b)
	version, flags, more := f.Byte(), f.Byte(), byte(0)
	if version == contactVersion2 {
		more = f.Byte()
	}
	if version != contactVersion1 && version != contactVersion2 || more&^contactMore != 0 {
		return ErrRecord
	}
	c.Bare, c.Secured, c.Unproven = more&contactBare != 0, more&contactSecured != 0, more&contactUnproven != 0
	c.Asleep, c.Signposted = flags&contactAsleep != 0, flags&contactSignposted != 0
	c.LastContact = f.Time()
	c.LastUpdate = time.UnixMilli(c.LastContact.UnixMilli() - f.Varint())
	if more&contactNowhere == 0 {
		path, n, err := wire.ParseReturnPath(f.Peek())
		if err != nil {
			return ErrRecord
		}
		f.Cut(n)
		c.Path = path
	}
	c.Registered, c.Restore = flags&contactRegistered != 0, flags&contactRestore != 0
	c.Count, c.Lifetime = f.Uint16(), int64(f.Uvarint())
	c.HasWindow, c.Queue = flags&contactWindow != 0, flags&contactQueue != 0
	if c.HasWindow {
		c.Window = time.Duration(f.Uvarint()) * time.Millisecond
	}
	c.MessageID, c.Timer = f.Uint16(), f.Varint()
	if flags&contactCounts != 0 {
		c.Active, c.Redelivered, c.Values = uint32(f.Uvarint()), uint32(f.Uvarint()), uint32(f.Uvarint())
	}
	if flags&contactMarks != 0 {
		_, body, ok := f.Section()
		if c.Marks = observe.ParseMarks(&body); !ok || body.Err() != nil {
			return ErrRecord
		}
	}
	if more&contactSession != 0 {
		c.Session = f.Cut(int(f.Byte()))
		c.Secret = f.Bytes()
	}
	c.Answers = f.Rest()
	if f.Err() != nil {
		return ErrRecord
	}
	return nil
}

// summarize copies into the contact what it repeats of the registration.
func (e *Endpoint) summarize() {
	r := e.whole
	if r == nil || !e.known {
		return
	}
	e.at.Registered, e.at.Count, e.at.Lifetime = r.Registered, r.Count, r.Lifetime
	e.at.Queue = r.Queue
	e.at.Window, e.at.HasWindow = r.window()
	e.at.Restore = r.waiting()
}
