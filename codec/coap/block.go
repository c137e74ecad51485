package coap

import "fmt"

// Block is the value of a Block1 or Block2 option (RFC 7959 section 2.2).
type Block struct {
	Num  uint32 // 20 bits
	More bool
	SZX  uint8 // 0..6: blocks of 16 << SZX bytes
}

// MaxSZX is the largest block size exponent over UDP: 1024 bytes.
const MaxSZX = 6

// Size is the block size in bytes.
func (b Block) Size() int { return 16 << b.SZX }

// Offset is where the block starts in the body.
func (b Block) Offset() int { return int(b.Num) * b.Size() }

// SZXFor is the exponent of the largest block that is not above size bytes.
func SZXFor(size int) uint8 {
	szx := uint8(0)
	for szx < MaxSZX && 32<<szx <= size {
		szx++
	}
	return szx
}

// Block reads a Block1 or Block2 option; ok is false where there is none. The
// reserved exponent 7 is an error (RFC 7959 section 2.2: 4.00).
func (m *Message) Block(id OptionID) (b Block, ok bool, err error) {
	v, ok := m.Uint(id)
	if !ok {
		return Block{}, false, nil
	}
	b = Block{Num: v >> 4, More: v&8 != 0, SZX: uint8(v & 7)}
	if b.SZX > MaxSZX {
		return b, true, fmt.Errorf("%w: option %d: reserved block size exponent 7", ErrFormat, id)
	}
	return b, true, nil
}

// AddBlock inserts a Block1 or Block2 option.
func (m *Message) AddBlock(id OptionID, b Block) {
	v := b.Num<<4 | uint32(b.SZX&7)
	if b.More {
		v |= 8
	}
	m.AddUint(id, v)
}
