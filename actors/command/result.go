package command

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"dormouse/codec/coap"
	"dormouse/codec/content"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// Result is what became of one line.
type Result struct {
	Line   string // as written
	Code   string // "2.05", "" where there was no answer
	Format string // of the answer's payload, as lwm2m.Format prints it; "" for none

	// Values is one JSON object, nil for none: by path what was read (see
	// AppendValue) or the attributes that were discovered; "location" of what
	// was created; the parts of a raw answer.
	Values json.RawMessage
	Text   string // for people: one line a value, or the code in words
	Error  string // why the line failed, "" where it did not
	Nodes  []lwm2m.Node
	OK     bool // success: 2.xx, with a payload that could be read
}

// reasons are the codes in words (RFC 7252 section 12.1.2 and its successors).
var reasons = map[coap.Code]string{
	coap.Created: "Created", coap.Deleted: "Deleted", coap.Valid: "Valid", coap.Changed: "Changed",
	coap.Content: "Content", coap.BadRequest: "Bad Request", coap.Unauthorized: "Unauthorized",
	coap.BadOption: "Bad Option", coap.Forbidden: "Forbidden", coap.NotFound: "Not Found",
	coap.MethodNotAllowed: "Method Not Allowed", coap.NotAcceptable: "Not Acceptable",
	coap.RequestEntityIncomplete: "Request Entity Incomplete", coap.Conflict: "Conflict",
	coap.PreconditionFailed: "Precondition Failed", coap.RequestEntityTooLarge: "Request Entity Too Large",
	coap.UnsupportedContentFormat: "Unsupported Content-Format", coap.TooManyRequests: "Too Many Requests",
	coap.InternalServerError: "Internal Server Error", coap.NotImplemented: "Not Implemented",
	coap.BadGateway: "Bad Gateway", coap.ServiceUnavailable: "Service Unavailable",
	coap.GatewayTimeout: "Gateway Timeout", coap.ProxyingNotSupported: "Proxying Not Supported",
}

// inWords is "4.04 Not Found".
func inWords(c coap.Code) string {
	return strings.TrimSuffix(c.String()+" "+reasons[c], " ")
}

// maxDiagnostic bounds what is shown of a client's diagnostic text, in bytes.
const maxDiagnostic = 1024

// diagnostic is the text that explains an error answer (RFC 7252 section
// 5.5.2), "" where its payload is something else.
func diagnostic(m *coap.Message) string {
	f := m.ContentFormat()
	if f != lwm2m.FormatNone && f.Canonical() != lwm2m.FormatText {
		return ""
	}
	if len(m.Payload) == 0 || len(m.Payload) > maxDiagnostic || !utf8.Valid(m.Payload) {
		return ""
	}
	return string(m.Payload)
}

// Result reads the answer to the line's request, whose payload is the whole
// body. Nodes and Values own what they hold.
func (l *Line) Result(d *Device, m *coap.Message) Result {
	r := Result{Line: l.Text, Code: m.Code.String(), OK: m.Code.IsSuccess(), Text: inWords(m.Code)}
	if f := m.ContentFormat(); f != lwm2m.FormatNone {
		r.Format = f.String()
	}
	if l.Verb == Coap {
		r.Values = appendAnswer(nil, m)
	}
	if !r.OK {
		r.Error = r.Text
		if text := diagnostic(m); text != "" {
			r.Error += ": " + text
		}
		r.Text = r.Error
		return r
	}
	if err := l.decode(d, m, &r); err != nil {
		r.OK, r.Nodes, r.Values = false, nil, nil
		r.Error = inWords(m.Code) + " that cannot be read: " + err.Error()
		r.Text = r.Error
	}
	return r
}

// decode fills the result of a success by what the verb asked for.
func (l *Line) decode(d *Device, m *coap.Message, r *Result) error {
	switch {
	case l.Verb.reads():
		return l.decodeValues(d, m, r)
	case l.Verb == Discover:
		found, err := link.ParseDiscover(m.Payload, d.Root)
		if err != nil {
			return err
		}
		r.Values, r.Text = appendDiscovered(nil, found), string(m.Payload)
	case l.Verb == Create:
		if at := location(d, m); at != "" {
			r.Values = append(appendString([]byte(`{"location":`), at), '}')
			r.Text += " " + at
		}
	case l.Verb == Coap && len(m.Payload) > 0:
		r.Text += ": " + shownPayload(m.Payload)
	}
	return nil
}

