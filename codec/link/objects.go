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
	if !l.findRoot(links) && slices.ContainsFunc(links, func(k Link) bool { return strings.HasPrefix(k.Target, rootTarget(root)+"/") }) {
		l.Root = root
	}
	for _, k := range links {
		l.addLink(k)
	}
	l.normalize()
	return l, nil
}

// findRoot takes the first link of the resource type "oma.lwm2m", which may
// stand anywhere and have further resource types; false where there is none.
func (l *ObjectList) findRoot(links []Link) bool {
	for _, k := range links {
		rt, _ := k.Param("rt")
		if !slices.Contains(strings.Fields(rt.Value), resourceType) {
			continue
		}
		if root, ok := rootOf(k.Target); ok {
			l.Root = root
			return true
		}
		l.Loose = true
	}
	return false
}

// addLink takes formats from the links to the root, objects from the others.
func (l *ObjectList) addLink(k Link) {
	if root, ok := rootOf(k.Target); ok && (root == "" || root == l.Root) {
		l.addFormats(k)
		return
	}
	rest, ok := below(k.Target, l.Root)
	p, err := lwm2m.ParsePath(rest)
	if !ok || err != nil || p.IsRoot() {
		l.Loose = true
		return
	}
	if p.Len() > 2 { // a listed resource implies its instance
		l.Loose = true
		p = p.Prefix(2)
	}
	if hidden(p.Object()) {
		return
	}
	o := Object{Path: p}
	if ver, given := k.Param("ver"); given {
		if o.Version, err = lwm2m.ParseVersion(ver.Value); err != nil {
			l.Loose = true
		}
	}
	l.Objects = append(l.Objects, o)
}

// hidden are the objects of credentials: Security, OSCORE, COSE.
func hidden(object uint16) bool { return object == 0 || object == 21 || object == 23 }

// addFormats reads ct=110, ct="110 112", also repeated, also with commas.
func (l *ObjectList) addFormats(k Link) {
	for _, p := range k.Params {
		if p.Name != "ct" {
			continue
		}
		for _, s := range strings.FieldsFunc(p.Value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
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
func (l *ObjectList) normalize() {
	slices.SortStableFunc(l.Objects, func(a, b Object) int {
		return cmp.Or(a.Path.Compare(b.Path), cmp.Compare(b.Version.Major, a.Version.Major), cmp.Compare(b.Version.Minor, a.Version.Minor))
	})
	l.Objects = slices.CompactFunc(l.Objects, func(a, b Object) bool { return a.Path == b.Path })
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
