package provision

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of a file, in bytes.
const (
	MaxFile = 10_000_000 // unless Options say another
	MaxLine = 64 << 10   // with its line breaks
)

// ErrTooLarge is wrapped where a file goes on behind its bound.
var ErrTooLarge = errors.New("provision: the file is too large")

// Options of a Reader.
type Options struct {
	Rules   Rules
	MaxFile int64 // bytes; 0: MaxFile
}

// Line is one line of a file behind the header: a device, or what is wrong.
type Line struct {
	Number int    // of its first line of text; the header's is 1
	Device Device // with Faults no more than the Endpoint, where that is good
	Faults Faults // those without a Column are of the line as a whole
}

// Reader reads a CSV file of registrations. A line has exactly as many cells as
// the header; lines without any text in them are passed over. After a quote
// that is wrong it goes on with the next line of text. A device that has the
// endpoint or a PSK identity of an earlier good line is at fault.
//
// It holds 256 KiB of the file, and some 40 bytes for every name.
type Reader struct {
	in      input
	header  header
	rules   Rules
	number  int // of the next line of text
	cells   cells
	builder builder
	earlier earlier
}

// NewReader reads the header. ErrHeader says in a sentence what is wrong with
// it; other errors are of r, or ErrTooLarge.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	if o.MaxFile == 0 {
		o.MaxFile = MaxFile
	}
	reader := &Reader{in: newInput(r, o.MaxFile), rules: o.Rules, number: 1, earlier: newEarlier()}
	window, err := reader.in.peek()
	if !ended(window) {
		switch err {
		case nil:
			return nil, fmt.Errorf("%w is longer than %d bytes", ErrHeader, MaxLine)
		case io.EOF:
		default:
			return nil, err
		}
	}
	header, n, err := parseHeader(window)
	if err != nil {
		return nil, err
	}
	reader.header = header
	reader.take(window[:n])
	return reader, nil
}

// Unknown are the columns that are no fields, in order. They are passed over.
func (r *Reader) Unknown() []string { return r.header.unknown }

// Next is the next line that is not blank; io.EOF behind the last. Any other
// error ends the file, and the lines before it hold.
func (r *Reader) Next() (Line, error) {
	for {
		window, err := r.in.peek()
		if len(window) == 0 && err != nil {
			return Line{}, err
		}
		line := Line{Number: r.number}
		n, reason, open := r.cells.read(window, r.header.delimiter)
		if reason == "" && (n < len(window) || window[n-1] == '\n' || err == io.EOF) {
			r.take(window[:n])
			if r.read(&line) {
				return line, nil
			}
			continue
		}
		if reason, err = r.pass(window, reason, open, err); err != nil {
			return Line{}, err
		}
		line.Faults = Faults{{Reason: reason}}
		return line, nil
	}
}

// pass goes on behind the first line of text, with which the cells cannot be
// read, and says why. end is what keeps the window from being full.
func (r *Reader) pass(window []byte, reason string, open bool, end error) (string, error) {
	incomplete := reason == "" || open || !ended(window)
	switch {
	case incomplete && end != nil && end != io.EOF: // the rest is not to be had
		return "", end
	case end == nil && !ended(window):
		return fmt.Sprintf("has more than %d bytes", MaxLine), r.skip()
	case end == nil && open:
		reason = fmt.Sprintf("has a quote that is not closed within %d bytes", MaxLine)
	case end == nil && reason == "":
		reason = fmt.Sprintf("has more than %d bytes", MaxLine)
	}
	r.take(window[:firstLine(window)])
	return reason, nil
}

// take is done with lines of text at the front of the window.
func (r *Reader) take(lines []byte) {
	r.number += bytes.Count(lines, []byte{'\n'})
	r.in.discard(len(lines))
}

// skip passes over a line of text of any length.
func (r *Reader) skip() error {
	for {
		window, err := r.in.peek()
		switch n := firstLine(window); {
		case n > 0 && window[n-1] == '\n':
			r.take(window[:n])
			return nil
		case err != nil:
			r.take(window)
			if err == io.EOF {
				return nil
			}
			return err
		}
		r.take(window)
	}
}

// firstLine is the length of the first line of text with its break, or of all.
func firstLine(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// ended says that the first line of text is there with its break.
func ended(b []byte) bool { return bytes.IndexByte(b, '\n') >= 0 }

// read makes a device, or faults, out of the cells; false for a blank line.
func (r *Reader) read(line *Line) bool {
	c := &r.cells
	if len(c.text) == 0 {
		return false
	}
	switch columns := len(r.header.fields); {
	case c.bad >= 0:
		f := Fault{Reason: "is not UTF-8: save the file as UTF-8"}
		if i := c.bad; i < columns && r.header.fields[i] >= 0 {
			field := &devices.columns[r.header.fields[i]]
			f.Column, f.Name = field.Column, field.Name
		}
		line.Faults = Faults{f}
		return true
	case c.len() != columns:
		what := "few"
		if c.len() > columns {
			what = "many"
		}
		line.Faults = Faults{{Reason: fmt.Sprintf("has too %s columns: %d, and the header has %d", what, c.len(), columns)}}
		return true
	}
	b := &r.builder // one for all lines: a device is large
	*b = builder{rules: r.rules}
	r.fill(b)
	b.related()
	r.earlier.find(b)
	line.Faults = b.faults
	if len(b.faults) > 0 {
		line.Device.Endpoint = b.device.Endpoint
		return true
	}
	line.Device = b.device
	r.earlier.add(&b.device, line.Number)
	return true
}

// fill sets the fields that have text. A field may have two columns: they must
// agree, or one be empty.
func (r *Reader) fill(b *builder) {
	text := string(r.cells.text)
	var given uint64
	for i, field := range r.header.fields {
		s := r.cells.of(text, i)
		if field < 0 || s == "" {
			continue
		}
		c := &devices.columns[field]
		if given&(1<<field) == 0 {
			given |= 1 << field
			set(b, c, &b.device, "", s)
			continue
		}
		if first := r.first(text, field); first != s {
			b.about(c.Name, r.twice(field, i))
		}
	}
}

// first is the text of the first column of a field that has any.
func (r *Reader) first(text string, field int) string {
	for i, f := range r.header.fields {
		if s := r.cells.of(text, i); f == field && s != "" {
			return s
		}
	}
	return ""
}

func (r *Reader) twice(field, column int) string {
	also := devices.columns[field].Also
	if also == "" {
		return fmt.Sprintf("stands in column %d again, with another value", column+1)
	}
	return "and " + also + " are not the same"
}
