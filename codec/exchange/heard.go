package exchange

import (
	"time"

	"dormouse/codec/coap"
)

// heardSize bounds the separate responses that are remembered. A device has one
// or two of them under repetition.
const heardSize = 8

// heard remembers the separate responses that were taken, so that a repetition
// (the device missed our ACK) is acknowledged again and not taken twice, even
// after the request ended and another began. Notifications under the same token
// have other message IDs and are not in it.
type heard struct {
	entries [heardSize]heardEntry
	next    uint8
}

type heardEntry struct {
	until  int64 // Unix nanoseconds, 0 for an empty entry
	token  [8]byte
	length uint8
	mid    uint16
}

func (h *heard) add(now time.Time, m *coap.Message) {
	e := heardEntry{until: now.Add(ExchangeLifetime).UnixNano(), length: uint8(len(m.Token)), mid: m.MessageID}
	copy(e.token[:], m.Token)
	h.entries[h.next%heardSize] = e
	h.next++
}

// has reports a repetition; a nil heard has heard nothing.
func (h *heard) has(now time.Time, m *coap.Message) bool {
	if h == nil || m.Type > coap.NonConfirmable || len(m.Token) > 8 {
		return false
	}
	at := now.UnixNano()
	for i := range h.entries {
		e := &h.entries[i]
		if e.mid == m.MessageID && at < e.until && string(e.token[:e.length]) == string(m.Token) {
			return true
		}
	}
	return false
}
