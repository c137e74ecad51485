package exchange

import (
	"time"

	"dormouse/codec/coap"
)

// step is what a response leads to.
type step uint8

const (
	stepWait step = iota // it answers an earlier message: wait on
	stepSend             // send the next message of the transfer
	stepDone             // it completes the answer
)

// outstanding is a request from its first datagram to its result: first the
// payload goes up in blocks (up), then the answer comes down in blocks (down).
type outstanding struct {
	req    *Request
	params Params
	first  uint16 // message ID of the first datagram
	token  []byte // of the message under way
	rest   bool   // the message under way asks for a block of the answer
	echo   []byte // Echo value that the device asked for, nil for none
	random uint32
	tx     transmission
	up     sender
	down   receiver
}

func newOutstanding(req *Request, p Params, random uint32) *outstanding {
	x := &outstanding{req: req, params: p, token: req.Token, random: random}
	x.down = receiver{limit: p.MaxBody, szx: p.szx(), safe: req.safe()}
	return x
}

// owns reports what may be an answer: by its token, and no notification that
// crossed with the cancellation of its observation.
func (x *outstanding) owns(m *coap.Message) bool {
	if _, observed := m.Observe(); observed && x.req.Observe == CancelObserve && m.Type != coap.Acknowledgement {
		return false
	}
	return m.Is(x.token) || m.Is(x.req.Token)
}

// transmit makes the next message and starts its repetition.
func (x *outstanding) transmit(now time.Time, mids *MIDs) *coap.Message {
	m := x.compose()
	if x.tx.message == nil && x.req.UseMessageID {
		m.MessageID = x.req.MessageID
	} else {
		m.MessageID = mids.Next()
	}
	x.tx.start(now, m, x.params, x.random)
	x.random = x.random*1664525 + 1013904223 // another spread for the next block
	return m
}

// compose is the message that the transfer needs next.
func (x *outstanding) compose() *coap.Message {
	m := x.req.message(x.token, !x.rest)
	if x.echo != nil {
		m.Add(coap.OptEcho, x.echo)
	}
	if !x.rest {
		x.req.setPayload(m, x.up.block(x.req.Payload))
		x.up.addOptions(m)
		return m
	}
	// A FETCH is its payload and repeats it (RFC 8132 section 2); the others go
	// on without (RFC 7959 section 2.7), as does one that went up in blocks.
	if x.req.Method == coap.FETCH && !x.up.blocked {
		x.req.setPayload(m, x.req.Payload)
	}
	m.AddBlock(coap.OptBlock2, x.down.next())
	return m
}

// deliver takes a response that x owns. A device that doubts our freshness has
// done nothing: the message goes again with its Echo, once (RFC 9175 section 2.3).
func (x *outstanding) deliver(now time.Time, m *coap.Message) (step, error) {
	answers := m.Type == coap.Acknowledgement // this very message, by its ID
	if x.rest && !answers && x.notified(m) {
		return x.down.supersede(now, m)
	}
	if !m.Is(x.token) {
		return stepWait, nil
	}
	if echo, ok := m.Option(coap.OptEcho); ok && m.Code == coap.Unauthorized && x.echo == nil {
		x.echo = append([]byte(nil), echo...)
		return stepSend, nil
	}
	if !x.rest {
		next, err := x.up.take(m, answers)
		if next != stepDone {
			return next, err
		}
	}
	next, err := x.down.take(now, m, answers)
	if next == stepSend && !x.rest {
		x.becomeRest()
	}
	return next, err
}

// notified reports a notification of the observation that this very request
// registers, come while the blocks of its first answer are fetched.
func (x *outstanding) notified(m *coap.Message) bool {
	_, observed := m.Observe()
	return observed && x.req.Observe == RegisterObserve && m.Is(x.req.Token)
}

// becomeRest turns to the blocks of the answer. A payload that went up in blocks
// does not go again, so its answer cannot be asked for from the beginning.
func (x *outstanding) becomeRest() {
	x.rest = true
	x.down.safe = x.down.safe && !x.up.blocked
	if x.req.Observe == RegisterObserve && x.req.RestToken != nil {
		x.token = x.req.RestToken
	}
}
