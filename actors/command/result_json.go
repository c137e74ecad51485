package command

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"dormouse/codec/coap"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// AppendJSON appends the result as it stands in dormouse_Results:
//
//	{"line":"read /3/0/0","code":"2.05","format":"TLV","values":{"/3/0/0":"Acme"}}
//
// with "error" where the line failed, and without the names that have nothing
// to say.
func (r Result) AppendJSON(dst []byte) []byte {
	dst = appendString(append(dst, `{"line":`...), r.Line)
	for _, part := range []struct{ name, text string }{{"code", r.Code}, {"format", r.Format}, {"error", r.Error}} {
		if part.text != "" {
			dst = append(append(append(dst, `,"`...), part.name...), `":`...)
			dst = appendString(dst, part.text)
		}
	}
	if len(r.Values) > 0 {
		dst = append(append(dst, `,"values":`...), r.Values...)
	}
	return append(dst, '}')
}

// AppendValue appends a value as JSON: Integer, Unsigned and Float as numbers
// with all their digits, Boolean as true or false, Time in RFC 3339, Opaque in
// hex, Objlnk as "3:0". An empty container is {}. A Float that JSON cannot
// write is a string.
func AppendValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.KindNone:
		return append(dst, "{}"...)
	case lwm2m.KindInteger, lwm2m.KindUnsigned, lwm2m.KindBoolean:
		return append(dst, v.String()...)
	case lwm2m.KindFloat:
		if f := v.Float64(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(dst, f, 'g', -1, 64)
		}
	}
	return appendString(dst, v.String())
}

// appendString writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("command: " + err.Error()) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// appendNodes writes an object of path to value. Nodes are sorted; several of
// one path, and one with a time, are {"value":…,"time":…}, the former in an
// array, oldest first. Absent paths are null.
func appendNodes(dst []byte, d *Device, nodes []lwm2m.Node, absent []lwm2m.Path) json.RawMessage {
	dst = append(dst, '{')
	for i := 0; i < len(nodes); {
		end := i + 1
		for end < len(nodes) && nodes[end].Path == nodes[i].Path {
			end++
		}
		dst = appendKey(dst, nodes[i].Path)
		if end == i+1 {
			dst = appendStamped(dst, d, nodes[i])
		} else {
			dst = append(dst, '[')
			for k := i; k < end; k++ {
				dst = append(appendStamped(dst, d, nodes[k]), ',')
			}
			dst[len(dst)-1] = ']'
		}
		i = end
	}
	for _, p := range absent {
		dst = append(appendKey(dst, p), "null"...)
	}
	return append(dst, '}')
}

// appendKey writes the name of a member, with a comma unless it is the first.
func appendKey(dst []byte, p lwm2m.Path) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	return append(p.AppendTo(dst), `":`...)
}

func appendStamped(dst []byte, d *Device, n lwm2m.Node) []byte {
	at, ok := d.stamp(n)
	if !ok {
		return AppendValue(dst, n.Value)
	}
	dst = AppendValue(append(dst, `{"value":`...), n.Value)
	dst = at.UTC().AppendFormat(append(dst, `,"time":"`...), time.RFC3339Nano)
	return append(dst, `"}`...)
}

// stamp is the time that the device gave to a node. A relative one needs the
// time of reception.
func (d *Device) stamp(n lwm2m.Node) (time.Time, bool) {
	if n.At < lwm2m.RelativeBelow && d.Received.IsZero() {
		return time.Time{}, false
	}
	return n.At.Resolve(d.Received)
}

// textOf writes one line a value: path, the resource's name, value, time.
func textOf(d *Device, nodes []lwm2m.Node, absent []lwm2m.Path) string {
	var b []byte
	for _, n := range nodes {
		b = appendLabel(b, d, n.Path)
		if n.Value.Kind() == lwm2m.KindNone {
			b = append(b, "empty"...)
		} else {
			b = append(b, n.Value.String()...)
		}
		if at, ok := d.stamp(n); ok {
			b = at.UTC().AppendFormat(append(b, " at "...), time.RFC3339Nano)
		}
	}
	for _, p := range absent {
		b = append(appendLabel(b, d, p), "not returned"...)
	}
	return string(b)
}

// appendLabel begins a line of textOf.
func appendLabel(b []byte, d *Device, p lwm2m.Path) []byte {
	if len(b) > 0 {
		b = append(b, '\n')
	}
	b = p.AppendTo(b)
	if name := d.name(p); name != "" {
		b = append(append(b, ' '), name...)
	}
	return append(b, ": "...)
}

// appendDiscovered writes an object of path to attributes: numbers as they
// are, flags as true. A path that stands twice keeps its first attributes.
func appendDiscovered(dst []byte, found []link.Discovered) json.RawMessage {
	dst = append(dst, '{')
	paths := map[lwm2m.Path]bool{}
	for _, f := range found {
		if paths[f.Path] {
			continue
		}
		paths[f.Path] = true
		dst = append(appendKey(dst, f.Path), '{')
		names := map[string]bool{}
		for _, a := range f.Attributes {
			if names[a.Name] {
				continue
			}
			names[a.Name] = true
			if len(names) > 1 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, a.Name), ':')
			dst = appendAttribute(dst, a)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendAttribute writes "1.1" of ver as a string, pmin=10 as a number.
func appendAttribute(dst []byte, a link.Param) []byte {
	switch {
	case a.Flag:
		return append(dst, "true"...)
	case a.Name != "ver" && a.Name != "lwm2m" && json.Valid([]byte(a.Value)) && isNumber(a.Value):
		return append(dst, a.Value...)
	}
	return appendString(dst, a.Value)
}

func isNumber(s string) bool { return s[0] == '-' || s[0] >= '0' && s[0] <= '9' }

// appendAnswer writes the parts of a raw answer: code, options in their order,
// and the payload as bytes and, where it is printable, as text.
func appendAnswer(dst []byte, m *coap.Message) json.RawMessage {
	dst = appendString(append(dst, `{"code":`...), m.Code.String())
	if f := m.ContentFormat(); f != lwm2m.FormatNone {
		dst = strconv.AppendUint(append(dst, `,"contentFormat":`...), uint64(f), 10)
	}
	dst = append(dst, `,"options":[`...)
	for i, o := range m.Options {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(append(dst, `{"number":`...), uint64(o.ID), 10)
		dst = append(hex.AppendEncode(append(dst, `,"valueHex":"`...), o.Value), `"}`...)
	}
	dst = append(dst, ']')
	if len(m.Payload) > 0 {
		dst = append(hex.AppendEncode(append(dst, `,"payloadHex":"`...), m.Payload), '"')
		if printable(m.Payload) {
			dst = appendString(append(dst, `,"payload":`...), string(m.Payload))
		}
	}
	return append(dst, '}')
}

// shownPayload is a payload as text where it is printable, else in hex.
func shownPayload(b []byte) string {
	if printable(b) {
		return string(b)
	}
	return hex.EncodeToString(b)
}

func printable(b []byte) bool {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
		i += size
	}
	return true
}
