package exchange

import (
	"slices"
	"time"
)

// MaxAnswers bounds an Answers: a device has one or two exchanges in flight.
const MaxAnswers = 8

// Answers are the last answers to a device, kept to recognise its repetitions
// and to give each the answer it had (RFC 7252 section 4.5). Beyond MaxAnswers
// the oldest goes. The zero value is ready; a copy shares memory with the original.
// Its stored form is in stored.go.
type Answers struct {
	entries []answered // oldest first
}

// answered is one message of a device and what it was answered.
type answered struct {
	at     int64  // Unix milliseconds
	peer   uint32 // hash of the address that it came from
	mid    uint16
	con    bool
	answer []byte // encoded; empty: none (yet)
}

// live reports whether the device may still repeat the message. A time that
// lies ahead by more than that is a clock set back, and means nothing.
func (e *answered) live(now time.Time) bool {
	life := NonLifetime.Milliseconds()
	if e.con {
		life = ExchangeLifetime.Milliseconds()
	}
	age := now.UnixMilli() - e.at
	return age < life && age > -life
}

// Lookup reports whether a message was seen before. The answer is empty where
// none was given, or none yet: the repetition is ignored then.
func (a *Answers) Lookup(now time.Time, peer uint32, mid uint16) (answer []byte, dup bool) {
	for i := range a.entries {
		if e := &a.entries[i]; e.peer == peer && e.mid == mid && e.live(now) {
			return e.answer, true
		}
	}
	return nil, false
}

// Remember keeps a message (con: Confirmable) with its encoded answer, which is
// not copied. It replaces what was remembered of that message.
func (a *Answers) Remember(now time.Time, peer uint32, mid uint16, con bool, answer []byte) {
	a.entries = slices.DeleteFunc(a.entries, func(e answered) bool {
		return !e.live(now) || e.peer == peer && e.mid == mid
	})
	if len(a.entries) == MaxAnswers {
		a.entries = slices.Delete(a.entries, 0, 1)
	}
	a.entries = append(a.entries, answered{at: now.UnixMilli(), peer: peer, mid: mid, con: con, answer: answer})
}

// Len is the number of messages that are remembered.
func (a *Answers) Len() int { return len(a.entries) }
