package fleet

import (
	"bytes"
	"encoding/binary"

	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// chunk is how many IDs of a stream are read ahead.
const chunk = 128

// stream is the IDs in which the keys of one class of a shard end, in their
// order, read a chunk ahead: what comes or goes meanwhile may be met or not.
type stream[ID ~uint64] struct {
	fleet   *Fleet
	shard   ids.Shard
	class   wire.Class
	prefix  []byte // of the keys, before the ID
	from    ID     // the least that may come, inclusive
	to      ID     // the bound above, exclusive; 0: none
	reverse bool
	ahead   []ID
	end     bool // nothing is behind ahead
}

// head is the next ID; ok is false at the end.
func (s *stream[ID]) head() (id ID, ok bool, err error) {
	if len(s.ahead) == 0 && !s.end {
		err = s.fill()
	}
	if err != nil || len(s.ahead) == 0 {
		return 0, false, err
	}
	return s.ahead[0], true, nil
}

// take is the ID that head showed; the next one moves up.
func (s *stream[ID]) take() ID {
	id := s.ahead[0]
	s.ahead = s.ahead[1:]
	return id
}

// fill reads the next chunk.
func (s *stream[ID]) fill() error {
	to := wire.PrefixEnd(s.prefix)
	if s.to != 0 {
		to = s.key(s.to)
	}
	err := s.fleet.env.State.Scan(s.shard, s.class, s.key(s.from), to, s.reverse, func(key, _ []byte) bool {
		if len(key) == len(s.prefix)+8 {
			s.ahead = append(s.ahead, ID(binary.BigEndian.Uint64(key[len(s.prefix):])))
		}
		return len(s.ahead) < chunk
	})
	n := len(s.ahead)
	if s.end = n < chunk; s.end {
		return err
	}
	if last := s.ahead[n-1]; s.reverse {
		s.to, s.end = last, last == 0
	} else {
		s.from, s.end = last+1, last+1 == 0
	}
	return err
}

func (s *stream[ID]) key(id ID) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(s.prefix), uint64(id))
}