// decodeValues reads resource values. Paths that were not asked for make the
// answer unreadable as a whole (OMA Core 6.4.5); paths of a composite that are
// missing are null in Values.
func (l *Line) decodeValues(d *Device, m *coap.Message, r *Result) error {
	base := lwm2m.NewPath()
	single := len(l.Paths) == 1
	if single {
		base = l.Paths[0]
	}
	nodes, err := decodePayload(d, base, m)
	if err != nil {
		return err
	}
	absent, err := match(l.Paths, nodes)
	if err != nil {
		return err
	}
	if single && l.Verb != ReadComposite && l.Verb != ObserveComposite {
		absent = nil
	}
	r.Nodes = nodes
	r.Values = appendNodes(nil, d, nodes, absent)
	r.Text = textOf(d, nodes, absent)
	if _, observed := m.Observe(); !observed && (l.Verb == Observe || l.Verb == ObserveComposite) {
		r.Text = strings.TrimPrefix(r.Text+"\nnot observed: the answer has no Observe option", "\n")
	}
	return nil
}

// decodePayload goes by the answer's own format. Without one, an answer for a
// resource counts as text and any other as TLV, as 1.0 clients mean it; no
// payload without a format is no value.
func decodePayload(d *Device, base lwm2m.Path, m *coap.Message) ([]lwm2m.Node, error) {
	f := m.ContentFormat().Canonical()
	switch {
	case f == lwm2m.FormatNone && len(m.Payload) == 0:
		return nil, nil
	case f == lwm2m.FormatNone && base.Len() >= 3:
		f = lwm2m.FormatText
	case f == lwm2m.FormatNone:
		f = lwm2m.FormatTLV
	}
	o := d.options()
	o.Answer = true
	nodes, err := content.Decode(f, base, m.Payload, o)
	if err != nil {
		return nil, err
	}
	lwm2m.SortNodes(nodes)
	return nodes, nil
}

// match tells which of the paths have no node, and refuses nodes outside all
// of them.
func match(paths []lwm2m.Path, nodes []lwm2m.Node) (absent []lwm2m.Path, err error) {
	wanted := make(map[lwm2m.Path]bool, len(paths))
	for _, p := range paths {
		wanted[p] = false
	}
	for _, n := range nodes {
		known := n.Path.Len() == 0 && n.Value.Kind() == lwm2m.KindNone // an empty pack
		for length := 0; length <= n.Path.Len(); length++ {
			p := n.Path.Prefix(length)
			if _, ok := wanted[p]; ok {
				wanted[p], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("it holds %s, which was not asked for", n.Path)
		}
	}
	for _, p := range PathSet(paths) {
		if !wanted[p] {
			absent = append(absent, p)
		}
	}
	return absent, nil
}

// location is the path of what was created, below the device's root.
func location(d *Device, m *coap.Message) string {
	at := m.LocationPath()
	if at == "" {
		return ""
	}
	if root := strings.Trim(d.Root, "/"); root != "" {
		at = strings.TrimPrefix(at, root+"/")
	}
	return "/" + at
}

// LocalResult is the result of a line that sends nothing.
func (l *Line) LocalResult() Result {
	r := Result{Line: l.Text, OK: true, Text: "the next notification is answered with a reset"}
	if l.Verb != Serialization {
		return r
	}
	name := "DEFAULT"
	if l.Format != lwm2m.FormatNone {
		name = l.Format.String()
	}
	r.Text = "serialization " + name
	r.Values = append(appendString([]byte(`{"serialization":`), name), '}')
	return r
}

// Failed is the result of a line without an answer.
func (l *Line) Failed(reason string) Result {
	return Result{Line: l.Text, Text: reason, Error: reason}
}
