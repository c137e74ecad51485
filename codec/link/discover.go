package link

import (
	"fmt"

	"dormouse/codec/lwm2m"
)

// Discovered is one path of a Discover answer and what is attached to it:
// attributes of notification, dim, ver, ssid, uri, lwm2m.
type Discovered struct {
	Path       lwm2m.Path
	Attributes []Param
}

// ParseDiscover reads the answer to a Discover or Bootstrap-Discover. root is
// ObjectList.Root of the device. Some devices leave their root out here, so a
// path without it is read too. Links that are no LwM2M paths are left out.
func ParseDiscover(payload []byte, root string) ([]Discovered, error) {
	links, _, err := Parse(payload)
	if err != nil {
		return nil, fmt.Errorf("read discover answer: %w", err)
	}
	prefix := prefixOf(root)
	out := make([]Discovered, 0, len(links))
	for _, l := range links {
		rest, ok := below(l.Target, prefix)
		if !ok {
			rest = l.Target
		}
		if p, err := lwm2m.ParsePath(rest); err == nil {
			out = append(out, Discovered{Path: p, Attributes: l.Params})
		}
	}
	return out, nil
}

// AppendDiscover appends what ParseDiscover reads.
func AppendDiscover(dst []byte, found []Discovered, root string) []byte {
	links := make([]Link, len(found))
	for i, d := range found {
		links[i] = Link{Target: target(d.Path, root), Params: d.Attributes}
	}
	return Append(dst, links)
}

// target writes a path below a root.
func target(p lwm2m.Path, root string) string {
	if p.IsRoot() {
		return rootTarget(root)
	}
	return prefixOf(root) + p.String()
}
