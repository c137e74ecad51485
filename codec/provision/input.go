package provision

import (
	"fmt"
	"io"
)

// input is a file of which a whole line is always in view.
type input struct {
	r          io.Reader
	buf        []byte
	start, end int
	left       int64 // bytes that may still come
	most       int64
	err        error // what ended it; io.EOF: nothing is missing
}

func newInput(r io.Reader, most int64) input {
	return input{r: r, buf: make([]byte, 4*MaxLine), left: most, most: most}
}

// peek shows the next MaxLine bytes. If there are fewer, err says why.
func (in *input) peek() ([]byte, error) {
	if in.end-in.start < MaxLine && in.err == nil {
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
		in.fill()
	}
	if in.end-in.start < MaxLine {
		return in.buf[in.start:in.end], in.err
	}
	return in.buf[in.start : in.start+MaxLine], nil
}

// fill reads as much as there is room for.
func (in *input) fill() {
	for idle := 0; in.end < len(in.buf) && in.err == nil; {
		n, err := in.r.Read(in.buf[in.end:])
		if idle++; n > 0 {
			idle = 0
		}
		if int64(n) > in.left {
			n, err = int(in.left), fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, in.most)
		}
		in.left -= int64(n)
		in.end += n
		if err == nil && idle == 100 { // as bufio has it
			err = io.ErrNoProgress
		}
		in.err = err
	}
}

func (in *input) discard(n int) { in.start += n }
