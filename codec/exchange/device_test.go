package exchange

import (
	"bytes"
	"time"

	"dormouse/codec/coap"
)

// device is the reference: a faithful CoAP server that shares no code with the
// package beyond the message. It recognises repetitions, answers on the
// acknowledgement or separately, and cuts and collects blocks of its own size.
type device struct {
	net    *network
	server func(*coap.Message)

	separate bool
	con      bool          // separate responses are Confirmable
	delay    time.Duration // between request and separate response
	size     int           // of its blocks
	tag      []byte        // ETag, nil for none
	strict   bool          // answers larger blocks with 4.13 rather than ask for smaller ones

	body    []byte // what it answers
	stored  []byte // what was written
	collect []byte
	done    int // requests acted upon

	seen    map[uint16]*coap.Message // request message IDs with what was answered
	mid     uint16
	waiting map[uint16]*coap.Message // separate responses without acknowledgement
}

func (d *device) receive(m *coap.Message) {
	switch {
	case m.Type == coap.Acknowledgement || m.Type == coap.Reset:
		delete(d.waiting, m.MessageID)
		return
	case d.seen[m.MessageID] != nil:
		d.net.send(d.seen[m.MessageID], d.server)
		return
	}
	answer := d.answer(m.Clone())
	answer.Token = append([]byte(nil), m.Token...)
	if !d.separate {
		answer.Type, answer.MessageID = coap.Acknowledgement, m.MessageID
		d.seen[m.MessageID] = answer
		d.net.send(answer, d.server)
		return
	}
	ack := &coap.Message{Type: coap.Acknowledgement, MessageID: m.MessageID}
	d.seen[m.MessageID] = ack
	d.net.send(ack, d.server)
	d.mid++
	answer.Type, answer.MessageID = coap.NonConfirmable, d.mid
	if d.con {
		answer.Type = coap.Confirmable
		d.waiting[d.mid] = answer
	}
	d.net.after(d.delay, func() { d.transmit(answer, 2*time.Second, 5) })
}

// transmit repeats a separate response until it is acknowledged.
func (d *device) transmit(m *coap.Message, timeout time.Duration, left int) {
	d.net.send(m, d.server)
	if m.Type != coap.Confirmable {
		return
	}
	d.net.after(timeout, func() {
		if d.waiting[m.MessageID] != nil && left > 1 {
			d.transmit(m, 2*timeout, left-1)
		}
	})
}

func (d *device) answer(m *coap.Message) *coap.Message {
	b, blocked, _ := m.Block(coap.OptBlock1)
	if blocked {
		if a := d.take(b, m.Payload); a != nil {
			return a
		}
	} else {
		d.collect = m.Payload
	}
	a := &coap.Message{Code: coap.Content}
	if m.Code == coap.PUT || m.Code == coap.POST {
		a.Code = coap.Changed
	}
	wanted, more, _ := m.Block(coap.OptBlock2)
	if !more {
		d.done++
		d.stored = d.collect
	}
	d.cut(a, wanted, more)
	if blocked {
		b.More = false
		a.AddBlock(coap.OptBlock1, b)
	}
	return a
}

// take collects a block; the answer is nil for the last one.
func (d *device) take(b coap.Block, payload []byte) *coap.Message {
	a := &coap.Message{Code: coap.Continue}
	echo := b
	echo.SZX = min(b.SZX, coap.SZXFor(d.size))
	switch {
	case d.strict && echo.SZX < b.SZX:
		a.Code, echo.More = coap.RequestEntityTooLarge, false
		a.AddBlock(coap.OptBlock1, echo)
		return a
	case b.Num == 0:
		d.collect = nil
	case b.Offset() != len(d.collect):
		a.Code = coap.RequestEntityIncomplete
		return a
	}
	d.collect = append(bytes.Clone(d.collect), payload...)
	if !b.More {
		return nil
	}
	a.AddBlock(coap.OptBlock1, echo)
	return a
}

// cut answers with the block that is wanted, or all if it fits.
func (d *device) cut(a *coap.Message, wanted coap.Block, asked bool) {
	if d.tag != nil {
		a.Add(coap.OptETag, d.tag)
	}
	if !asked && len(d.body) <= d.size {
		a.Payload = d.body
		return
	}
	szx := coap.SZXFor(d.size)
	if asked {
		szx = min(szx, wanted.SZX)
	}
	start := wanted.Offset()
	end := min(start+16<<szx, len(d.body))
	a.AddBlock(coap.OptBlock2, coap.Block{Num: uint32(start >> (szx + 4)), More: end < len(d.body), SZX: szx})
	a.Payload = d.body[start:end]
}
