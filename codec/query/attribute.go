package query

import (
	"fmt"
	"strconv"
	"strings"
)

// maxAttributes bounds one Write-Attributes; the specification knows ten.
const maxAttributes = 32

// Attribute is one notification attribute of a Write-Attributes, as OMA Core
// 5.1.2 and 6.3.6 have them: pmin, pmax, epmin, epmax in seconds; gt, lt, st in
// the unit of the resource; edge, con 0 or 1; hqmax a count. Others are passed
// on.
type Attribute struct {
	Name, Value string
	Remove      bool // written without "=": what was set is removed
}

// ParseAttributes reads the Uri-Query options of a Write-Attributes. Each name
// may stand once; the values of known ones must have their form. How values
// agree with each other and with the path is checked by CheckAttributes.
func ParseAttributes(queries []string) ([]Attribute, error) {
	if len(queries) > maxAttributes {
		return nil, fmt.Errorf("%w: more than %d attributes", ErrMalformed, maxAttributes)
	}
	out := make([]Attribute, 0, len(queries))
	for _, q := range queries {
		name, value, assigned := strings.Cut(q, "=")
		a := Attribute{Name: name, Value: value, Remove: !assigned}
		if !validName(name) {
			return nil, fmt.Errorf("%w: %q is no attribute name", ErrMalformed, name)
		}
		if _, again := find(out, name); again {
			return nil, fmt.Errorf("%w: attribute %s is given twice", ErrMalformed, name)
		}
		if want := forms[name]; !a.Remove && want.ok != nil && !want.ok(value) {
			return nil, fmt.Errorf("%w: attribute %s=%q: want %s", ErrMalformed, name, value, want.text)
		}
		out = append(out, a)
	}
	return out, nil
}

// AppendAttributes appends one Uri-Query option for each attribute.
func AppendAttributes(dst []string, attributes []Attribute) []string {
	for _, a := range attributes {
		if a.Remove {
			dst = append(dst, a.Name)
		} else {
			dst = append(dst, a.Name+"="+a.Value)
		}
	}
	return dst
}

// form is what the value of a known attribute looks like.
type form struct {
	ok   func(string) bool
	text string
}

var (
	seconds = form{isCount, "whole seconds"}
	decimal = form{isDecimal, "a decimal number without exponent"}
	flag    = form{func(s string) bool { return s == "0" || s == "1" }, "0 or 1"}
	count   = form{isCount, "a whole number"}
)

var forms = map[string]form{
	"pmin": seconds, "pmax": seconds, "epmin": seconds, "epmax": seconds,
	"gt": decimal, "lt": decimal, "st": decimal,
	"edge": flag, "con": flag, "hqmax": count,
}

// isCount accepts digits of an unsigned 32-bit number.
func isCount(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil && s[0] != '+'
}

// isDecimal accepts [-]digits[.digits] of a bounded length: thresholds of
// 64-bit resources are compared exactly, so an exponent would be a way to ask
// for numbers of any size.
func isDecimal(s string) bool {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return len(s) <= 64 && digits(whole) && (!dotted || digits(fraction))
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// validName keeps out what would be another option or no query at all.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '&' {
			return false
		}
	}
	return true
}

func find(attributes []Attribute, name string) (Attribute, bool) {
	for _, a := range attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
