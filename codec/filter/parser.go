package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dormouse/codec/ids"
)

// Language is which parts of the language are offered. The zero Language has no
// groups.
type Language struct {
	Groups bool // bygroupid and isinhierarchyof: objects are Grouped
}

// Parse reads a query of the zero Language.
func Parse(text string) (Query, error) { return Language{}.Parse(text) }

// Parse reads a query: a condition, or the clauses $filter= and $orderby= in any
// order, each at most once. An empty text asks for everything.
func (l Language) Parse(text string) (Query, error) {
	if len(text) > MaxLength {
		return Query{}, fmt.Errorf("%w: %d bytes, at most %d", ErrBounds, len(text), MaxLength)
	}
	if !utf8.ValidString(text) {
		return Query{}, fmt.Errorf("%w: it is not UTF-8", ErrSyntax)
	}
	p := &parser{language: l, lexer: lexer{text: text}}
	p.advance()
	q := p.query()
	if p.err != nil {
		return Query{}, p.err
	}
	return q, nil
}

// parser keeps the first fault; after one, every token is the end.
type parser struct {
	language Language
	lexer    lexer
	token    token // the next one
	depth    int
	terms    int
	err      error
}

// advance takes the token.
func (p *parser) advance() token {
	taken := p.token
	if p.err != nil {
		return taken
	}
	next, err := p.lexer.next()
	if err != nil {
		p.fail(err)
		return taken
	}
	p.token = next
	return taken
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.token = token{kind: tokenEnd, at: p.token.at}
}

func (p *parser) fault(kind error, at int, format string, args ...any) {
	p.fail(fmt.Errorf("%w at byte %d: %s", kind, at, fmt.Sprintf(format, args...)))
}

func (p *parser) want(sign string) {
	if !p.token.is(tokenSign, sign) {
		p.fault(ErrSyntax, p.token.at, "%s stands where %q belongs", p.token, sign)
		return
	}
	p.advance()
}

// term counts what MaxTerms bounds.
func (p *parser) term(at int) {
	if p.terms++; p.terms > MaxTerms {
		p.fault(ErrBounds, at, "more than %d terms", MaxTerms)
	}
}

func (p *parser) query() (q Query) {
	var filtered, ordered bool
	for first := true; p.token.kind != tokenEnd; first = false {
		at := p.token.at
		switch {
		case p.token.keyword(filterClause) && !filtered:
			filtered = true
			p.advance()
			p.want("=")
			if p.token.kind != tokenEnd && !p.atClause() {
				q.where = p.or()
			}
		case p.token.keyword(orderClause) && !ordered:
			ordered = true
			p.advance()
			p.want("=")
			q.order = p.orders()
		case first && !p.atClause():
			filtered = true
			q.where = p.or()
		default:
			p.fault(ErrSyntax, at, "%s stands where the query should end", p.token)
		}
	}
	return q
}

const (
	filterClause = "$filter"
	orderClause  = "$orderby"
)

func (p *parser) atClause() bool {
	return p.token.keyword(filterClause) || p.token.keyword(orderClause)
}

// orders reads paths between commas, of which one may stand at the end.
func (p *parser) orders() (list []Order) {
	for p.token.kind == tokenWord && !p.atClause() {
		at := p.token.at
		if p.term(at); len(list) == MaxOrders {
			p.fault(ErrBounds, at, "a list is sorted by at most %d paths", MaxOrders)
			break
		}
		by := Order{Path: p.path()}
		switch {
		case p.token.keyword("desc"):
			by.Descending = true
			p.advance()
		case p.token.keyword("asc"):
			p.advance()
		}
		list = append(list, by)
		if !p.token.is(tokenSign, ",") {
			break
		}
		p.advance()
	}
	return list
}

func (p *parser) or() node {
	list := []node{p.and()}
	for p.token.keyword("or") {
		p.advance()
		list = append(list, p.and())
	}
	if len(list) == 1 {
		return list[0]
	}
	return some(list)
}

func (p *parser) and() node {
	list := []node{p.unary()}
	for p.token.keyword("and") {
		p.advance()
		list = append(list, p.unary())
	}
	if len(list) == 1 {
		return list[0]
	}
	return all(list)
}

