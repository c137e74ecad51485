package link

import (
	"net/url"
	"strings"
)

// target reads `<URI-Reference>`. A path may not have a query: LwM2M has no
// such links, and a device that sends one means something else. Absolute URIs
// are kept as they are.
func (p *parser) target() (string, error) {
	length := strings.IndexByte(p.text[p.at:], '>')
	if length < 0 {
		return "", p.fail("a target has no end")
	}
	raw := p.text[p.at+1 : p.at+length]
	t := trimBlanks(raw)
	if !uriBytes(t) {
		return "", p.fail("a target is no URI reference")
	}
	if (strings.IndexByte(t, '?') >= 0 || strings.IndexByte(t, '#') >= 0) && !strings.Contains(t, "://") {
		return "", p.fail("a path has a query or a fragment")
	}
	if t != raw || !strings.HasPrefix(t, "/") {
		p.loose = true
	}
	p.at += length + 1
	return t, nil
}

// uriBytes reports whether s has only the characters of RFC 3986, with two hex
// digits behind every percent sign.
func uriBytes(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2]) {
				return false
			}
			i += 2
		case c == '/' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		case c == 0 || strings.IndexByte("-._~:?#[]@!$&'()*+,;=", c) < 0:
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// rootOf is the path prefix that a target names, decoded and without a slash
// at its end: "" for "/". A root with an empty segment, a slash in a segment
// or a control character cannot be sent back in Uri-Path options; ok is false.
func rootOf(target string) (root string, ok bool) {
	if !strings.HasPrefix(target, "/") {
		return "", false
	}
	target = strings.TrimRight(target, "/")
	root, err := url.PathUnescape(target)
	if err != nil || strings.Count(root, "/") != strings.Count(target, "/") || strings.Contains(root, "//") {
		return "", false
	}
	for i := range len(root) {
		if root[i] < ' ' || root[i] == 0x7f {
			return "", false
		}
	}
	return root, true
}

// rootTarget is the target that rootOf read.
func rootTarget(root string) string {
	if root == "" {
		return "/"
	}
	return (&url.URL{Path: root}).EscapedPath()
}

// prefixOf is what stands before every target below a root: nothing where
// there is none.
func prefixOf(root string) string {
	if root == "" {
		return ""
	}
	return rootTarget(root)
}

// below strips a prefixOf from a target.
func below(target, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(target, prefix)
	if !ok || prefix != "" && rest != "" && rest[0] != '/' {
		return "", false
	}
	return rest, true
}
