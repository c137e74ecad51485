package exchange

import (
	"fmt"

	"dormouse/codec/coap"
)

// maxBlocks bounds a body: block numbers have 20 bits (RFC 7959 section 2.2).
const maxBlocks = 1 << 20

// maxDatagramPayload is what fits a datagram without blocks.
const maxDatagramPayload = 1024

// sender cuts the payload of a request into Block1 blocks. It begins over with
// smaller blocks where the device asks for them, once from the start where the
// device lost the beginning, and without blocks where it knows none.
type sender struct {
	total     int // bytes of the payload
	offset    int // of the block under way
	szx       uint8
	blocked   bool // false: the payload goes in one message without Block1
	whole     bool // was tried without blocks, or the device knows them
	restarted bool // began over after 4.08
}

// begin prepares a payload of that length.
func (s *sender) begin(total int, szx uint8) error {
	*s = sender{total: total, szx: szx, blocked: total > 16<<szx}
	s.whole = !s.blocked
	return s.check()
}

func (s *sender) check() error {
	if s.blocked && s.total > maxBlocks*s.size() {
		return fmt.Errorf("%w: %d bytes in blocks of %d", ErrTooLarge, s.total, s.size())
	}
	return nil
}

func (s *sender) size() int { return 16 << s.szx }

// end is the offset behind the block under way.
func (s *sender) end() int {
	if !s.blocked {
		return s.total
	}
	return min(s.offset+s.size(), s.total)
}

// block is the part of the payload under way.
func (s *sender) block(payload []byte) []byte { return payload[s.offset:s.end()] }

// addOptions adds Block1, and Size1 to the first block.
func (s *sender) addOptions(m *coap.Message) {
	if !s.blocked {
		return
	}
	m.AddBlock(coap.OptBlock1, coap.Block{Num: s.num(), More: s.end() < s.total, SZX: s.szx})
	if s.offset == 0 {
		m.AddUint(coap.OptSize1, uint32(s.total))
	}
}

func (s *sender) num() uint32 { return uint32(s.offset / s.size()) }

// take reads an answer. stepDone: it is the answer to the whole payload.
// answers tells that the message ID proves it to answer the block under way.
func (s *sender) take(m *coap.Message, answers bool) (step, error) {
	b, has, err := m.Block(coap.OptBlock1)
	if err != nil {
		return stepWait, fmt.Errorf("%w: %v", ErrBlocks, err)
	}
	if s.blocked && has && m.Code.IsSuccess() && b.Num != s.num() && b.Offset() != s.offset {
		if !answers {
			return stepWait, nil
		}
		return stepWait, fmt.Errorf("%w: block %d answered as %d", ErrBlocks, s.num(), b.Num)
	}
	switch {
	case m.Code.IsSuccess():
		return s.accepted(m.Code, b, has)
	case m.Code == coap.RequestEntityIncomplete && s.blocked && !s.restarted:
		s.restarted, s.offset = true, 0
		return stepSend, nil
	case m.Code == coap.RequestEntityTooLarge && s.shrink(m, b, has):
		return stepSend, s.check()
	case !has && s.refusesBlocks(m.Code):
		s.blocked, s.whole, s.offset = false, true, 0
		return stepSend, nil
	}
	return stepDone, nil
}

// accepted goes on behind a block that was taken. A success before the last
// block is one if it has Block1: a device may act on each block by itself
// (RFC 7959 section 2.3).
func (s *sender) accepted(code coap.Code, b coap.Block, has bool) (step, error) {
	last := s.end() == s.total
	switch {
	case last && code == coap.Continue:
		return stepWait, fmt.Errorf("%w: %s for the last block", ErrBlocks, code)
	case last:
		return stepDone, nil
	case !has && code != coap.Continue:
		return stepWait, fmt.Errorf("%w: %s at byte %d of %d", ErrBlocks, code, s.end(), s.total)
	}
	s.offset = s.end()
	if has && b.SZX < s.szx {
		s.szx = b.SZX
	}
	return stepSend, s.check()
}

// shrink begins over with the smaller blocks that a 4.13 asks for, by Block1 or
// by a Size1 below the block. False: nothing smaller was asked for.
func (s *sender) shrink(m *coap.Message, b coap.Block, has bool) bool {
	szx := b.SZX
	if !has {
		size, ok := m.Uint(coap.OptSize1)
		if !ok || size < 16 || size >= maxDatagramPayload {
			return false
		}
		szx = coap.SZXFor(int(size))
	}
	szx = min(szx, s.szx)
	if s.end()-s.offset <= 16<<szx && !s.blocked || s.blocked && szx == s.szx {
		return false
	}
	s.szx, s.offset, s.blocked, s.whole = szx, 0, true, true
	return true
}

// refusesBlocks reports an answer to the first block of a payload that fits one
// datagram: some devices know no Block1 and say so with any of these.
func (s *sender) refusesBlocks(code coap.Code) bool {
	if !s.blocked || s.whole || s.offset > 0 || s.total > maxDatagramPayload {
		return false
	}
	return code == coap.RequestEntityTooLarge || code == coap.BadOption || code.Class() == 5
}
