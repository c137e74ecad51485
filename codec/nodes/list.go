package nodes

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"dormouse/codec/lwm2m"
)

// MaxNodes bounds the values of one payload. A body of 1 MiB could otherwise
// name half a million of them, each forty times its size in memory.
const MaxNodes = 1 << 16

// Sentinels of List.Add and Sorted.
var (
	ErrOutside   = errors.New("nodes: path outside of what was asked")
	ErrTooMany   = errors.New("nodes: too many values in one payload")
	ErrLevel     = errors.New("nodes: value at a path that is no resource")
	ErrDuplicate = errors.New("nodes: path given twice")
)

// List gathers the values of one payload in the order of their arrival.
type List struct {
	base  lwm2m.Path
	types lwm2m.Types
	nodes []lwm2m.Node
}

// NewList gathers values at or below base. A nil types knows no resource.
func NewList(base lwm2m.Path, types lwm2m.Types) *List {
	if types == nil {
		types = lwm2m.Untyped{}
	}
	return &List{base: base, types: types}
}

// Len is the number of values added so far.
func (l *List) Len() int { return len(l.nodes) }

// KindOf is the data type of the resource at p, KindNone where p is none.
func (l *List) KindOf(p lwm2m.Path) lwm2m.Kind { return kindOf(l.types, p) }

// Multiple reports whether the model gives the resource at p instances.
func (l *List) Multiple(p lwm2m.Path) bool { return p.Len() >= 3 && l.types.Multiple(p) }

// Add appends one value, converted to the type of its resource. KindNone is an
// empty container and may stand at any path of the base.
func (l *List) Add(p lwm2m.Path, v lwm2m.Value, at lwm2m.Stamp) error {
	if !l.base.Contains(p) {
		return fmt.Errorf("%w: %s is not in %s", ErrOutside, p, l.base)
	}
	if len(l.nodes) == MaxNodes {
		return fmt.Errorf("%w: more than %d", ErrTooMany, MaxNodes)
	}
	if p.Len() < 3 && v.Kind() != lwm2m.KindNone {
		return fmt.Errorf("%w: %s", ErrLevel, p)
	}
	v, err := Convert(v, l.KindOf(p))
	if err != nil {
		return fmt.Errorf("reading %s: %w", p, err)
	}
	l.nodes = append(l.nodes, lwm2m.Node{Path: p, Value: repair(v), At: at})
	return nil
}

// Nodes returns what was added, and one empty container at the base where
// nothing was.
func (l *List) Nodes() []lwm2m.Node {
	if len(l.nodes) == 0 {
		return []lwm2m.Node{{Path: l.base}}
	}
	return l.nodes
}

// Distinct is Nodes for the formats that form a tree: a path that is given
// twice, or beside paths below it, is an error.
func (l *List) Distinct() ([]lwm2m.Node, error) {
	if _, err := Sorted(l.base, l.nodes); err != nil {
		return nil, err
	}
	return l.Nodes(), nil
}

// repair replaces what is no UTF-8 in text: a device's Latin-1 name must not
// spoil the JSON of those who read it later.
func repair(v lwm2m.Value) lwm2m.Value {
	if utf8.ValidString(v.Text()) {
		return v
	}
	switch v.Kind() {
	case lwm2m.KindString:
		return lwm2m.String(strings.ToValidUTF8(v.Text(), "\uFFFD"))
	case lwm2m.KindCorelnk:
		return lwm2m.Corelnk(strings.ToValidUTF8(v.Text(), "\uFFFD"))
	}
	return v
}
