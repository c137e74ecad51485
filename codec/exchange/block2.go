package exchange

import (
	"fmt"
	"time"

	"dormouse/codec/coap"
)

// receiver puts the body of an answer together from Block2 blocks. Where the
// representation changes on the way (ETag, Content-Format) it begins over once.
type receiver struct {
	limit int   // bytes of the body
	szx   uint8 // largest block to ask for
	safe  bool  // the request may be made again

	head      *coap.Message // first block, nil before it
	body      []byte
	etag      []byte // first one seen
	restarted bool

	observed bool // the answer said Observe: seq
	seq      uint32
	seqAt    time.Time
}

// next is the block to ask for.
func (r *receiver) next() coap.Block {
	return coap.Block{Num: uint32(len(r.body) >> (r.szx + 4)), SZX: r.szx}
}

// response is the whole answer, after stepDone.
func (r *receiver) response() *coap.Message {
	m := r.head
	m.Payload = r.body
	m.Remove(coap.OptBlock1)
	m.Remove(coap.OptBlock2)
	m.Remove(coap.OptSize2)
	if _, ok := m.Observe(); !ok && r.observed && m.Code.IsSuccess() {
		m.AddUint(coap.OptObserve, r.seq)
	}
	return m
}

// take reads a response. answers tells that the message ID proves it to answer
// the message under way; otherwise a foreign block number means a late one.
func (r *receiver) take(now time.Time, m *coap.Message, answers bool) (step, error) {
	b, has, err := m.Block(coap.OptBlock2)
	switch {
	case err != nil:
		return stepWait, fmt.Errorf("%w: %v", ErrBlocks, err)
	case !m.Code.IsSuccess():
		return r.refused(m)
	case r.head == nil && !has:
		r.begin(now, m)
		return r.add(coap.Block{}, m)
	case !has:
		return stepWait, fmt.Errorf("%w: no Block2 at byte %d", ErrBlocks, len(r.body))
	case b.Offset() != len(r.body) && !answers:
		return stepWait, nil
	case b.Offset() != len(r.body):
		return stepWait, fmt.Errorf("%w: block at byte %d instead of %d", ErrBlocks, b.Offset(), len(r.body))
	case b.More && len(m.Payload) != b.Size():
		return stepWait, fmt.Errorf("%w: %d bytes in a block of %d", ErrBlocks, len(m.Payload), b.Size())
	case r.head == nil:
		r.begin(now, m)
	case r.changed(m):
		return r.restart()
	}
	return r.add(b, m)
}

// refused ends with the error of the device, unless it lost the thread (4.08).
func (r *receiver) refused(m *coap.Message) (step, error) {
	if r.head != nil && m.Code == coap.RequestEntityIncomplete && r.safe && !r.restarted {
		return r.restart()
	}
	r.head = m.Clone()
	r.body = r.head.Payload
	return stepDone, nil
}

// begin takes what the first block alone says.
func (r *receiver) begin(now time.Time, m *coap.Message) {
	whole := *m
	whole.Payload = nil
	r.head = whole.Clone()
	if seq, ok := m.Observe(); ok {
		r.observed, r.seq, r.seqAt = true, seq, now
	}
}

// add appends a block that was checked.
func (r *receiver) add(b coap.Block, m *coap.Message) (step, error) {
	size, _ := m.Uint(coap.OptSize2)
	if len(r.body)+len(m.Payload) > r.limit || b.More && uint64(size) > uint64(r.limit) {
		return stepWait, fmt.Errorf("%w: answer exceeds %d bytes", ErrTooLarge, r.limit)
	}
	r.body = append(r.body, m.Payload...)
	if tag, ok := m.Option(coap.OptETag); ok && r.etag == nil {
		r.etag = append([]byte(nil), tag...)
	}
	if !b.More {
		return stepDone, nil
	}
	r.szx = min(r.szx, b.SZX)
	if r.next().Num >= maxBlocks {
		return stepWait, fmt.Errorf("%w: answer exceeds %d blocks", ErrTooLarge, maxBlocks)
	}
	return stepSend, nil
}

// changed reports a block of another representation. Devices that send the ETag
// with the first block alone are believed.
func (r *receiver) changed(m *coap.Message) bool {
	tag, ok := m.Option(coap.OptETag)
	return ok && r.etag != nil && string(tag) != string(r.etag) || m.ContentFormat() != r.head.ContentFormat()
}

// restart begins over with block 0, once and not where asking has an effect.
func (r *receiver) restart() (step, error) {
	if !r.safe || r.restarted {
		return stepWait, fmt.Errorf("%w: representation changed at byte %d", ErrBlocks, len(r.body))
	}
	r.restarted = true
	r.forget()
	return stepSend, nil
}

func (r *receiver) forget() { r.head, r.body, r.etag = nil, nil, nil }

// supersede begins over with a newer notification, which makes the rest of the
// older one worthless. It counts as the one restart if it is long itself.
func (r *receiver) supersede(now time.Time, m *coap.Message) (step, error) {
	seq, _ := m.Observe()
	if r.observed && !Fresher(r.seq, r.seqAt, seq, now) {
		return stepWait, nil
	}
	if b, ok, _ := m.Block(coap.OptBlock2); ok && b.More {
		if r.restarted {
			return stepWait, fmt.Errorf("%w: representation changes faster than it is read", ErrBlocks)
		}
		r.restarted = true
	}
	r.forget()
	return r.take(now, m, true)
}
