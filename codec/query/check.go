package query

import (
	"fmt"
	"math/big"

	"dormouse/codec/lwm2m"
)

// CheckAttributes applies the rules between attributes that a device applies
// to the set which results from a Write-Attributes (OMA Core 5.1.2, 6.3.6):
// gt, lt, st and edge only on a resource or resource instance, st above 0,
// lt < gt, lt + 2·st < gt, epmin < epmax. A pmax below pmin is no error: the
// device ignores it. The error is a sentence for an operator; the device's own
// answer to a bad set is 4.00.
func CheckAttributes(path lwm2m.Path, attributes []Attribute) error {
	for _, a := range attributes {
		if onlyOnResources(a.Name) && path.Len() < 3 {
			return fmt.Errorf("%w: attribute %s is for resources, %s is none", ErrMalformed, a.Name, path)
		}
	}
	if lo, hi := number(attributes, "epmin"), number(attributes, "epmax"); lo != nil && hi != nil && lo.Cmp(hi) >= 0 {
		return fmt.Errorf("%w: epmin must be below epmax", ErrMalformed)
	}
	return checkThresholds(number(attributes, "lt"), number(attributes, "gt"), number(attributes, "st"))
}

func onlyOnResources(name string) bool {
	return name == "gt" || name == "lt" || name == "st" || name == "edge"
}

// checkThresholds takes nil for what is not set.
func checkThresholds(lt, gt, st *big.Rat) error {
	if st != nil && st.Sign() <= 0 {
		return fmt.Errorf("%w: st must be above 0", ErrMalformed)
	}
	if lt == nil || gt == nil {
		return nil
	}
	if lt.Cmp(gt) >= 0 {
		return fmt.Errorf("%w: lt must be below gt", ErrMalformed)
	}
	if st == nil {
		return nil
	}
	bound := new(big.Rat).Add(lt, st)
	if bound.Add(bound, st).Cmp(gt) >= 0 {
		return fmt.Errorf("%w: lt + 2*st must be below gt", ErrMalformed)
	}
	return nil
}

// number is the value of an attribute that is set, nil where it is not or is
// no number. Rationals compare 64-bit thresholds exactly.
func number(attributes []Attribute, name string) *big.Rat {
	a, ok := find(attributes, name)
	if !ok || a.Remove || !isDecimal(a.Value) {
		return nil
	}
	r, _ := new(big.Rat).SetString(a.Value)
	return r
}

// MergeAttributes applies a Write-Attributes to what is set at a path: a value
// replaces, a bare name removes, the rest stays (OMA Core 6.3.6). set is not
// changed.
func MergeAttributes(set, write []Attribute) []Attribute {
	out := make([]Attribute, 0, len(set)+len(write))
	for _, a := range set {
		if _, written := find(write, a.Name); !written {
			out = append(out, a)
		}
	}
	for _, a := range write {
		if !a.Remove {
			out = append(out, a)
		}
	}
	return out
}
