// Package listing reads long lists a page at a time: streams of IDs as they lie
// in the store, and pages cut out of what is visited in order. It promises that
// a list takes the memory of its page and of a chunk for each stream, whatever
// its length. It knows no list and no HTTP.
package listing

import (
	"bytes"
	"encoding/binary"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// chunk is how many IDs of a stream are read ahead.
const chunk = 128

// Request is a State for the reads of one request, one after another, which may
// then cost less than one by one: it shows at least what was committed before the
// call.
func Request(s endpoint.State) endpoint.State {
	if r, ok := s.(interface{ Request() endpoint.State }); ok {
		return r.Request()
	}
	return s
}

// Stream is the IDs in which the keys of one class of a shard end, in their
// order, read a chunk ahead: what comes or goes meanwhile may be met or not.
// The fields are set before the first use.
type Stream[ID ~uint64] struct {
	State   endpoint.State
	Shard   ids.Shard
	Class   wire.Class
	Prefix  []byte // of the keys, before the ID
	From    ID     // the least that may come, inclusive
	To      ID     // the bound above, exclusive; 0: none
	Reverse bool

	ahead []ID
	end   bool // nothing is behind ahead
}

// Head is the next ID; ok is false at the end.
func (s *Stream[ID]) Head() (id ID, ok bool, err error) {
	if len(s.ahead) == 0 && !s.end {
		err = s.fill()
	}
	if err != nil || len(s.ahead) == 0 {
		return 0, false, err
	}
	return s.ahead[0], true, nil
}

// Take is the ID that Head showed; the next one moves up.
func (s *Stream[ID]) Take() ID {
	id := s.ahead[0]
	s.ahead = s.ahead[1:]
	return id
}

// fill reads the next chunk.
func (s *Stream[ID]) fill() error {
	to := wire.PrefixEnd(s.Prefix)
	if s.To != 0 {
		to = s.key(s.To)
	}
	err := s.State.Scan(s.Shard, s.Class, s.key(s.From), to, s.Reverse, func(key, _ []byte) bool {
		if len(key) == len(s.Prefix)+8 {
			s.ahead = append(s.ahead, ID(binary.BigEndian.Uint64(key[len(s.Prefix):])))
		}
		return len(s.ahead) < chunk
	})
	n := len(s.ahead)
	if s.end = n < chunk; s.end {
		return err
	}
	if last := s.ahead[n-1]; s.Reverse {
		s.To, s.end = last, last == 0
	} else {
		s.From, s.end = last+1, last+1 == 0
	}
	return err
}

func (s *Stream[ID]) key(id ID) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(s.Prefix), uint64(id))
}
