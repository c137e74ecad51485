package report

import (
	"math/big"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// Conditions are the attributes that hold at a path: those of the path that is
// observed or, where that is a resource, those of each of its instances.
type Conditions func(p lwm2m.Path) []query.Attribute

// differs reports whether what was told last and what is now differ so much that
// the server must be told: a value came, went or met its condition.
func differs(told, now []lwm2m.Node, conditions Conditions) bool {
	if len(told) != len(now) {
		return true
	}
	for i := range now {
		if told[i].Path != now[i].Path {
			return true
		}
		if told[i].Value != now[i].Value && Met(conditions(now[i].Path), told[i].Value, now[i].Value) {
			return true
		}
	}
	return false
}

// Met reports whether a change from one value to another is to be told. Without
// gt, lt, st and edge every change is; with them, one that crosses a threshold
// in either direction, is as large as the step, or is the edge.
func Met(set []query.Attribute, before, now lwm2m.Value) bool {
	gt, lt, st := rational(set, "gt"), rational(set, "lt"), rational(set, "st")
	edge, hasEdge := find(set, "edge")
	if hasEdge && now.Kind() == lwm2m.KindBoolean {
		return before.Bool() != now.Bool() && now.Bool() == (edge == "1")
	}
	if gt == nil && lt == nil && st == nil {
		return before != now
	}
	a, b := number(before), number(now)
	if a == nil || b == nil {
		return before != now
	}
	switch {
	case gt != nil && (a.Cmp(gt) > 0) != (b.Cmp(gt) > 0):
		return true
	case lt != nil && (a.Cmp(lt) < 0) != (b.Cmp(lt) < 0):
		return true
	}
	change := new(big.Rat).Sub(b, a)
	return st != nil && change.Abs(change).Cmp(st) >= 0
}

// number is a value to compare, nil where it is none.
func number(v lwm2m.Value) *big.Rat {
	switch v.Kind() {
	case lwm2m.KindInteger, lwm2m.KindTime:
		return new(big.Rat).SetInt64(v.Int())
	case lwm2m.KindUnsigned:
		return new(big.Rat).SetUint64(v.Uint())
	case lwm2m.KindFloat:
		return new(big.Rat).SetFloat64(v.Float64())
	}
	return nil
}