// unary is a condition with or without "not", or one in parentheses.
func (p *parser) unary() (n node) {
	at := p.token.at
	if p.depth++; p.depth > MaxDepth {
		p.fault(ErrBounds, at, "nested deeper than %d", MaxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.token.keyword("not"):
		p.advance()
		return not{p.unary()}
	case p.token.is(tokenSign, "("):
		p.advance()
		n = p.or()
		p.want(")")
		return n
	case p.token.kind != tokenWord:
		p.fault(ErrSyntax, at, "%s stands where a condition such as name eq 'x' belongs", p.token)
		return nil
	}
	word := p.advance()
	if p.token.is(tokenSign, "(") {
		return p.function(word)
	}
	return p.comparison(word)
}

func (p *parser) comparison(word token) node {
	p.term(word.at)
	n := &comparison{path: p.toPath(word)}
	op, ok := parseOperator(p.token.text)
	if !ok || p.token.kind != tokenWord {
		p.fault(ErrSyntax, p.token.at, "%s stands where eq, ne, gt, ge, lt or le belongs", p.token)
		return nil
	}
	p.advance()
	at := p.token.at
	n.op, n.literal = op, p.literal()
	if op.orders() && n.kind != Number && n.kind != Text {
		p.fault(ErrSyntax, at, "%s needs a number or a text", operators[op])
	}
	return n
}

func (p *parser) literal() literal {
	t := p.advance()
	if p.err != nil {
		return literal{}
	}
	switch {
	case t.kind == tokenString:
		return textLiteral(t.parts)
	case t.keyword("true"), t.keyword("false"):
		return literal{kind: Bool, flag: t.keyword("true")}
	case t.keyword("null"):
		return literal{}
	case t.kind == tokenWord:
		text := strings.TrimPrefix(t.text, "+")
		if n := len(text); n > 1 && strings.IndexByte("fFdDlL", text[n-1]) >= 0 {
			text = text[:n-1]
		}
		if _, ok := parseDecimal(text, nil); ok {
			return literal{kind: Number, text: text}
		}
	}
	p.fault(ErrSyntax, t.at, "%s stands where a value belongs: a text in single quotes, a number, true, false or null", t)
	return literal{}
}

func (p *parser) path() Path {
	if p.token.kind != tokenWord {
		p.fault(ErrSyntax, p.token.at, "%s stands where a path belongs", p.token)
		return nil
	}
	return p.toPath(p.advance())
}

func (p *parser) toPath(word token) Path {
	path, fault := parsePath(word.text)
	if fault != "" {
		p.fault(ErrSyntax, word.at, "%s: %s", word, fault)
	}
	return path
}

// function is one of the four, behind its name.
func (p *parser) function(word token) node {
	switch {
	case word.keyword("has"), word.keyword("hasany"):
		var list has
		p.arguments(func() { list = append(list, p.path()) })
		if len(list) > 1 && word.keyword("has") {
			p.fault(ErrSyntax, word.at, "has takes one path, hasany several")
		}
		return list
	case word.keyword("bygroupid"), word.keyword("isinhierarchyof"):
		if !p.language.Groups {
			p.fault(ErrUnsupported, word.at, "lists cannot be narrowed by %s here", word.text)
			return nil
		}
		n := within{below: word.keyword("isinhierarchyof")}
		p.arguments(func() { n.groups = append(n.groups, p.id()) })
		return n
	}
	p.fault(ErrUnsupported, word.at, "there is no function %s", word)
	return nil
}

// arguments reads one or more between parentheses.
func (p *parser) arguments(one func()) {
	p.want("(")
	for p.err == nil {
		p.term(p.token.at)
		one()
		if !p.token.is(tokenSign, ",") {
			break
		}
		p.advance()
	}
	p.want(")")
}

// id is that of a managed object, with or without quotes.
func (p *parser) id() ids.Object {
	t := p.advance()
	text := t.text
	if t.kind == tokenString {
		text = strings.Join(t.parts, "*")
	}
	id, err := ids.ParseObject(text)
	if err != nil || t.kind == tokenSign {
		p.fault(ErrSyntax, t.at, "%s is no ID of a group", t)
	}
	return id
}
