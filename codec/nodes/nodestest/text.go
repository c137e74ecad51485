package nodestest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"dormouse/codec/lwm2m"
	"dormouse/codec/nodes"
)

// Text prints nodes, one line each, without blanks at the ends.
func Text(list []lwm2m.Node) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "%s %s", n.Path, strings.ReplaceAll(n.Value.Kind().String(), " ", ""))
		switch n.Value.Kind() {
		case lwm2m.KindNone:
		case lwm2m.KindString, lwm2m.KindCorelnk:
			fmt.Fprintf(&b, " %q", n.Value.Text())
		case lwm2m.KindTime:
			fmt.Fprintf(&b, " %d", n.Value.Int())
		default:
			if text := n.Value.String(); text != "" {
				fmt.Fprintf(&b, " %s", text)
			}
		}
		if n.At != 0 {
			fmt.Fprintf(&b, " @%s", nodes.AppendSeconds(nil, n.At))
		}
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// Nodes reads what Text prints.
func Nodes(t testing.TB, text string) (list []lwm2m.Node) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(text)) {
		n, err := node(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("node %q: %v", line, err)
		}
		list = append(list, n)
	}
	return list
}

func node(line string) (n lwm2m.Node, err error) {
	rest := line
	if i := strings.LastIndex(line, " @"); i >= 0 {
		if n.At, err = nodes.ParseSeconds(line[i+2:]); err != nil {
			return n, err
		}
		rest = line[:i]
	}
	path, rest, _ := strings.Cut(rest, " ")
	kind, value, _ := strings.Cut(rest, " ")
	if n.Path, err = lwm2m.ParsePath(path); err != nil {
		return n, err
	}
	n.Value, err = parseValue(kind, value)
	return n, err
}

func parseValue(kind, s string) (v lwm2m.Value, err error) {
	switch kind {
	case "None":
		return v, nil
	case "String", "Corelnk":
		if s, err = strconv.Unquote(s); kind == "Corelnk" {
			return lwm2m.Corelnk(s), err
		}
		return lwm2m.String(s), err
	case "Opaque":
		b, err := hex.DecodeString(s)
		return lwm2m.Opaque(b), err
	case "Boolean":
		b, err := strconv.ParseBool(s)
		return lwm2m.Boolean(b), err
	case "Float":
		f, err := strconv.ParseFloat(s, 64)
		return lwm2m.Float(f), err
	case "UnsignedInteger":
		u, err := strconv.ParseUint(s, 10, 64)
		return lwm2m.Unsigned(u), err
	case "Objlnk":
		return nodes.ParseObjlnk(s)
	}
	i, err := strconv.ParseInt(s, 10, 64)
	switch kind {
	case "Integer":
		return lwm2m.Integer(i), err
	case "Time":
		return lwm2m.Time(i), err
	}
	return v, fmt.Errorf("nodestest: unknown kind %q", kind)
}

// Path reads a path.
func Path(t testing.TB, text string) lwm2m.Path {
	t.Helper()
	p, err := lwm2m.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Hex reads bytes in hex, blanks between them allowed.
func Hex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Lines joins the lines of a raw string without their indentation.
func Lines(text string) string {
	var out []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}

// Second is a stamp of whole seconds.
func Second(s int64) lwm2m.Stamp { return lwm2m.Stamp(s * int64(time.Second)) }
