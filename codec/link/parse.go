package link

import (
	"bytes"
	"fmt"
	"strings"
)

// Parse reads a payload. loose tells that something was tolerated that
// RFC 6690 does not have: it is counted, not answered. The strings returned
// are copies. An empty payload has no links.
//
// A parameter that belongs to no link (`lwm2m=1.0,</0/0>` of a 1.0
// Bootstrap-Discover) is returned as one of a link to "/".
func Parse(b []byte) (links []Link, loose bool, err error) {
	// Clients that build the list as a C string send its end too.
	text := bytes.TrimRight(b, "\x00")
	p := parser{text: string(text), loose: len(text) < len(b)}
	p.makeRoom()
	for {
		p.blanks()
		if p.done() {
			return p.links, p.loose, nil
		}
		if err := p.item(); err != nil {
			return nil, false, err
		}
	}
}

type parser struct {
	text   string
	at     int
	loose  bool
	links  []Link
	params []Param // of all links, which have parts of it
}

// makeRoom takes memory for as many links as the text can have, and for as many
// parameters as it can have up to those of one link: a text of separators alone
// must not cost many times its length.
func (p *parser) makeRoom() {
	if n := strings.Count(p.text, "<"); n > 0 {
		p.links = make([]Link, 0, min(n, MaxLinks))
	}
	if n := strings.Count(p.text, ";"); n > 0 {
		p.params = make([]Param, 0, min(n, MaxParams))
	}
}

func (p *parser) done() bool { return p.at == len(p.text) }

// peek is the next byte, 0 at the end; a NUL inside the text matches nothing
// that is looked for.
func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.text[p.at]
}

// blanks skips white space. The specification prints a blank after commas, so
// it alone does not make the input loose.
func (p *parser) blanks() {
	for !p.done() && blank(p.text[p.at]) {
		p.at++
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// trimBlanks drops white space at both ends.
func trimBlanks(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func (p *parser) fail(reason string) error {
	return fmt.Errorf("%w: byte %d: %s", ErrLink, p.at, reason)
}

// item reads one link, or what stands in the place of one, and the comma
// behind it. The text is not at its end.
func (p *parser) item() error {
	var l Link
	first := len(p.params)
	switch p.peek() {
	case ',': // an empty item
		p.at++
		p.loose = true
		return nil
	case '<':
		var err error
		if l.Target, err = p.target(); err != nil {
			return err
		}
	default: // a parameter without a link
		p.loose = true
		l.Target = "/"
		param, err := p.param()
		if err != nil {
			return err
		}
		if param.Name != "lwm2m" || param.Flag {
			return p.fail("this is no link")
		}
		p.params = append(p.params, param)
	}
	if err := p.parameters(first); err != nil {
		return err
	}
	if end := len(p.params); end > first {
		l.Params = p.params[first:end:end]
	}
	if len(p.links) == MaxLinks {
		return p.fail(fmt.Sprintf("more than %d links", MaxLinks))
	}
	p.links = append(p.links, l)
	return p.comma()
}

// comma ends an item. A comma at the very end of the text is loose.
func (p *parser) comma() error {
	if p.done() {
		return nil
	}
	if p.peek() != ',' {
		return p.fail("a comma is missing")
	}
	p.at++
	p.blanks()
	if p.done() {
		p.loose = true
	}
	return nil
}

// parameters reads `;name=value` as often as it stands there, for the link
// whose parameters begin at first.
func (p *parser) parameters(first int) error {
	for {
		p.blanks()
		if p.peek() != ';' {
			return nil
		}
		p.at++
		p.blanks()
		if c := p.peek(); p.done() || c == ';' || c == ',' {
			p.loose = true // an empty parameter
			continue
		}
		param, err := p.param()
		if err != nil {
			return err
		}
		if len(p.params)-first == MaxParams {
			return p.fail(fmt.Sprintf("more than %d parameters of one link", MaxParams))
		}
		p.params = append(p.params, param)
	}
}

// param reads `name`, `name=value` or `name="value"`.
func (p *parser) param() (Param, error) {
	start := p.at
	for !p.done() && nameByte(p.text[p.at]) {
		p.at++
	}
	param := Param{Name: p.text[start:p.at], Flag: true}
	if param.Name == "" {
		return param, p.fail("the name of a parameter is missing")
	}
	end := p.at
	p.blanks()
	if p.peek() != '=' {
		return param, nil
	}
	p.at++
	tight := p.at
	p.blanks()
	p.loose = p.loose || end != tight-1 || p.at != tight
	param.Flag = false
	var err error
	if p.peek() == '"' {
		param.Value, err = p.quoted()
	} else {
		param.Value, err = p.bare()
	}
	return param, err
}

// quoted reads a quoted-string with backslash escapes (RFC 2616 section 2.2).
func (p *parser) quoted() (string, error) {
	p.at++
	start := p.at
	if n := strings.IndexAny(p.text[start:], `"\`); n >= 0 && p.text[start+n] == '"' {
		p.at += n + 1
		return p.text[start : start+n], nil
	}
	return p.escaped()
}

// escaped reads the rest of a quoted-string that has escapes, or no end.
func (p *parser) escaped() (string, error) {
	var b strings.Builder
	for ; !p.done(); p.at++ {
		c := p.text[p.at]
		if c == '"' {
			p.at++
			return b.String(), nil
		}
		if c == '\\' {
			p.at++
			if p.done() {
				break
			}
			c = p.text[p.at]
		}
		b.WriteByte(c)
	}
	return "", p.fail("a quoted value has no end")
}

// bare reads a value without quotes. Blanks inside (`ct=60 110`) are loose.
// RFC 6690 allows "<" and ">" in it; here they mean that a comma is missing.
func (p *parser) bare() (string, error) {
	start := p.at
	for !p.done() && p.text[p.at] != ',' && p.text[p.at] != ';' {
		c := p.text[p.at]
		if c == '<' || c == '>' || c == '"' || c == '\\' || c == 0x7f || c < ' ' && !blank(c) {
			return "", p.fail("a value without quotes has a byte that it cannot have; is a comma missing?")
		}
		p.at++
	}
	v := trimBlanks(p.text[start:p.at])
	if v == "" {
		return "", p.fail("a value is missing behind =")
	}
	p.loose = p.loose || strings.ContainsAny(v, " \t\r\n")
	return v, nil
}

// nameByte is RFC 5987's attr-char, and the star of an extended name.
func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c != 0 && strings.IndexByte("!#$&+-.^_`|~*", c) >= 0
}
