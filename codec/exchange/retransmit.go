package exchange

import (
	"time"

	"dormouse/codec/coap"
)

// transmission is one Confirmable message on its way (RFC 7252 section 4.2):
// repeated with doubled timeouts until it is acknowledged, then waiting.
type transmission struct {
	message  *coap.Message
	timeout  time.Duration // the current one
	left     int           // repetitions that are left
	acked    bool
	deadline time.Time
}

// start sends m for the first time.
func (t *transmission) start(now time.Time, m *coap.Message, p Params, random uint32) {
	*t = transmission{message: m, timeout: firstTimeout(p, random), left: p.MaxRetransmit}
	t.deadline = now.Add(t.timeout)
}

// firstTimeout is AckTimeout times a factor between 1 and AckRandomFactor.
func firstTimeout(p Params, random uint32) time.Duration {
	spread := float64(p.AckTimeout) * (p.AckRandomFactor - 1)
	return p.AckTimeout + time.Duration(spread*float64(random)/(1<<32))
}

// acknowledge stops the repetition. Only the first acknowledgement starts the
// waiting time: a device cannot prolong it by repeating itself.
func (t *transmission) acknowledge(now time.Time, wait time.Duration) {
	if t.acked {
		return
	}
	t.acked = true
	t.deadline = now.Add(wait)
}

// tick returns the message if it is to be repeated, or how it ended. A late
// tick repeats once, not once for every timeout that was missed.
func (t *transmission) tick(now time.Time) (again *coap.Message, ended Outcome) {
	switch {
	case now.Before(t.deadline):
		return nil, 0
	case t.acked:
		return nil, NotAnswered
	case t.left == 0:
		return nil, NotAcknowledged
	}
	t.left--
	t.timeout *= 2
	t.deadline = now.Add(t.timeout)
	return t.message, 0
}
