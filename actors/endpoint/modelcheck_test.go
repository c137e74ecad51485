package endpoint

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"strings"

	"dormouse/actors/observe"
	"dormouse/actors/operations"
	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// checkEffects looks at one Handle: at most one request leaves, a Confirmable
// request of the device has one answer, and the sum is the same in every run.
func (m *trial) checkEffects(ev Event, fx *Effects) {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, m.sum))
	h.Write(fx.Batch.Bytes())
	requests, answers := 0, 0
	d, _ := ev.(*Datagram)
	for _, s := range fx.Sends {
		h.Write(s.Payload)
		var sent coap.Message
		if err := coap.Parse(s.Payload, &sent); err != nil {
			m.fail("sent % x: %v", s.Payload, err)
		}
		if sent.Code.IsRequest() {
			requests++
		}
		if d != nil && sent.Type == coap.Acknowledgement && sent.MessageID == d.Message.MessageID {
			answers++
		}
	}
	m.sum = h.Sum64()
	if requests > 1 {
		m.fail("%d requests at once", requests)
	}
	if d != nil && d.Message.Type == coap.Confirmable && d.Message.Code.IsRequest() && answers != 1 {
		m.fail("%d answers", answers)
	}
}

// checkMemory looks at what the endpoint holds, and at what it would be if it
// were loaded now.
func (m *trial) checkMemory() {
	e := m.e
	busy := e.client != nil && e.client.Busy()
	if (e.task != nil) != busy || busy && m.wake.IsZero() {
		m.fail("task %v, client busy %v, wake %v", e.task != nil, busy, m.wake)
	}
	if !e.known {
		return
	}
	r := e.reg()
	if len(e.queue) > m.env.Config.MaxQueued || len(r.Observations) > observe.MaxObservations ||
		len(e.fetches) > len(r.Observations) || e.answers.Len() > exchange.MaxAnswers || len(e.at.Marks) > len(r.Observations) {
		m.fail("%d operations, %d observations, %d fetches, %d answers, %d marks", len(e.queue), len(r.Observations), len(e.fetches), e.answers.Len(), len(e.at.Marks))
	}
	loaded, err := LoadFrom(m.shard, e.id)
	if err != nil {
		m.fail("load: %v", err)
	}
	if a, b := loaded.reg().Append(nil), r.Append(nil); !bytes.Equal(a, b) {
		m.fail("the registration that is stored differs:\n%x\n%x", a, b)
	}
	kept, stored := e.at, loaded.at
	kept.MessageID, stored.MessageID = 0, 0 // ahead by refusals that are not stored
	if a, b := stored.Append(nil), kept.Append(nil); !bytes.Equal(a, b) {
		m.fail("the contact that is stored differs:\n%x\n%x", a, b)
	}
}

// checkStore looks at what is committed: counts and indexes agree, operations
// move along their statuses, and nothing was done twice.
func (m *trial) checkStore() {
	count := map[wire.Class]int{}
	for k := range m.store {
		count[wire.Class(k[0])]++
	}
	now, active := map[ids.Operation]operations.Operation{}, 0
	m.eachStored(func(op *operations.Operation) {
		now[op.ID] = *op
		if !op.Status.Ended() {
			active++
		}
		if was, ok := m.before[op.ID]; ok {
			m.checkMove(&was, op)
		}
	})
	m.before = now
	if active != count[wire.ClassActive] || len(now) != count[wire.ClassByDevice] {
		m.fail("%d active of %d operations, %d and %d in the indexes", active, len(now), count[wire.ClassActive], count[wire.ClassByDevice])
	}
	if raw, found, _ := m.store.Get(m.shard.ID, wire.ClassContact, wire.EndpointKey(m.shardEndpoint()), nil); found {
		var c Contact
		if err := c.Parse(raw); err != nil || int(c.Active) != active || int(c.Values) != count[wire.ClassValue] {
			m.fail("contact says %d active, %d values; there are %d, %d (%v)", c.Active, c.Values, active, count[wire.ClassValue], err)
		}
	}
	for deed, times := range m.device.did {
		if times > 1 && !m.twice[deed] && !strings.HasPrefix(deed, "update") {
			m.fail("%q was done %d times", deed, times)
		}
	}
}

func (m *trial) eachStored(f func(*operations.Operation)) {
	_ = m.store.Scan(m.shard.ID, wire.ClassOperation, nil, nil, false, func(_, value []byte) bool {
		op, err := operations.Parse(value)
		if err != nil {
			m.fail("%x: %v", value, err)
		}
		f(op)
		return true
	})
}

func (m *trial) checkMove(was, is *operations.Operation) {
	switch {
	case was.Status.Ended() && was.Status != is.Status:
		m.fail("operation moved from %s to %s", was.Status, is.Status)
	case is.Line < was.Line || was.Status.Ended() && is.Line != was.Line:
		m.fail("operation moved from line %d to %d", was.Line, is.Line)
	case was.Results != "" && !strings.HasPrefix(is.Results, was.Results[:len(was.Results)-1]):
		m.fail("results were %s and are %s", was.Results, is.Results)
	}
}
