package endpoint

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"dormouse/codec/wire"
)

// ErrCredentials says that an endpoint has credentials already, or that those
// which a handshake was made with are not its any more.
var ErrCredentials = errors.New("endpoint: credentials")

// Sealer encrypts what must not lie readable on a disk (persistence/seal). data
// binds a sealed text to its place.
type Sealer interface {
	Seal(dst, text, data []byte) []byte
	Open(dst, sealed, data []byte) ([]byte, error)
	// Current reports that the text was sealed under the key that seals now.
	Current(sealed []byte) bool
}

// Credentials are the pre-shared key that a client proves itself with
// (wire.ClassCredentials). An endpoint that has them is not served without.
type Credentials struct {
	Endpoint string // name
	Identity string // of the pre-shared key: not text of necessity
	Key      []byte // sealed where it is stored
	Serial   uint64 // grows with each change: a handshake that began under another one is void
	Changed  time.Time
}

const credentialsVersion = 1

// Append appends the stored form (docs/formats/credentials.md). Key is sealed.
func (c *Credentials) Append(dst []byte) []byte {
	dst = wire.AppendText(wire.AppendText(append(dst, credentialsVersion), c.Endpoint), c.Identity)
	dst = wire.AppendTime(binary.AppendUvarint(dst, c.Serial), c.Changed)
	return append(dst, c.Key...)
}

// ParseCredentials reads what Append wrote. Key, sealed, aliases b.
func ParseCredentials(b []byte) (c Credentials, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	c.Endpoint, c.Identity = f.Text(), f.Text()
	c.Serial, c.Changed = f.Uvarint(), f.Time()
	c.Key = f.Rest()
	if f.Err() != nil || version != credentialsVersion {
		return Credentials{}, ErrRecord
	}
	return c, nil
}

// SealPlace is the additional data of what is sealed in a record: a sealed text
// that is moved to another record does not open.
func SealPlace(class wire.Class, key []byte) []byte {
	return append([]byte{byte(class)}, key...)
}

// Open is the key, by whoever may open it.
func (c *Credentials) Open(s Sealer, key []byte) ([]byte, error) {
	plain, err := s.Open(nil, c.Key, SealPlace(wire.ClassCredentials, key))
	if err != nil {
		return nil, fmt.Errorf("endpoint: open the key of %q: %w", c.Endpoint, err)
	}
	return plain, nil
}

// HasKey reports that key, in the clear, is that of c, whose record is at place
// (wire.EndpointKey). One that does not open is no key at all.
func (c *Credentials) HasKey(s Sealer, place, key []byte) bool {
	plain, err := c.Open(s, place)
	return err == nil && subtle.ConstantTimeCompare(plain, key) == 1
}

// SetCredentials gives the endpoint credentials. That the identity is nobody
// else's is the caller's to see to. A registration over plain CoAP ends, and so
// does a session that was made with others.
type SetCredentials struct {
	Endpoint string // name
	Identity string
	Key      []byte
	// Replace allows other credentials in place of those that there are; without
	// it that is ErrCredentials. The same ones again change nothing.
	Replace bool
	// Until is when the reservation of the identity may end: later the answer is
	// ErrBusy. Zero: never.
	Until time.Time
	// Reply gets the identity that was replaced, "" for none.
	Reply func(before string, err error)
}

// DropCredentials takes them away, and ends session and registration. ErrNotFound
// says that there are none.
type DropCredentials struct {
	// Reply gets the identity that they had.
	Reply func(identity string, err error)
}

func (*SetCredentials) event()  {}
func (*DropCredentials) event() {}
