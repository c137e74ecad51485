package model

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrDDF is wrapped by every error of ParseDDF; the text behind it has line
// and cause.
var ErrDDF = errors.New("model: malformed object definition")

// Bounds of one definition file. The largest of the registry has 200 kB.
const (
	MaxDDFBytes     = 4 << 20
	MaxDDFObjects   = 256  // of one file
	MaxDDFResources = 4096 // of one object
	maxDDFText      = 64 << 10
	maxDDFDepth     = 12 // elements of the schema stand five deep
)

// ParseDDF reads an OMA object definition file (LWM2M.xsd, versions 1.0 and
// 1.1) of one or more objects. A version that is not given is 1.0, as in
// schema 1.0. Elements that the schema does not have are skipped. Resources
// come out ascending by ID, text without white space around it.
func ParseDDF(b []byte) ([]*Object, error) {
	if len(b) > MaxDDFBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrDDF, len(b), MaxDDFBytes)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	p := &ddfParser{d: xml.NewDecoder(bytes.NewReader(b))}
	root, err := p.start()
	if err != nil {
		return nil, err
	}
	if root != "LWM2M" {
		return nil, p.fail("the root element is <%s>, not <LWM2M>", root)
	}
	err = p.elements(func(e xml.StartElement) error {
		if e.Name.Local == "Object" {
			return p.object()
		}
		_, err := p.text(e.Name.Local)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(p.objects) == 0 {
		return nil, p.fail("there is no <Object> in it")
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return p.objects, nil
}

type ddfParser struct {
	d       *xml.Decoder
	objects []*Object
}

// fail names the line that the decoder has reached.
func (p *ddfParser) fail(format string, args ...any) error {
	line, _ := p.d.InputPos()
	return fmt.Errorf("%w: line %d: %s", ErrDDF, line, fmt.Sprintf(format, args...))
}

// token is the next one. The end of the input inside an element is an error
// of the decoder; entities are never expanded, so a document type is refused.
func (p *ddfParser) token() (xml.Token, error) {
	t, err := p.d.Token()
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%w: line %d: %s", ErrDDF, syntax.Line, syntax.Msg)
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, p.fail("%v", err)
	}
	if _, ok := t.(xml.Directive); ok {
		return nil, p.fail("a document type or other directive is not read")
	}
	return t, nil
}

// start is the name of the root element.
func (p *ddfParser) start() (string, error) {
	for {
		t, err := p.token()
		if err == io.EOF {
			return "", p.fail("there is no element in it")
		}
		if err != nil {
			return "", err
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local, nil
		}
	}
}

// end refuses a second root element.
func (p *ddfParser) end() error {
	for {
		t, err := p.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			return p.fail("<%s> behind the end of <LWM2M>", e.Name.Local)
		}
	}
}

// elements calls f for each child of the element that has been opened. f reads
// the child up to its end.
func (p *ddfParser) elements(f func(xml.StartElement) error) error {
	for {
		t, err := p.token()
		if err != nil {
			return p.cut(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := f(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// cut is for the end of the input where an element is open. The decoder calls
// that a syntax error itself; this keeps it one should it ever not.
func (p *ddfParser) cut(err error) error {
	if err == io.EOF {
		return p.fail("the file ends inside an element")
	}
	return err
}

// text is the text of the element that has been opened, without white space
// around it. Markup inside, which some descriptions have, is left out.
func (p *ddfParser) text(name string) (string, error) {
	var b strings.Builder
	for depth := 0; ; {
		t, err := p.token()
		if err != nil {
			return "", p.cut(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > maxDDFDepth {
				return "", p.fail("elements are nested too deep in <%s>", name)
			}
		case xml.EndElement:
			if depth--; depth < 0 {
				return strings.TrimSpace(b.String()), nil
			}
		case xml.CharData:
			if b.Len()+len(t) > maxDDFText {
				return "", p.fail("<%s> has more than %d bytes", name, maxDDFText)
			}
			b.Write(t)
		}
	}
}

// fields reads the children of an element by name, each at most once; others
// are skipped.
func (p *ddfParser) fields(known map[string]func(xml.StartElement) error) error {
	seen := make(map[string]bool, len(known))
	return p.elements(func(e xml.StartElement) error {
		name := e.Name.Local
		read, ok := known[name]
		if !ok {
			_, err := p.text(name)
			return err
		}
		if seen[name] {
			return p.fail("<%s> is there twice", name)
		}
		seen[name] = true
		return read(e)
	})
}

// into is a field whose text goes to set.
func (p *ddfParser) into(set func(text string) error) func(xml.StartElement) error {
	return func(e xml.StartElement) error {
		text, err := p.text(e.Name.Local)
		if err != nil {
			return err
		}
		if err := set(text); err != nil {
			return p.fail("<%s>: %v", e.Name.Local, err)
		}
		return nil
	}
}
