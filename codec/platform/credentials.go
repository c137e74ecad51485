package platform

import (
	"encoding/hex"
	"fmt"
	"time"

	"dormouse/codec/query"
)

// Bounds of credentials, in bytes. Every client must manage identities of 128
// and keys of 64 (RFC 4279, section 5.3); ours are the larger bounds.
const (
	MaxIdentity = 512
	MaxKey      = 256
)

// Credentials are what is shown of an endpoint's pre-shared key: never the key.
type Credentials struct {
	Endpoint string // name
	Identity string // bytes that are no UTF-8 are shown as U+FFFD
	Updated  time.Time
}

// CredentialsPath is where the credentials of endpoints are found.
const CredentialsPath = "/service/lwm2m-agent/credentials"

// CredentialsAddress is where those of one endpoint are.
func CredentialsAddress(endpoint string) string {
	return CredentialsPath + "/" + segment(endpoint)
}

const (
	endpointName = "endpointId"
	identityName = "lwm2mPskId"
	keyName      = "lwm2mPskKey"
)

// AppendCredentials appends {"endpointId","lwm2mPskId","lastUpdated"}.
func AppendCredentials(dst []byte, c *Credentials) []byte {
	o := newObject(dst)
	o.text(endpointName, c.Endpoint)
	o.text(identityName, c.Identity)
	o.time("lastUpdated", c.Updated)
	return o.close()
}

// ParseCredentials reads what AppendCredentials wrote, as a client does.
func ParseCredentials(body []byte) (Credentials, error) {
	f, err := ParseFragments(body)
	if err != nil {
		return Credentials{}, err
	}
	r := reader{fragments: f}
	c := Credentials{r.text(endpointName), r.text(identityName), r.time("lastUpdated")}
	if r.err != nil {
		return Credentials{}, r.err
	}
	return c, nil
}

// NewCredentials are those that an endpoint is to have.
type NewCredentials struct {
	Endpoint string // as the parameter ep of a Register: 1 to query.MaxEndpoint bytes of UTF-8
	Identity string // 1 to MaxIdentity bytes of UTF-8
	Key      []byte // 1 to MaxKey bytes
}

// ParseNewCredentials reads the body of a POST, or that of a PUT to the address
// of an endpoint, which the body need not name again. Other members are passed
// over. Errors name the member that is wrong, and never quote the key.
func ParseNewCredentials(body []byte, endpoint string) (NewCredentials, error) {
	f, err := ParseFragments(body)
	if err != nil {
		return NewCredentials{}, err
	}
	r := reader{fragments: f}
	n := NewCredentials{Endpoint: r.text(endpointName), Identity: r.text(identityName)}
	key := r.text(keyName)
	switch {
	case r.err != nil:
		return NewCredentials{}, r.err
	case endpoint != "" && n.Endpoint == "":
		n.Endpoint = endpoint
	case endpoint != "" && n.Endpoint != endpoint:
		return NewCredentials{}, fmt.Errorf("%w: %s %q is not that of the address, %q", ErrShape, endpointName, n.Endpoint, endpoint)
	}
	n.Key, err = ParseKey(key)
	if err := firstOf(bounded(endpointName, n.Endpoint, query.MaxEndpoint), bounded(identityName, n.Identity, MaxIdentity), err); err != nil {
		return NewCredentials{}, err
	}
	return n, nil
}

func firstOf(faults ...error) error {
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

func bounded(name, text string, most int) error {
	if text == "" || len(text) > most {
		return fmt.Errorf("%w: %s has %d bytes, want 1 to %d", ErrShape, name, len(text), most)
	}
	return nil
}

// ParseKey reads a pre-shared key of 1 to MaxKey bytes in hex digits of either
// case. ErrShape says what is wrong, and nothing of the key.
func ParseKey(digits string) ([]byte, error) {
	if len(digits) == 0 || len(digits) > 2*MaxKey || len(digits)%2 != 0 {
		return nil, fmt.Errorf("%w: %s has %d hex digits, want an even number from 2 to %d", ErrShape, keyName, len(digits), 2*MaxKey)
	}
	key, err := hex.DecodeString(digits)
	if err != nil { // whose text quotes a digit
		return nil, fmt.Errorf("%w: %s has characters that are no hex digits", ErrShape, keyName)
	}
	return key, nil
}

// Append appends the body of a POST.
func (n NewCredentials) Append(dst []byte) []byte {
	o := newObject(dst)
	o.text(endpointName, n.Endpoint)
	o.text(identityName, n.Identity)
	o.text(keyName, hex.EncodeToString(n.Key))
	return o.close()
}
