package lwm2m

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPath is wrapped by every error of ParsePath.
var ErrPath = errors.New("lwm2m: malformed path")

// MaxID is the largest object, instance, resource or resource instance ID
// (16 bits; OMA Core 7.2). 65535 is reserved as an object instance: on
// Create it means "no ID given" (OMA Core 1.2, 7.5.7).
const MaxID = 65535

// Path names the root (length 0), an object, an object instance, a resource
// or a resource instance (length 4). It is comparable and usable as a map key.
type Path struct {
	ids [4]uint16
	n   uint8
}

// NewPath builds a path from zero to four IDs and panics on more: the caller
// counts IDs that it wrote itself.
func NewPath(ids ...uint16) Path {
	if len(ids) > 4 {
		panic("lwm2m: path of more than four IDs")
	}
	var p Path
	p.n = uint8(copy(p.ids[:], ids))
	return p
}

// ParsePath reads "/3/0/0", "3/0/0", "/" or "". One trailing slash is
// tolerated ("/0/1/" is what some clients list). IDs are decimal 0..65535
// without sign.
func ParsePath(s string) (Path, error) {
	var p Path
	rest := strings.TrimPrefix(s, "/")
	rest = strings.TrimSuffix(rest, "/")
	if rest == "" {
		if len(s) > 1 {
			return p, fmt.Errorf("%w: %q has an empty segment", ErrPath, s)
		}
		return p, nil
	}
	for seg := range strings.SplitSeq(rest, "/") {
		if p.n == 4 {
			return Path{}, fmt.Errorf("%w: %q has more than four segments", ErrPath, s)
		}
		id, err := parseID(seg)
		if err != nil {
			return Path{}, fmt.Errorf("%w: %q: segment %q is no ID (0..65535)", ErrPath, s, seg)
		}
		p.ids[p.n] = id
		p.n++
	}
	return p, nil
}

// parseID is strconv.ParseUint without signs, underscores or blanks.
func parseID(s string) (uint16, error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, ErrPath
		}
	}
	v, err := strconv.ParseUint(s, 10, 16)
	return uint16(v), err
}

// Len is the number of IDs, 0 (root) to 4 (resource instance).
func (p Path) Len() int { return int(p.n) }

// ID returns the i-th ID, counted from 0; i must be below Len.
func (p Path) ID(i int) uint16 {
	if i >= int(p.n) {
		panic("lwm2m: path ID out of range")
	}
	return p.ids[i]
}

// Object is the first ID; 0 for the root.
func (p Path) Object() uint16 { return p.ids[0] }

// Instance is the second ID; 0 where the path has none.
func (p Path) Instance() uint16 { return p.ids[1] }

// Resource is the third ID; 0 where the path has none.
func (p Path) Resource() uint16 { return p.ids[2] }

// ResourceInstance is the fourth ID; 0 where the path has none.
func (p Path) ResourceInstance() uint16 { return p.ids[3] }

func (p Path) IsRoot() bool             { return p.n == 0 }
func (p Path) IsObject() bool           { return p.n == 1 }
func (p Path) IsInstance() bool         { return p.n == 2 }
func (p Path) IsResource() bool         { return p.n == 3 }
func (p Path) IsResourceInstance() bool { return p.n == 4 }

// Child appends one ID and panics on a resource instance.
func (p Path) Child(id uint16) Path {
	if p.n == 4 {
		panic("lwm2m: a resource instance has no children")
	}
	p.ids[p.n] = id
	p.n++
	return p
}

// Parent drops the last ID; the root is its own parent.
func (p Path) Parent() Path {
	if p.n > 0 {
		p.n--
		p.ids[p.n] = 0
	}
	return p
}

// Prefix keeps the first n IDs (all of them where there are fewer).
func (p Path) Prefix(n int) Path {
	for int(p.n) > n {
		p = p.Parent()
	}
	return p
}

// Contains reports whether q is p or lies below it.
func (p Path) Contains(q Path) bool { return q.n >= p.n && q.Prefix(int(p.n)) == p }

// Compare orders paths by their IDs, a parent before its children.
func (p Path) Compare(q Path) int {
	for i := range min(p.n, q.n) {
		if c := cmp.Compare(p.ids[i], q.ids[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(p.n, q.n)
}

// String is "/3/0/0"; the root is "/".
func (p Path) String() string { return string(p.AppendTo(make([]byte, 0, 24))) }

// AppendTo appends String to dst.
func (p Path) AppendTo(dst []byte) []byte {
	if p.n == 0 {
		return append(dst, '/')
	}
	for _, id := range p.ids[:p.n] {
		dst = append(dst, '/')
		dst = strconv.AppendUint(dst, uint64(id), 10)
	}
	return dst
}
