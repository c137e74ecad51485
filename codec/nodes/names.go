package nodes

import (
	"fmt"
	"strings"

	"dormouse/codec/lwm2m"
)

// MaxName bounds a base name and a name, in bytes each: a long base name
// repeated by thousands of short records would cost its square.
const MaxName = 512

// Names resolves the names of SenML and OMA JSON records to paths.
type Names struct {
	base lwm2m.Path
	root string // alternate root path: "" or "/lwm2m"
}

// NewNames resolves names below base; root is the alternate path that a device
// registered with ("" or "/": none), with or without slashes.
func NewNames(base lwm2m.Path, root string) Names {
	root = strings.Trim(root, "/")
	if root != "" {
		root = "/" + root
	}
	return Names{base: base, root: root}
}

// Resolve concatenates base name and name as RFC 8428 section 4.6 has it and
// drops the alternate root where the device wrote it. Beyond the RFC it
// accepts what devices send: a name relative to the base path where there is
// no base name, an absolute name beside a base name, no leading slash.
func (n Names) Resolve(baseName, name string) (lwm2m.Path, error) {
	if len(baseName) > MaxName || len(name) > MaxName {
		return lwm2m.Path{}, fmt.Errorf("%w: name longer than %d bytes", lwm2m.ErrPath, MaxName)
	}
	if baseName == "" && !strings.HasPrefix(name, "/") {
		if p, ok := n.relative(name); ok {
			return p, nil
		}
	}
	p, err := lwm2m.ParsePath(n.strip(baseName + name))
	if err != nil && strings.HasPrefix(name, "/") {
		return lwm2m.ParsePath(n.strip(name))
	}
	return p, err
}

// relative puts a name without base name under the base path.
func (n Names) relative(name string) (lwm2m.Path, bool) {
	if name == "" {
		return n.base, true
	}
	p, err := lwm2m.ParsePath(strings.TrimSuffix(n.base.String(), "/") + "/" + name)
	return p, err == nil
}

// strip drops the alternate root from the front of a name.
func (n Names) strip(name string) string {
	if n.root == "" {
		return name
	}
	if rest, ok := strings.CutPrefix(name, n.root); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	if rest, ok := strings.CutPrefix("/"+name, n.root); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return name
}

// Append appends the absolute name of p, with the alternate root.
func (n Names) Append(dst []byte, p lwm2m.Path) []byte {
	dst = append(dst, n.root...)
	if p.IsRoot() && n.root != "" {
		return dst
	}
	return p.AppendTo(dst)
}

// BaseName chooses the base name for nodes at or below the base: the base
// with a slash behind it, unless one of them is the base itself.
func (n Names) BaseName(nodes []lwm2m.Node) string {
	name := string(n.Append(nil, n.base))
	for _, node := range nodes {
		if node.Path == n.base {
			return name
		}
	}
	if strings.HasSuffix(name, "/") {
		return name
	}
	return name + "/"
}

// Relative is what follows baseName, one of BaseName, in the name of p.
func (n Names) Relative(baseName string, p lwm2m.Path) string {
	return strings.TrimPrefix(string(n.Append(nil, p)), baseName)
}
