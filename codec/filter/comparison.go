package filter

import (
	"slices"
	"strings"
	"time"

	"dormouse/codec/platform"
)

// operator of a comparison.
type operator uint8

const (
	opEqual operator = iota
	opNotEqual
	opGreater
	opGreaterEqual
	opLess
	opLessEqual
)

var operators = [...]string{"eq", "ne", "gt", "ge", "lt", "le"}

// orders reports that the operator asks for more than equality.
func (op operator) orders() bool { return op > opNotEqual }

// allows is the operator's word on an order of value and literal.
func (op operator) allows(order int) bool {
	switch op {
	case opGreater:
		return order > 0
	case opGreaterEqual:
		return order >= 0
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	}
	return order == 0
}

// literal is the value that a query names.
type literal struct {
	kind   Kind // Null, Bool, Number or Text
	flag   bool
	text   string    // of a Number, without its suffix; of a Text, with its wildcards
	parts  []string  // of a Text: what stands between wildcards
	time   time.Time // of a Text that is one, by the millisecond; else zero
	isTime bool
}

func textLiteral(parts []string) literal {
	l := literal{kind: Text, parts: parts, text: strings.Join(parts, "*")}
	if t, err := platform.ParseTime(l.text); err == nil {
		l.time, l.isTime = t.Truncate(time.Millisecond), true
	}
	return l
}

func (l *literal) append(dst []byte) []byte {
	switch l.kind {
	case Text:
		return appendQuoted(dst, l.parts)
	case Number:
		return append(dst, l.text...)
	case Bool:
		if l.flag {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	}
	return append(dst, "null"...)
}

// comparison is path, operator and literal.
type comparison struct {
	path Path
	op   operator
	literal
}

func (n *comparison) match(o Object) bool {
	root := o.Value(n.path[0])
	switch {
	case n.kind == Null:
		return root.each(n.path[1:], notNull) == (n.op == opNotEqual)
	case len(n.path) == 1: // as below, and allocates nothing
		return n.any(root) != (n.op == opNotEqual)
	}
	return root.each(n.path[1:], n.any) != (n.op == opNotEqual)
}

func (n *comparison) any(v Value) bool {
	if v.kind != Array {
		return n.holds(v)
	}
	found := false
	items(v.raw, func(_, e []byte) bool {
		found = n.holds(JSONValue(e))
		return !found
	})
	return found
}

// holds compares one value; ne is turned round by match.
func (n *comparison) holds(v Value) bool {
	if n.op.orders() {
		order, ok := n.order(v)
		return ok && n.op.allows(order)
	}
	switch {
	case n.kind == Bool:
		return v.kind == Bool && v.flag == n.flag
	case n.kind == Number && v.kind == Number:
		order, ok := compareNumbers(v.text, n.text)
		return ok && order == 0
	case n.kind == Number: // IDs are texts, and are asked for as numbers
		return v.kind == Text && v.text == n.text
	case v.kind == Time && n.isTime:
		return v.time.Equal(n.time)
	case v.kind == Time:
		return like(v.shown(), n.parts)
	}
	return v.kind == Text && like(v.text, n.parts)
}

// order of a value and the literal; ok is false where they have none. Texts that
// are both instants are compared as such.
func (n *comparison) order(v Value) (order int, ok bool) {
	switch {
	case n.kind == Number && v.kind == Number:
		return compareNumbers(v.text, n.text)
	case n.kind != Text:
		return 0, false
	case v.kind == Time:
		return v.time.Compare(n.time), n.isTime
	case v.kind != Text:
		return 0, false
	case n.isTime:
		if t, err := platform.ParseTime(v.text); err == nil {
			return t.Compare(n.time), true
		}
	}
	return strings.Compare(v.text, n.text), true
}

// like reports that s is the parts with anything between them.
func like(s string, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == first
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}

func (n *comparison) append(dst []byte) []byte {
	dst = append(dst, n.path.String()...)
	dst = append(append(append(dst, ' '), operators[n.op]...), ' ')
	return n.literal.append(dst)
}

// exact is the text that the value must be where the comparison holds for a text.
func (n *comparison) exact() (text string, ok bool) {
	if n.op != opEqual || n.kind != Number && (n.kind != Text || len(n.parts) > 1) {
		return "", false
	}
	return n.text, true
}

func parseOperator(word string) (operator, bool) {
	i := slices.IndexFunc(operators[:], func(name string) bool { return strings.EqualFold(name, word) })
	return operator(max(i, 0)), i >= 0
}
