package platform

import (
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"dormouse/codec/ids"
)

// A binary is a managed object with these fragments, and bytes that are kept
// elsewhere. It comes as multipart/form-data: "object" is the body of the managed
// object, "file" the bytes; their order is the client's, and "filesize" need not
// come.
const (
	isBinaryName    = "c8y_IsBinary"
	contentTypeName = "contentType"
	lengthName      = "length"
)

// BinariesPath is where binaries are found.
const BinariesPath = "/inventory/binaries"

// BinaryAddress is where the bytes of a binary are.
func BinaryAddress(o ids.Object) string { return BinariesPath + "/" + o.String() }

// Parts of an upload.
const (
	ObjectPart = "object"
	FilePart   = "file"
)

// BinaryInfo is what is known of the bytes of a binary.
type BinaryInfo struct {
	ContentType string // a media type; application/octet-stream where none came
	Length      int64  // bytes
}

const octets = "application/octet-stream"

// maxContentType bounds the media type of a binary, in bytes.
const maxContentType = 255

// BinaryInfoOf takes the header of the part with the bytes as it came. What is no
// media type is octets: it is sent back to whoever loads the binary.
func BinaryInfoOf(contentType string, length int64) BinaryInfo {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.Contains(kind, "/") || len(contentType) > maxContentType {
		contentType = octets
	}
	return BinaryInfo{contentType, length}
}

// Fragments are those that make a managed object a binary; they are the server's.
func (b BinaryInfo) Fragments() Fragments {
	return Fragments{
		{isBinaryName, json.RawMessage("{}")},
		{contentTypeName, appendText(nil, b.ContentType)},
		{lengthName, strconv.AppendInt(nil, b.Length, 10)},
	}
}

// Binary is what is known of the bytes of a managed object; ok is false for one
// that is no binary.
func (m *ManagedObject) Binary() (b BinaryInfo, ok bool) {
	if !m.Has(isBinaryName) {
		return b, false
	}
	r := reader{fragments: m.Fragments}
	b = BinaryInfo{r.text(contentTypeName), r.int(lengthName)}
	return b, r.err == nil && b.Length >= 0
}

// AppendBinary appends a binary as its collection shows it: as any managed
// object, but for the link, which leads to the bytes.
func AppendBinary(dst []byte, m *ManagedObject, base string) []byte {
	return appendManagedObject(dst, m, base+BinaryAddress(m.ID), base)
}

// ParseNewBinary reads the part "object" of an upload, which may be empty, and
// gives the object its fragments. A name that is missing is that of the file.
func ParseNewBinary(object []byte, fileName string, b BinaryInfo) (c ObjectChange, err error) {
	if len(object) > 0 {
		if c, err = ParseObjectChange(object); err != nil {
			return ObjectChange{}, fmt.Errorf("part %s: %w", ObjectPart, err)
		}
	}
	if c.Name == nil && fileName != "" {
		c.Name = &fileName
	}
	if c.Type == nil {
		c.Type = &b.ContentType
	}
	c.Fragments = c.Fragments.Without(nulls(c.Fragments)...).Merge(b.Fragments())
	return c, nil
}
