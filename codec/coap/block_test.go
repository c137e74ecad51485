package coap

import (
	"errors"
	"testing"
)

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		hex          string
		block        Block
		size, offset int
	}{
		{"", Block{}, 16, 0},
		{"06", Block{SZX: 6}, 1024, 0},
		{"0e", Block{More: true, SZX: 6}, 1024, 0},
		{"12", Block{Num: 1, SZX: 2}, 64, 64},
		{"f8", Block{Num: 15, More: true}, 16, 240},
		{"0107", Block{}, 0, 0}, // reserved exponent, an error below
		{"0105", Block{Num: 16, SZX: 5}, 512, 8192},
		{"fffffe", Block{Num: 1<<20 - 1, More: true, SZX: 6}, 1024, 1<<30 - 1024},
	} {
		m := Message{Options: []Option{{ID: OptBlock1, Value: unhex(t, c.hex)}}}
		b, ok, err := m.Block(OptBlock1)
		if c.size == 0 {
			if !ok || !errors.Is(err, ErrFormat) {
				t.Errorf("%s: %v, %v", c.hex, ok, err)
			}
			continue
		}
		if !ok || err != nil || b != c.block || b.Size() != c.size || b.Offset() != c.offset {
			t.Errorf("%s: %+v %v %v, %d bytes at %d", c.hex, b, ok, err, b.Size(), b.Offset())
		}
		var again Message
		again.AddBlock(OptBlock1, c.block)
		if v, _ := again.Option(OptBlock1); string(v) != string(unhex(t, c.hex)) {
			t.Errorf("%+v written as %x, want %s", c.block, v, c.hex)
		}
	}
}

func TestNoBlock(t *testing.T) {
	var m Message
	m.AddBlock(OptBlock2, Block{Num: 1})
	if _, ok, err := m.Block(OptBlock1); ok || err != nil {
		t.Errorf("Block1 read from a message with Block2: %v, %v", ok, err)
	}
}

func TestSZXFor(t *testing.T) {
	for _, c := range []struct {
		size int
		want uint8
	}{{-1, 0}, {0, 0}, {16, 0}, {31, 0}, {32, 1}, {511, 4}, {512, 5}, {1023, 5}, {1024, 6}, {1 << 20, 6}} {
		if got := SZXFor(c.size); got != c.want {
			t.Errorf("SZXFor(%d) = %d, want %d", c.size, got, c.want)
		}
	}
}
