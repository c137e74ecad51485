// Package observe holds what an endpoint's server observes: the set of
// observations with their tokens, their stored form, and what was last heard
// of each. It promises that an observation is found by its token and by its
// set of paths in any order. When to send what is the endpoint's affair.
package observe

import (
	"encoding/binary"
	"slices"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/wire"
)

// MaxObservations bounds a device's set.
const MaxObservations = 256

// Observation is one Observe or Observe-Composite that the device accepted.
type Observation struct {
	Token     ids.Token
	Paths     []lwm2m.Path // each once, ascending: a composite is cancelled with the identical list
	Composite bool
	Format    lwm2m.Format // wanted by the command, FormatNone: negotiated
	Query     string       // attributes of this observation alone (1.2): "pmin=5&pmax=10"
	Since     time.Time
	// Pending says that the device may have forgotten it: it is to be made
	// again at the next occasion.
	Pending bool
}

// Mark is the newest notification of an observation (RFC 7641 section 3.4).
type Mark struct {
	Sequence uint32
	At       time.Time
}

// Set holds the observations of a device, oldest first.
type Set []Observation

// ByToken is the index of the observation with that token, in either form, -1
// for none.
func (s Set) ByToken(token []byte) int {
	return slices.IndexFunc(s, func(o Observation) bool { return o.Token.Is(token) })
}

// ByPaths is the index of the observation of the same paths in any order, -1
// for none.
func (s Set) ByPaths(paths []lwm2m.Path, composite bool) int {
	return slices.IndexFunc(s, func(o Observation) bool {
		return o.Composite == composite && sameSet(o.Paths, paths)
	})
}

func sameSet(a, b []lwm2m.Path) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, lwm2m.Path.Compare)
	slices.SortFunc(b, lwm2m.Path.Compare)
	return slices.Equal(a, b)
}

// Covers reports whether the path is at or below one that is observed.
func (o *Observation) Covers(p lwm2m.Path) bool {
	return slices.ContainsFunc(o.Paths, func(q lwm2m.Path) bool { return q.Contains(p) })
}

// Waiting is the index of the first observation that is to be made again.
func (s Set) Waiting() int {
	return slices.IndexFunc(s, func(o Observation) bool { return o.Pending })
}

const (
	flagComposite byte = 1 << iota
	flagPending
)

// Append appends the stored form (docs/formats/endpoint.md).
func (s Set) Append(dst []byte) []byte {
	for _, o := range s {
		var flags byte
		if o.Composite {
			flags |= flagComposite
		}
		if o.Pending {
			flags |= flagPending
		}
		dst = append(dst, flags)
		dst = append(dst, o.Token[:]...)
		dst = binary.BigEndian.AppendUint16(dst, uint16(o.Format))
		dst = wire.AppendText(wire.AppendTime(dst, o.Since), o.Query)
		dst = binary.AppendUvarint(dst, uint64(len(o.Paths)))
		for _, p := range o.Paths {
			dst = lwm2m.AppendPath(dst, p)
		}
	}
	return dst
}

// Parse reads what Append wrote, to the end of f.
func Parse(f *wire.Fields) Set {
	var s Set
	for f.Len() > 0 {
		flags := f.Byte()
		o := Observation{Composite: flags&flagComposite != 0, Pending: flags&flagPending != 0}
		copy(o.Token[:], f.Cut(len(o.Token)))
		o.Format = lwm2m.Format(f.Uint16())
		o.Since, o.Query = f.Time(), f.Text()
		n := f.Uvarint()
		if n == 0 || n > uint64(f.Len()) {
			f.Fail()
			return nil
		}
		for range n {
			o.Paths = append(o.Paths, f.Path())
		}
		s = append(s, o)
	}
	return s
}

// AppendMarks appends the stored form of the marks, one an observation.
func AppendMarks(dst []byte, marks []Mark) []byte {
	for _, m := range marks {
		dst = binary.AppendUvarint(dst, uint64(m.Sequence))
		dst = wire.AppendTime(dst, m.At)
	}
	return dst
}

// ParseMarks reads what AppendMarks wrote, to the end of f.
func ParseMarks(f *wire.Fields) (marks []Mark) {
	for f.Len() > 0 {
		marks = append(marks, Mark{uint32(f.Uvarint()), f.Time()})
	}
	return marks
}
