package platform

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"dormouse/codec/ids"
)

// ExternalID is a name that a managed object has in another system, such as
// (c8y_Serial, endpoint) for a device: one of a type leads to one object.
type ExternalID struct {
	Type   string // 1 to MaxExternalID bytes, without a slash
	ID     string // 1 to MaxExternalID bytes
	Object ids.Object
}

// Serial is the type of the external ID that every device has: the name of its
// endpoint.
const Serial = "c8y_Serial"

// MaxExternalID bounds the type and the ID, in bytes; the name of an endpoint fits.
const MaxExternalID = 1024

const (
	// GlobalIDsPath and ExternalIDsPath are where external IDs are found by their
	// object and by themselves.
	GlobalIDsPath   = "/identity/globalIds"
	ExternalIDsPath = "/identity/externalIds"
)

// ExternalIDsAddress is where the external IDs of an object are.
func ExternalIDsAddress(o ids.Object) string {
	return GlobalIDsPath + "/" + o.String() + "/externalIds"
}

// ExternalIDAddress is where an external ID is. The platform's client does not
// escape the two: a slash in an ID arrives as one.
func ExternalIDAddress(kind, id string) string {
	return ExternalIDsPath + "/" + segment(kind) + "/" + segment(id)
}

// segment is text as one segment of a path, and none that a client or server
// would resolve.
func segment(text string) string {
	s := url.PathEscape(text)
	if s == "." || s == ".." {
		s = strings.ReplaceAll(s, ".", "%2E")
	}
	return s
}

// AppendExternalID appends {"self","externalId","type","managedObject":{"id","self"}}.
func AppendExternalID(dst []byte, e *ExternalID, base string) []byte {
	o := newObject(dst)
	o.text("self", base+ExternalIDAddress(e.Type, e.ID))
	o.text("externalId", e.ID)
	o.text("type", e.Type)
	o.name("managedObject")
	m := newObject(o.buf)
	m.text("id", e.Object.String())
	m.text("self", base+ObjectsPath+"/"+e.Object.String())
	o.buf = m.close()
	return o.close()
}

// AppendExternalIDs appends those of an object. They are few, and come without
// pages and statistics.
func AppendExternalIDs(dst []byte, object ids.Object, list []ExternalID, base string) []byte {
	o := newObject(dst)
	o.text("self", base+ExternalIDsAddress(object))
	o.name("externalIds")
	o.buf = append(o.buf, '[')
	for i := range list {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = AppendExternalID(o.buf, &list[i], base)
	}
	o.buf = append(o.buf, ']')
	return o.close()
}

// ParseExternalID reads what AppendExternalID wrote, as a client does.
func ParseExternalID(body []byte) (ExternalID, error) {
	e, named, err := parseExternalID(body)
	if err == nil && !named {
		err = fmt.Errorf("%w: managedObject is missing", ErrShape)
	}
	if err != nil {
		return ExternalID{}, err
	}
	return e, nil
}

// ParseNewExternalID reads the body of a POST to the external IDs of an object,
// which the body need not name again.
func ParseNewExternalID(body []byte, object ids.Object) (ExternalID, error) {
	e, named, err := parseExternalID(body)
	switch {
	case err != nil:
		return ExternalID{}, err
	case named && e.Object != object:
		return ExternalID{}, fmt.Errorf("%w: managedObject.id %s is not that of the address, %s", ErrShape, e.Object, object)
	case strings.Contains(e.Type, "/"):
		return ExternalID{}, fmt.Errorf("%w: type has a slash", ErrShape)
	}
	e.Object = object
	return e, nil
}

func parseExternalID(body []byte) (e ExternalID, named bool, err error) {
	f, err := ParseFragments(body)
	if err != nil {
		return e, false, err
	}
	r := reader{fragments: f}
	e.ID, e.Type = r.text("externalId"), r.text("type")
	if err := firstOf(r.err, bounded("externalId", e.ID, MaxExternalID), bounded("type", e.Type, MaxExternalID)); err != nil {
		return e, false, err
	}
	e.Object, named, err = parseSource(f.Get("managedObject"), "managedObject")
	return e, named, err
}

// parseSource reads {"id"} or {"self"}, in whose address the ID stands last;
// named is false where there is nothing.
func parseSource(raw json.RawMessage, name string) (id ids.Object, named bool, err error) {
	if raw == nil || isNull(raw) {
		return 0, false, nil
	}
	f, err := ParseFragments(raw)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %s is no object with an id", ErrShape, name)
	}
	text, err := idText(f)
	if err != nil {
		return 0, false, err
	}
	if text == "" {
		self, err := f.Text("self")
		if err != nil {
			return 0, false, err
		}
		text = self[strings.LastIndexByte(self, '/')+1:]
	}
	if id, err = ids.ParseObject(text); err != nil {
		return 0, false, fmt.Errorf("%w: %s.id %q is no ID of a managed object", ErrShape, name, text)
	}
	return id, true, nil
}

// idText is the member id, which some clients write as a number.
func idText(f Fragments) (string, error) {
	if raw := f.Get("id"); len(raw) > 0 && raw[0] >= '0' && raw[0] <= '9' {
		return string(raw), nil
	}
	return f.Text("id")
}
