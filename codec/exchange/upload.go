package exchange

import (
	"bytes"
	"hash/fnv"
	"time"

	"dormouse/codec/coap"
)

// Upload is a body that a device sends in Block1 blocks (Register, Update,
// Send), one at a time: the first block of another one takes its place. Blocks
// belong together by code, path, query, format and Request-Tag; their tokens may
// differ (RFC 7959 section 2.5, RFC 9175 section 3). The zero value is ready.
type Upload struct {
	key      uint64
	body     []byte
	last     int // where the last block starts in the body
	deadline time.Time
}

// Len is the number of bytes that are kept of an unfinished body.
func (u *Upload) Len() int { return len(u.body) }

// Deadline is when an unfinished body is dropped, the zero time for none.
func (u *Upload) Deadline() time.Time { return u.deadline }

// Tick drops an unfinished body that waited for ExchangeLifetime.
func (u *Upload) Tick(now time.Time) {
	if !u.deadline.IsZero() && !now.Before(u.deadline) {
		*u = Upload{}
	}
}

// Handle takes a request that is not a repetition. Either the body is done, or
// a is the answer to this message: 2.31, 4.00 for a malformed block, 4.08 for
// one that does not continue what came before, 4.13 with Size1 for a body above
// limit bytes. A body of one message aliases it; another is the caller's.
func (u *Upload) Handle(now time.Time, m *coap.Message, limit int) (body []byte, done bool, a *Answer) {
	u.Tick(now)
	b, blocked, err := m.Block(coap.OptBlock1)
	total, _ := m.Uint(coap.OptSize1)
	switch {
	case err != nil || blocked && !fits(b, m.Payload):
		return nil, false, &Answer{Code: coap.BadRequest}
	case len(m.Payload) > limit || blocked && uint64(total) > uint64(limit):
		return nil, false, u.tooLarge(limit)
	case !blocked:
		return m.Payload, true, nil
	case b.Num == 0 && !b.More:
		*u = Upload{}
		return m.Payload, true, nil
	case b.Num == 0:
		*u = Upload{key: uploadKey(m)}
	}
	return u.add(now, b, m, limit)
}

// add appends a block to the body it continues.
func (u *Upload) add(now time.Time, b coap.Block, m *coap.Message, limit int) (body []byte, done bool, a *Answer) {
	switch {
	case b.Num > 0 && (u.deadline.IsZero() || u.key != uploadKey(m)):
		return nil, false, &Answer{Code: coap.RequestEntityIncomplete}
	case u.repeated(b, m.Payload):
		return nil, false, &Answer{Code: coap.Continue}
	case b.Offset() != len(u.body):
		*u = Upload{}
		return nil, false, &Answer{Code: coap.RequestEntityIncomplete}
	case len(u.body)+len(m.Payload) > limit:
		return nil, false, u.tooLarge(limit)
	}
	u.last = len(u.body)
	u.body = append(u.body, m.Payload...)
	if !b.More {
		body = u.body
		*u = Upload{}
		return body, true, nil
	}
	u.deadline = now.Add(ExchangeLifetime)
	return nil, false, &Answer{Code: coap.Continue}
}

// repeated reports the last block come again as a new message: the device did
// not hear our answer and gave up that exchange, not the body.
func (u *Upload) repeated(b coap.Block, payload []byte) bool {
	return b.More && b.Num > 0 && b.Offset() == u.last && bytes.Equal(u.body[u.last:], payload)
}

func (u *Upload) tooLarge(limit int) *Answer {
	*u = Upload{}
	var m coap.Message
	m.AddUint(coap.OptSize1, uint32(limit))
	return &Answer{Code: coap.RequestEntityTooLarge, Options: m.Options}
}

// fits reports a block that is full, or the last and not larger.
func fits(b coap.Block, payload []byte) bool {
	return len(payload) == b.Size() || !b.More && len(payload) < b.Size()
}

func uploadKey(m *coap.Message) uint64 {
	f := fnv.New64a()
	f.Write([]byte{byte(m.Code)})
	for _, o := range m.Options {
		switch o.ID {
		case coap.OptUriPath, coap.OptUriQuery, coap.OptContentFormat, coap.OptRequestTag:
			f.Write([]byte{byte(o.ID >> 8), byte(o.ID), byte(len(o.Value))})
			f.Write(o.Value)
		}
	}
	return f.Sum64()
}
