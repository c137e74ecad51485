package provision

import (
	"bytes"
	"unicode/utf8"
)

// cells are those of one line of a CSV file. Their text lies in one buffer that
// the next line overwrites.
type cells struct {
	text []byte
	ends []int
	bad  int // the first cell that is not UTF-8, -1 if all are
}

func (c *cells) len() int { return len(c.ends) }

// of cuts a cell out of what is a copy of the text, or the text.
func (c *cells) of(text string, i int) string {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return text[start:c.ends[i]]
}

func (c *cells) reset() { c.text, c.ends, c.bad = c.text[:0], c.ends[:0], -1 }

// close ends a cell that began at start of text and has what stands in raw.
func (c *cells) close(raw []byte) {
	if c.bad < 0 && !utf8.Valid(raw) {
		c.bad = len(c.ends)
	}
	c.ends = append(c.ends, len(c.text))
}

// Reasons of a line that is no CSV (RFC 4180).
const (
	bareQuote  = "has a quote inside a cell that does not begin with one"
	afterQuote = "has text behind the closing quote of a cell"
	openQuote  = "has a quote that is never closed"
)

// read takes the cells of the line at the front of b, which may hold line breaks
// in quotes. n is where it ends, behind its line break. Blanks around a cell are
// not part of it, unless they stand in its quotes. open says that b ends within
// quotes: more of it may close them.
func (c *cells) read(b []byte, delimiter byte) (n int, reason string, open bool) {
	c.reset()
	for {
		from := n
		n = skipBlanks(b, n, delimiter)
		if n < len(b) && b[n] == '"' {
			if n, reason, open = c.quoted(b, n+1); reason != "" {
				return n, reason, open
			}
			n = skipBlanks(b, n, delimiter)
			if !atEnd(b, n, delimiter) {
				return n, afterQuote, false
			}
		} else {
			start := n
			for n < len(b) && b[n] != delimiter && b[n] != '\n' {
				if b[n] == '"' {
					return n, bareQuote, false
				}
				n++
			}
			c.text = append(c.text, trimBlanks(b[start:n], delimiter)...)
		}
		c.close(b[from:n])
		if n = skipReturn(b, n); n == len(b) {
			return n, "", false
		}
		n++
		if b[n-1] == '\n' {
			return n, "", false
		}
	}
}

// quoted takes a cell from behind its first quote to behind its last.
func (c *cells) quoted(b []byte, n int) (next int, reason string, open bool) {
	for {
		i := bytes.IndexByte(b[n:], '"')
		if i < 0 {
			return len(b), openQuote, true
		}
		c.text = append(c.text, b[n:n+i]...)
		n += i + 1
		if n == len(b) || b[n] != '"' {
			return n, "", false
		}
		c.text = append(c.text, '"')
		n++
	}
}

func blank(c, delimiter byte) bool { return c == ' ' || c == '\t' && delimiter != '\t' }

func skipBlanks(b []byte, n int, delimiter byte) int {
	for n < len(b) && blank(b[n], delimiter) {
		n++
	}
	return n
}

func trimBlanks(b []byte, delimiter byte) []byte {
	b = bytes.TrimSuffix(b, []byte{'\r'})
	for len(b) > 0 && blank(b[len(b)-1], delimiter) {
		b = b[:len(b)-1]
	}
	return b
}

// skipReturn passes over the CR of a line break, or of the end of the file.
func skipReturn(b []byte, n int) int {
	if n < len(b) && b[n] == '\r' && (n+1 == len(b) || b[n+1] == '\n') {
		n++
	}
	return n
}

func atEnd(b []byte, n int, delimiter byte) bool {
	n = skipReturn(b, n)
	return n == len(b) || b[n] == delimiter || b[n] == '\n'
}
