package platform

import (
	"encoding/json"
	"fmt"
)

// Names of the collections' lists.
const (
	ManagedObjects  = "managedObjects"
	Operations      = "operations"
	CredentialsList = "credentials"
	Values          = "values"
)

// Bounds of a page.
const (
	DefaultPageSize = 5
	MaxPageSize     = 2000
)

// Collection is one page of a list: its links, its statistics, and its items
// as raw JSON.
type Collection struct {
	Name             string // of the list
	Self, Next, Prev string // "" for none
	CurrentPage      int64  // from 1
	PageSize         int64
	Totals           bool  // TotalElements is known
	WithPages        bool  // show totalPages
	WithElements     bool  // show totalElements
	TotalElements    int64 // of all pages
	Items            []json.RawMessage
}

// TotalPages is the number of pages that TotalElements fill.
func (c *Collection) TotalPages() int64 {
	if c.PageSize <= 0 {
		return 0
	}
	return (c.TotalElements + c.PageSize - 1) / c.PageSize
}

// AppendCollection appends the page.
func AppendCollection(dst []byte, c *Collection) []byte {
	o := newObject(dst)
	o.text("self", c.Self)
	o.optional("next", c.Next)
	o.optional("prev", c.Prev)
	o.name("statistics")
	s := newObject(o.buf)
	s.integer("currentPage", c.CurrentPage)
	s.integer("pageSize", c.PageSize)
	if c.Totals && c.WithPages {
		s.integer("totalPages", c.TotalPages())
	}
	if c.Totals && c.WithElements {
		s.integer("totalElements", c.TotalElements)
	}
	o.buf = s.close()
	o.name(c.Name)
	o.buf = append(o.buf, '[')
	for i, item := range c.Items {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(o.buf, item...)
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

// MaxCollection bounds the bytes of a page that ParseCollection reads: pages
// are longer than bodies.
const MaxCollection = 64 * MaxBody

// ParseCollection reads a page whose list has that name, as a client does.
// Totals is set where totalElements is shown.
func ParseCollection(body []byte, name string) (c Collection, err error) {
	if len(body) > MaxCollection || depth(body) > MaxDepth+2 {
		return c, fmt.Errorf("%w: a page of %d bytes", ErrBounds, len(body))
	}
	var page map[string]json.RawMessage
	if err := json.Unmarshal(body, &page); err != nil {
		return c, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	c.Name = name
	if page[name] == nil || json.Unmarshal(page[name], &c.Items) != nil {
		return c, fmt.Errorf("%w: no list %s", ErrShape, name)
	}
	statistics, err := ParseFragments(page["statistics"])
	if err != nil {
		return c, fmt.Errorf("reading statistics: %w", err)
	}
	r := reader{fragments: statistics}
	c.CurrentPage, c.PageSize, c.TotalElements = r.int("currentPage"), r.int("pageSize"), r.int("totalElements")
	c.WithPages = statistics.Get("totalPages") != nil
	c.WithElements = statistics.Get("totalElements") != nil
	c.Totals = c.WithElements
	r.fragments = Fragments{{"self", page["self"]}, {"next", page["next"]}, {"prev", page["prev"]}}
	c.Self, c.Next, c.Prev = r.text("self"), r.text("next"), r.text("prev")
	return c, r.err
}
