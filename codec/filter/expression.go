package filter

import (
	"strconv"

	"dormouse/codec/ids"
)

// node is a condition on an object.
type node interface {
	match(o Object) bool
	// append writes the condition so that it can stand in an "and".
	append(dst []byte) []byte
}

// all holds where each of its conditions does; there are two or more.
type all []node

func (n all) match(o Object) bool {
	for _, c := range n {
		if !c.match(o) {
			return false
		}
	}
	return true
}

func (n all) append(dst []byte) []byte { return join(dst, n, " and ") }

// some holds where one of its conditions does; there are two or more.
type some []node

func (n some) match(o Object) bool {
	for _, c := range n {
		if c.match(o) {
			return true
		}
	}
	return false
}

func (n some) append(dst []byte) []byte { return join(dst, n, " or ") }

func join(dst []byte, list []node, word string) []byte {
	dst = append(dst, '(')
	for i, c := range list {
		if i > 0 {
			dst = append(dst, word...)
		}
		dst = c.append(dst)
	}
	return append(dst, ')')
}

// not holds where its condition does not.
type not struct{ of node }

func (n not) match(o Object) bool { return !n.of.match(o) }

func (n not) append(dst []byte) []byte {
	return append(n.of.append(append(dst, "not("...)), ')')
}

// has holds where there is a value at one of the paths.
type has []Path

func (n has) match(o Object) bool {
	for _, p := range n {
		if o.Value(p[0]).each(p[1:], notNull) {
			return true
		}
	}
	return false
}

func notNull(v Value) bool { return v.kind != Null }

func (n has) append(dst []byte) []byte {
	if len(n) == 1 {
		dst = append(dst, "has("...)
	} else {
		dst = append(dst, "hasany("...)
	}
	for i, p := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, p.String()...)
	}
	return append(dst, ')')
}

// within holds for the assets of groups or, where below, for all under them and
// themselves.
type within struct {
	groups []ids.Object
	below  bool
}

func (n within) match(o Object) bool {
	g, ok := o.(Grouped)
	if !ok {
		return false
	}
	for _, id := range n.groups {
		if g.In(id, n.below) {
			return true
		}
	}
	return false
}

func (n within) append(dst []byte) []byte {
	dst = append(dst, n.name()...)
	for i, id := range n.groups {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(id), 10)
	}
	return append(dst, ')')
}

func (n within) name() string {
	if n.below {
		return "isinhierarchyof("
	}
	return "bygroupid("
}
