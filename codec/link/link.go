package link

import (
	"errors"
	"strings"
)

// ErrLink is wrapped by every error of this package. The answer to a device is
// 4.00.
var ErrLink = errors.New("link: malformed link format")

// Bounds of one payload. A device lists some ten links; a composite gateway
// some hundred.
const (
	MaxLinks  = 4096
	MaxParams = 32 // of one link
)

// Param is one parameter (target attribute) of a link.
type Param struct {
	Name, Value string
	Flag        bool // written without "=": Value is empty
}

// Link is a target and its parameters in the order of the payload. The target
// stands as it was sent, between "<" and ">", percent-encoding included.
type Link struct {
	Target string
	Params []Param
}

// Param is the first parameter of that name.
func (l Link) Param(name string) (Param, bool) {
	for _, p := range l.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Append appends links in the one form that this package writes: no blanks,
// numbers and versions bare, any other value quoted. Targets and names must be
// such as Parse returns.
func Append(dst []byte, links []Link) []byte {
	for i, l := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '<'), l.Target...), '>')
		for _, p := range l.Params {
			dst = appendParam(dst, p)
		}
	}
	return dst
}

func appendParam(dst []byte, p Param) []byte {
	dst = append(append(dst, ';'), p.Name...)
	if p.Flag {
		return dst
	}
	dst = append(dst, '=')
	if numeric(p.Value) {
		return append(dst, p.Value...)
	}
	dst = append(dst, '"')
	for i := range len(p.Value) {
		if c := p.Value[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, p.Value[i])
	}
	return append(dst, '"')
}

// numeric reports a value that is written without quotes: 110, -5.5, 1.1.
func numeric(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.-") == ""
}
