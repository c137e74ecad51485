package bootstrap

import (
	"encoding/binary"
	"errors"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// ErrRecord is returned for stored bytes that are no record of a session.
var ErrRecord = errors.New("bootstrap: malformed record")

// Phase is where a session stands.
type Phase uint8

const (
	Idle Phase = iota // there was none yet
	Running
	Done
	Failed
	phases
)

// record is what is durable of a session; nothing in it is secret. The configuration
// is asked for again, and the plan follows from both.
type record struct {
	Name    string
	Phase   Phase
	Started time.Time
	Ended   time.Time
	Path    wire.ReturnPath
	Sealed  bool
	Pack    bool // the newest one was a Bootstrap-Pack

	Format  lwm2m.Format // of writes
	Serial  uint64       // of the configuration
	Digest  uint32       // of the plan, once there was a Discover
	Step    int          // the first one of the plan that is not done
	Resets  int          // of this step
	Token   string       // of the request under way, "" for none
	Request uint16       // message ID of its first datagram
	Message uint16       // the last message ID that we used

	Found   found
	Known   []uint16     // accounts that the newest Discover or Pack-Request named, of any session
	Taken   []lwm2m.Path // what was written
	Refused []Refusal
	Account *uint16
	Reason  string
}

const recordVersion = 1

const (
	recordSealed byte = 1 << iota
	recordPack
	recordDiscovered
	recordServer
	recordAccess
	recordAccount
	recordFlags = 1<<iota - 1
)

// maxList bounds the lists of a record: a plan has fewer steps.
const maxList = 1024

func (r *record) flags() (flags byte) {
	for i, set := range [...]bool{r.Sealed, r.Pack, r.Found.answered, r.Found.server, r.Found.access, r.Account != nil} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

// append appends the stored form (docs/formats/bootstrap.md), without the answers
// behind it. Times are whole milliseconds.
func (r *record) append(dst []byte) []byte {
	dst = append(dst, recordVersion, byte(r.Phase), r.flags())
	dst = wire.AppendText(dst, r.Name)
	dst = wire.AppendTime(wire.AppendTime(dst, r.Started), r.Ended)
	dst = r.Path.Append(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(r.Format))
	dst = binary.AppendUvarint(dst, r.Serial)
	dst = binary.BigEndian.AppendUint32(dst, r.Digest)
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(r.Step)), uint64(r.Resets))
	dst = wire.AppendText(dst, r.Token)
	dst = binary.BigEndian.AppendUint16(dst, r.Request)
	dst = binary.BigEndian.AppendUint16(dst, r.Message)
	dst = append(dst, r.Found.version.Major, r.Found.version.Minor)
	dst = appendNumbers(appendNumbers(appendNumbers(dst, r.Found.accounts), r.Found.security), r.Known)
	dst = appendPaths(appendPaths(dst, r.Found.shared), r.Taken)
	dst = binary.AppendUvarint(dst, uint64(len(r.Refused)))
	for _, f := range r.Refused {
		dst = append(lwm2m.AppendPath(append(dst, byte(f.Method)), f.Path), byte(f.Code))
	}
	if r.Account != nil {
		dst = binary.BigEndian.AppendUint16(dst, *r.Account)
	}
	return wire.AppendText(dst, r.Reason)
}

// parseRecord reads what append wrote and returns the answers behind it, which alias b.
func parseRecord(b []byte) (r record, answers []byte, err error) {
	f := wire.NewFields(b)
	version, phase, flags := f.Byte(), Phase(f.Byte()), f.Byte()
	if version != recordVersion || phase == Idle || phase >= phases || flags&^byte(recordFlags) != 0 {
		return record{}, nil, ErrRecord
	}
	r.Phase, r.Sealed, r.Pack = phase, flags&recordSealed != 0, flags&recordPack != 0
	r.Found = found{answered: flags&recordDiscovered != 0, server: flags&recordServer != 0, access: flags&recordAccess != 0}
	r.Name = f.Text()
	r.Started, r.Ended = f.Time(), f.Time()
	path, n, err := wire.ParseReturnPath(f.Peek())
	if err != nil {
		return record{}, nil, ErrRecord
	}
	f.Cut(n)
	r.Path = path
	r.Format, r.Serial = lwm2m.Format(f.Uint16()), f.Uvarint()
	r.Digest = uint32(f.Uint16())<<16 | uint32(f.Uint16())
	r.Step, r.Resets = count(&f), count(&f)
	r.Token, r.Request, r.Message = f.Text(), f.Uint16(), f.Uint16()
	r.Found.version = lwm2m.Version{Major: f.Byte(), Minor: f.Byte()}
	r.Found.accounts, r.Found.security, r.Known = cutNumbers(&f), cutNumbers(&f), cutNumbers(&f)
	r.Found.shared, r.Taken = cutPaths(&f), cutPaths(&f)
	for range count(&f) {
		r.Refused = append(r.Refused, Refusal{Method: coap.Code(f.Byte()), Path: f.Path(), Code: coap.Code(f.Byte())})
	}
	if flags&recordAccount != 0 {
		account := f.Uint16()
		r.Account = &account
	}
	r.Reason = f.Text()
	answers = f.Rest()
	if f.Err() != nil || len(r.Token) > 8 {
		return record{}, nil, ErrRecord
	}
	return r, answers, nil
}

// count takes the length of a list, 0 where no list has it.
func count(f *wire.Fields) int {
	n := f.Uvarint()
	if n > maxList {
		f.Fail()
		return 0
	}
	return int(n)
}

func appendNumbers(dst []byte, list []uint16) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, v := range list {
		dst = binary.BigEndian.AppendUint16(dst, v)
	}
	return dst
}

func cutNumbers(f *wire.Fields) (list []uint16) {
	for range count(f) {
		list = append(list, f.Uint16())
	}
	return list
}

func appendPaths(dst []byte, list []lwm2m.Path) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, p := range list {
		dst = lwm2m.AppendPath(dst, p)
	}
	return dst
}

func cutPaths(f *wire.Fields) (list []lwm2m.Path) {
	for range count(f) {
		list = append(list, f.Path())
	}
	return list
}
