package exchange

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrAnswers is wrapped by every error of ParseAnswers.
var ErrAnswers = errors.New("exchange: malformed stored answers")

// answersVersion is the first byte of stored answers (docs/formats/answers.md).
const answersVersion = 1

// maxStoredAnswer is the longest answer that is stored: a UDP datagram.
const maxStoredAnswer = math.MaxUint16

// Append appends the newest limit entries that live at now, oldest first:
//
//	version(1) = 1, count(1), then for each:
//	seconds since 1970(4) peer(4) message ID(2) flags(1: bit 0 Confirmable)
//	length(uvarint) answer
//
// It appends nothing where there are none.
func (a *Answers) Append(dst []byte, now time.Time, limit int) []byte {
	first, n := len(a.entries), 0
	for first > 0 && n < limit {
		first--
		if a.entries[first].storable(now) {
			n++
		}
	}
	if n == 0 {
		return dst
	}
	dst = append(dst, answersVersion, byte(n))
	for _, e := range a.entries[first:] {
		if e.storable(now) {
			dst = e.append(dst)
		}
	}
	return dst
}

func (e *answered) storable(now time.Time) bool {
	return e.live(now) && len(e.answer) <= maxStoredAnswer
}

func (e *answered) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.at/1000))
	dst = binary.BigEndian.AppendUint32(dst, e.peer)
	dst = binary.BigEndian.AppendUint16(dst, e.mid)
	flags := byte(0)
	if e.con {
		flags = 1
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(e.answer)))
	return append(dst, e.answer...)
}

// ParseAnswers reads all of b, what Append wrote; no bytes are no answers. The
// answers do not alias b.
func ParseAnswers(b []byte) (Answers, error) {
	if len(b) == 0 {
		return Answers{}, nil
	}
	if len(b) < 2 || b[0] != answersVersion || b[1] == 0 || b[1] > MaxAnswers {
		return Answers{}, fmt.Errorf("%w: version or count", ErrAnswers)
	}
	n := int(b[1])
	a := Answers{entries: make([]answered, n, n+1)} // one more is remembered, as a rule
	rest := bytes.Clone(b[2:])                      // which the answers alias
	for i := range a.entries {
		var ok bool
		if rest, ok = a.entries[i].parse(rest); !ok {
			return Answers{}, fmt.Errorf("%w: entry %d", ErrAnswers, i)
		}
	}
	if len(rest) > 0 {
		return Answers{}, fmt.Errorf("%w: %d bytes behind the last entry", ErrAnswers, len(rest))
	}
	return a, nil
}

// parse reads one entry, whose answer aliases b.
func (e *answered) parse(b []byte) (rest []byte, ok bool) {
	if len(b) < 12 || b[10] > 1 {
		return nil, false
	}
	e.at = int64(binary.BigEndian.Uint32(b)) * 1000
	e.peer = binary.BigEndian.Uint32(b[4:])
	e.mid = binary.BigEndian.Uint16(b[8:])
	e.con = b[10] == 1
	length, n := binary.Uvarint(b[11:])
	if n <= 0 || length > maxStoredAnswer || uint64(len(b)-11-n) < length {
		return nil, false
	}
	b = b[11+n:]
	e.answer = b[:length:length]
	return b[length:], true
}
