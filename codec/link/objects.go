package link

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// resourceType marks the link whose target is the root of the LwM2M objects
// (OMA Transport 6.4.1, "alternate path").
const resourceType = "oma.lwm2m"

// Object is one object or object instance of an object list. Version is zero
// where the device named none: see VersionOf.
type Object struct {
	Path    lwm2m.Path
	Version lwm2m.Version
}

// ObjectList is the payload of a Register or Update: the whole list each time
// (OMA Core 6.2.1). Objects are in the order of their paths, each path once.
type ObjectList struct {
	Root    string         // "" or "/lwm2m", "/a/b": stands before every path of device management, percent-decoded
	Formats []lwm2m.Format // listed by ct, in the order of the device; nil: not given
	Objects []Object
	Loose   bool // the payload had tolerated deviations, or links to nothing of LwM2M; not written by Append
}

// ParseObjects reads an object list. Links that are no objects or lie outside
// the root, versions that are none, and the objects that no server may see
// (/0, /21, /23) are left out. A payload without any link is an error.
func ParseObjects(b []byte) (ObjectList, error) { return ParseUpdate(b, "") }

// ParseUpdate reads the object list of an Update of a device with this root.
// Clients leave the link to their root out there, so it goes on to hold where
// the list has paths below it and names no other; the Root of the result is
// the one that holds now.
func ParseUpdate(b []byte, root string) (ObjectList, error) {
	links, loose, err := Parse(b)
	if err != nil {
		return ObjectList{}, fmt.Errorf("read object list: %w", err)
	}
	if len(links) == 0 {
		return ObjectList{}, fmt.Errorf("read object list: %w: it has no link", ErrLink)
	}
	l := ObjectList{Loose: loose}
	if !l.findRoot(links) && root != "" && listed(links, rootTarget(root)+"/") {
		l.Root = root
	}
	l.addLinks(links)
	l.normalize()
	return l, nil
}

// listed reports whether a target begins with prefix.
func listed(links []Link, prefix string) bool {
	return slices.ContainsFunc(links, func(k Link) bool { return strings.HasPrefix(k.Target, prefix) })
}

// findRoot takes the first link of the resource type "oma.lwm2m", which may
// stand anywhere and have further resource types; false where there is none.
func (l *ObjectList) findRoot(links []Link) bool {
	for i := range links {
		if !marked(&links[i]) {
			continue
		}
		if root, ok := rootOf(links[i].Target); ok {
			l.Root = strings.Clone(root) // what is kept does not hold the payload
			return true
		}
		l.Loose = true
	}
	return false
}

// marked reports whether a link has the resource type of a root.
func marked(k *Link) bool {
	rt, _ := k.Param("rt")
	for t := range strings.FieldsSeq(rt.Value) {
		if t == resourceType {
			return true
		}
	}
	return false
}

// addLinks takes formats from the links to the root, objects from the others.
func (l *ObjectList) addLinks(links []Link) {
	prefix := prefixOf(l.Root)
	for i := range links {
		k := &links[i]
		p, ok := pathBelow(k.Target, prefix)
		l.Loose = l.Loose || p.Len() > 2 // a listed resource implies its instance
		switch {
		case !ok:
			l.addRoot(k)
		case !hidden(p.Object()):
			if l.Objects == nil {
				l.Objects = make([]Object, 0, len(links)-i)
			}
			l.Objects = append(l.Objects, l.object(p, k))
		}
	}
}

// pathBelow reads a target that is an object or something in it.
func pathBelow(target, prefix string) (p lwm2m.Path, ok bool) {
	rest, ok := below(target, prefix)
	if !ok {
		return p, false
	}
	p, err := lwm2m.ParsePath(rest)
	return p, err == nil && !p.IsRoot()
}

// addRoot takes the formats of a link to the root, of ours or of the host.
func (l *ObjectList) addRoot(k *Link) {
	if root, ok := rootOf(k.Target); ok && (root == "" || root == l.Root) {
		l.addFormats(k)
		return
	}
	l.Loose = true
}

// object is what a link says of an object, or of an instance and what is in it.
func (l *ObjectList) object(p lwm2m.Path, k *Link) Object {
	o := Object{Path: p.Prefix(2)}
	if ver, given := k.Param("ver"); given {
		var err error
		if o.Version, err = lwm2m.ParseVersion(ver.Value); err != nil {
			l.Loose = true
		}
	}
	return o
}

// hidden are the objects of credentials: Security, OSCORE, COSE.
func hidden(object uint16) bool { return object == 0 || object == 21 || object == 23 }

// addFormats reads ct=110, ct="110 112", also repeated, also with commas.
func (l *ObjectList) addFormats(k *Link) {
	for _, p := range k.Params {
		if p.Name != "ct" {
			continue
		}
		for s := range strings.FieldsFuncSeq(p.Value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
			v, err := strconv.ParseUint(s, 10, 16)
			f := lwm2m.Format(v)
			if err != nil || f == lwm2m.FormatNone {
				l.Loose = true
				continue
			}
			if !slices.Contains(l.Formats, f) {
				l.Formats = append(l.Formats, f)
			}
		}
	}
}

// normalize sorts, and keeps of equal paths one: that of the highest version.
// Devices list their objects in order, as a rule.
func (l *ObjectList) normalize() {
	if l.ascends() {
		return
	}
	slices.SortStableFunc(l.Objects, func(a, b Object) int {
		return cmp.Or(a.Path.Compare(b.Path), cmp.Compare(b.Version.Major, a.Version.Major), cmp.Compare(b.Version.Minor, a.Version.Minor))
	})
	l.Objects = slices.CompactFunc(l.Objects, func(a, b Object) bool { return a.Path == b.Path })
}

// ascends reports objects in order, each path once.
func (l *ObjectList) ascends() bool {
	for i := 1; i < len(l.Objects); i++ {
		if l.Objects[i-1].Path.Compare(l.Objects[i].Path) >= 0 {
			return false
		}
	}
	return true
}

// Append appends the list in its canonical form. Links to the root are written
// only where there is something to say about it.
func (l ObjectList) Append(dst []byte) []byte {
	links := make([]Link, 0, len(l.Objects)+1)
	if l.Root != "" || len(l.Formats) > 0 {
		root := Link{Target: rootTarget(l.Root), Params: []Param{{Name: "rt", Value: resourceType}}}
		if len(l.Formats) > 0 {
			root.Params = append(root.Params, Param{Name: "ct", Value: joinFormats(l.Formats)})
		}
		links = append(links, root)
	}
	for _, o := range l.Objects {
		k := Link{Target: target(o.Path, l.Root)}
		if !o.Version.IsZero() {
			k.Params = []Param{{Name: "ver", Value: o.Version.String()}}
		}
		links = append(links, k)
	}
	return Append(dst, links)
}

func joinFormats(formats []lwm2m.Format) string {
	s := make([]string, len(formats))
	for i, f := range formats {
		s[i] = strconv.Itoa(int(f))
	}
	return strings.Join(s, " ")
}
