package filter

import (
	"strconv"
	"strings"
)

// Path leads to a value of an object: names from the outside in. A name in
// decimal digits is also a place in an array, from 0.
type Path []string

func (p Path) String() string { return strings.Join(p, ".") }

// parsePath reads names between dots, or says what is wrong.
func parsePath(word string) (p Path, fault string) {
	p = strings.Split(word, ".")
	if len(p) > MaxPath {
		return nil, "a path has at most " + strconv.Itoa(MaxPath) + " names"
	}
	for _, name := range p {
		if name == "" {
			return nil, "a path has no empty names"
		}
	}
	return p, ""
}

// place is the index that a name is, -1 for none.
func place(name string) int {
	if len(name) > 9 {
		return -1
	}
	n := 0
	for i := range len(name) {
		c := name[i]
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
