package members

import (
	"encoding/binary"
	"errors"
	"fmt"

	"dormouse/codec/format"
	"dormouse/codec/ids"
)

// MaxMeta bounds encoded metadata, in bytes. It is memberlist's own bound, over
// which that panics.
const MaxMeta = 512

// Versions of the layout; see docs/formats/member.md.
const (
	metaVersion = 3 // what AppendMeta writes
	metaSince   = 1 // the least version whose readers understand it
)

const (
	metaFixed   = 3 + 3*8 + 3*2 + 1
	metaTail    = 2 // behind the zone, since version 2
	metaLevels  = 3 // behind that, since version 3
	flagLeaving = 1 << 0
	flagFull    = 1 << 1 // since version 3
)

// ErrMeta is in the chain of every error of AppendMeta and ParseMeta.
var ErrMeta = errors.New("members: malformed metadata")

// valid says what of m cannot be gossiped.
func (m Meta) valid() error {
	switch {
	case m.ID == 0:
		return fmt.Errorf("%w: node ID 0", ErrMeta)
	case m.Zone != "" && !validName(m.Zone):
		return fmt.Errorf("%w: zone %q: letters, digits, and after the first of them - _ . too, at most %d", ErrMeta, m.Zone, MaxName)
	case (m.Reads != format.Range{} || m.Writes != 0) && (!m.Reads.Valid() || !m.Reads.Has(m.Writes)):
		return fmt.Errorf("%w: it reads format %v and writes level %d", ErrMeta, m.Reads, m.Writes)
	}
	return nil
}

// AppendMeta appends m, at most metaFixed+MaxName+metaTail+metaLevels bytes, which is far below
// MaxMeta: a node with whatever valid metadata can be gossiped.
//
//	version(1) since(1) flags(1) id(8) incarnation(8) topology(8) cluster(2) link(2) http(2) length(1), zone, actors(2) oldest(1) newest(1) writes(1)
func AppendMeta(dst []byte, m Meta) ([]byte, error) {
	if err := m.valid(); err != nil {
		return dst, err
	}
	var flags byte
	if m.Leaving {
		flags |= flagLeaving
	}
	if m.Full {
		flags |= flagFull
	}
	dst = append(dst, metaVersion, metaSince, flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.ID))
	dst = binary.BigEndian.AppendUint64(dst, m.Incarnation)
	dst = binary.BigEndian.AppendUint64(dst, m.Topology)
	dst = binary.BigEndian.AppendUint16(dst, m.Ports.Cluster)
	dst = binary.BigEndian.AppendUint16(dst, m.Ports.Link)
	dst = binary.BigEndian.AppendUint16(dst, m.Ports.HTTP)
	dst = append(dst, byte(len(m.Zone)))
	dst = append(dst, m.Zone...)
	dst = binary.BigEndian.AppendUint16(dst, m.Ports.Actors)
	return append(dst, byte(m.Reads.Oldest), byte(m.Reads.Newest), byte(m.Writes)), nil
}

// ParseMeta reads all of b. Of a newer node that says this reader understands
// it, flags and bytes behind those known here are passed over, and an older one
// has no port for actors, or no format levels: nodes of two releases run together.
func ParseMeta(b []byte) (Meta, error) {
	if len(b) < metaFixed || len(b) > MaxMeta {
		return Meta{}, fmt.Errorf("%w: %d bytes", ErrMeta, len(b))
	}
	version, since, flags := b[0], b[1], b[2]
	if version == 0 || since == 0 || since > version || since > metaVersion {
		return Meta{}, fmt.Errorf("%w: version %d for readers since version %d, this is one of version %d", ErrMeta, version, since, metaVersion)
	}
	zone := b[metaFixed:]
	if int(b[metaFixed-1]) > len(zone) {
		return Meta{}, fmt.Errorf("%w: a zone of %d bytes in %d", ErrMeta, b[metaFixed-1], len(zone))
	}
	zone, rest := zone[:b[metaFixed-1]], zone[b[metaFixed-1]:]
	tail, known := 0, byte(flagLeaving)
	if version > 1 {
		tail += metaTail
	}
	if version > 2 {
		tail += metaLevels
		known |= flagFull
	}
	if len(rest) < tail || version <= metaVersion && (flags&^known != 0 || len(rest) > tail) {
		return Meta{}, fmt.Errorf("%w: flags %08b, %d bytes behind the zone", ErrMeta, flags, len(rest))
	}
	m := parseFixed(b)
	if version > 1 {
		m.Ports.Actors = binary.BigEndian.Uint16(rest)
	}
	if version > 2 {
		m.Reads = format.Range{Oldest: format.Level(rest[metaTail]), Newest: format.Level(rest[metaTail+1])}
		m.Writes = format.Level(rest[metaTail+2])
	}
	m.Leaving, m.Full, m.Zone = flags&flagLeaving != 0, flags&known&flagFull != 0, string(zone)
	return m, m.valid()
}

func parseFixed(b []byte) Meta {
	return Meta{
		ID:          ids.Node(binary.BigEndian.Uint64(b[3:])),
		Incarnation: binary.BigEndian.Uint64(b[11:]),
		Topology:    binary.BigEndian.Uint64(b[19:]),
		Ports: Ports{
			Cluster: binary.BigEndian.Uint16(b[27:]),
			Link:    binary.BigEndian.Uint16(b[29:]),
			HTTP:    binary.BigEndian.Uint16(b[31:]),
		},
	}
}
