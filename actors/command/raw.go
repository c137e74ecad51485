package command

import (
	"encoding/hex"
	"mime"
	"net/url"
	"strconv"
	"strings"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// Bounds of a raw request: bytes of one option (RFC 7252 section 5.10), and
// options of one kind.
const (
	maxOption  = 255
	maxQueries = 16
)

// Raw is a request as it goes out: neither the client's root path nor a
// preference of format is applied.
type Raw struct {
	Method         coap.Code
	Path           string // "3/0", "" for none
	Queries        []string
	Format, Accept lwm2m.Format // FormatNone: absent
	Payload        []byte       // nil: absent
}

var rawMethods = map[string]coap.Code{
	"get": coap.GET, "post": coap.POST, "put": coap.PUT, "delete": coap.DELETE,
	"fetch": coap.FETCH, "ipatch": coap.IPATCH, "patch": coap.PATCH,
}

// mediaTypes are the names that a raw request may use for a number.
var mediaTypes = map[string]lwm2m.Format{
	"text/plain":                       lwm2m.FormatText,
	"application/link-format":          lwm2m.FormatLink,
	"application/xml":                  41,
	"application/octet-stream":         lwm2m.FormatOpaque,
	"application/exi":                  47,
	"application/json":                 50,
	"application/cbor":                 lwm2m.FormatCBOR,
	"application/senml+json":           lwm2m.FormatSenMLJSON,
	"application/senml+cbor":           lwm2m.FormatSenMLCBOR,
	"application/senml-etch+json":      lwm2m.FormatSenMLEtchJSON,
	"application/senml-etch+cbor":      lwm2m.FormatSenMLEtchCBOR,
	"application/vnd.oma.lwm2m+tlv":    lwm2m.FormatTLV,
	"application/vnd.oma.lwm2m+json":   lwm2m.FormatJSON,
	"application/vnd.oma.lwm2m+cbor":   lwm2m.FormatLwM2MCBOR,
	"application/vnd.oma.lwm2m+text":   lwm2m.FormatOldText,
	"application/vnd.oma.lwm2m+opaque": lwm2m.FormatOldOpaque,
}

// coap reads the JSON object of a raw request.
func (s *scanner) coap(l *Line) error {
	if err := s.blanks(); err != nil {
		return err
	}
	at := s.pos
	members, err := s.object(1)
	if err != nil {
		return err
	}
	l.Raw = &Raw{Format: lwm2m.FormatNone, Accept: lwm2m.FormatNone}
	for _, m := range members {
		if err := s.rawMember(l.Raw, m); err != nil {
			return err
		}
	}
	if l.Raw.Method == coap.Empty {
		return s.fail(at, `expected a "method": get, post, put, delete, fetch, ipatch or patch`)
	}
	return nil
}

// rawMember takes one member; null is as good as absent.
func (s *scanner) rawMember(r *Raw, m member) (err error) {
	it := m.item
	null := it.kind == lwm2m.KindNone && !it.object
	text := it.kind == lwm2m.KindString
	switch m.name {
	case "method":
		method, ok := rawMethods[strings.ToLower(it.text)]
		if !ok || !text {
			return s.fail(it.at, "expected get, post, put, delete, fetch, ipatch or patch")
		}
		r.Method = method
	case "uri":
		if !null && (!text || !r.setURI(it.text)) {
			return s.fail(it.at, `expected a path with queries, such as "/3/0?pmin=1"`)
		}
	case "contentFormat":
		r.Format, err = s.rawFormat(it, null)
	case "accept":
		r.Accept, err = s.rawFormat(it, null)
	case "payloadHex":
		if null {
			return nil
		}
		payload, err := hex.DecodeString(it.text)
		if err != nil || !text || len(payload) == 0 {
			return s.fail(it.at, "expected an even count of hex digits")
		}
		r.Payload = payload
	default:
		return s.fail(m.nameAt, "expected method, uri, contentFormat, accept or payloadHex, found %q", shown(m.name))
	}
	return err
}

// rawFormat reads a Content-Format: a number, or the name of a media type.
func (s *scanner) rawFormat(it item, null bool) (lwm2m.Format, error) {
	if null {
		return lwm2m.FormatNone, nil
	}
	if it.kind == lwm2m.KindString || it.kind == lwm2m.KindInteger {
		if n, err := strconv.ParseUint(it.text, 10, 16); err == nil && lwm2m.Format(n) != lwm2m.FormatNone {
			return lwm2m.Format(n), nil
		}
	}
	if it.kind == lwm2m.KindString {
		if name, _, err := mime.ParseMediaType(it.text); err == nil {
			if f, ok := mediaTypes[name]; ok {
				return f, nil
			}
		}
	}
	return lwm2m.FormatNone, s.fail(it.at, "expected a content format of 0 to 65534 or a media type of LwM2M")
}

// setURI takes path and queries of a URI without scheme and host; "3/0" is
// "/3/0". A percent-encoded slash has no place in Path.
func (r *Raw) setURI(text string) bool {
	path, queries, _ := strings.Cut(text, "?")
	if strings.Contains(text, "#") || strings.Contains(path, "//") || strings.Contains(path, ":") {
		return false
	}
	path = strings.Trim(path, "/")
	var segments []string
	if path != "" {
		segments = strings.Split(path, "/")
	}
	if !unescape(segments) || strings.Count(strings.Join(segments, "/"), "/") > maxQueries {
		return false
	}
	for _, segment := range segments {
		if strings.Contains(segment, "/") {
			return false
		}
	}
	r.Path, r.Queries = strings.Join(segments, "/"), nil
	if queries == "" {
		return true
	}
	r.Queries = strings.Split(queries, "&")
	return len(r.Queries) <= maxQueries && unescape(r.Queries)
}

// unescape takes the percent-encoding out of option values, in place.
func unescape(values []string) bool {
	for i, v := range values {
		plain, err := url.PathUnescape(v)
		if err != nil || len(plain) > maxOption {
			return false
		}
		values[i] = plain
	}
	return true
}
