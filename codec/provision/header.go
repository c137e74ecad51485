package provision

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrHeader is wrapped where the first line of a file does not name columns: no
// line can be read then.
var ErrHeader = errors.New("provision: the header")

// MaxColumns bounds the columns of a file.
const MaxColumns = 256

// header says which field each column has.
type header struct {
	delimiter byte
	fields    []int // index into the table; -1: none
	unknown   []string
}

var delimiters = []byte{',', ';', '\t'}

// columnNames are the fields by the name of a column in lower case.
var columnNames = func() map[string]int {
	names := make(map[string]int)
	for i := range devices.columns {
		f := &devices.columns[i].Field
		names[strings.ToLower(f.Column)] = i
		if f.Also != "" {
			names[strings.ToLower(f.Also)] = i
		}
	}
	return names
}()

// parseHeader reads the first line; the delimiter is the one that makes the most
// names of columns out of it. n is where the line ends.
func parseHeader(b []byte) (h header, n int, err error) {
	if bytes.IndexByte(b[:firstLine(b)], 0) >= 0 {
		return h, 0, fmt.Errorf("%w is not UTF-8: save the file as UTF-8", ErrHeader)
	}
	mark := len(b) - len(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	b = b[mark:]
	var c cells
	best, reason := 0, ""
	for _, delimiter := range delimiters {
		end, fault, _ := c.read(b, delimiter)
		if fault != "" {
			reason = fault
			continue
		}
		if candidate, known := c.header(delimiter); known > best {
			h, n, best = candidate, mark+end, known
		}
	}
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return h, 0, fmt.Errorf("%w is missing: the file is empty", ErrHeader)
	case best > 0:
		return h, n, h.check()
	case reason != "":
		return h, 0, fmt.Errorf("%w %s", ErrHeader, reason)
	}
	return h, 0, fmt.Errorf("%w names no known column: the first line must name the columns, parted by comma, semicolon or tab", ErrHeader)
}

// header looks the cells up; known counts those that are columns.
func (c *cells) header(delimiter byte) (h header, known int) {
	h.delimiter = delimiter
	text := string(c.text)
	for i := range c.len() {
		name := c.of(text, i)
		field, found := columnNames[strings.ToLower(name)]
		if found {
			known++
		} else {
			field = -1
			h.unknown = append(h.unknown, strings.ToValidUTF8(name, string(utf8.RuneError)))
		}
		h.fields = append(h.fields, field)
	}
	return h, known
}

// check refuses a header with which every line would have the same fault.
func (h *header) check() error {
	if len(h.fields) > MaxColumns {
		return fmt.Errorf("%w has %d columns, at most %d", ErrHeader, len(h.fields), MaxColumns)
	}
	var missing []string
	for i := range devices.columns {
		f := &devices.columns[i].Field
		if f.Need == NeedAlways && !h.has(i) {
			missing = append(missing, f.Column)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w has no column %s", ErrHeader, strings.Join(missing, " and no column "))
	}
	return nil
}

func (h *header) has(field int) bool {
	for _, f := range h.fields {
		if f == field {
			return true
		}
	}
	return false
}
