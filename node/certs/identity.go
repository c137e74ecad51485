package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"dormouse/cluster/stream"
)

// Identity is a node's certificate with its key, and the CA that it knows peers
// by, as they were read last. It may be used concurrently.
type Identity struct {
	certificate, key, ca string // paths
	now                  atomic.Pointer[stream.Credentials]
	node                 atomic.Pointer[string] // that it must name; nil: any
}

// LoadIdentity reads an identity from three files of PEM. The CA's may hold
// several certificates: each of them is trusted, which is how a CA is replaced. A
// certificate that a peer with the same CA would not take, be it expired, is an
// error.
func LoadIdentity(certificate, key, ca string) (*Identity, error) {
	i := &Identity{certificate: certificate, key: key, ca: ca}
	if err := i.Reload(); err != nil {
		return nil, err
	}
	return i, nil
}

// Reload reads the files again. Where that fails, what was read before stays.
func (i *Identity) Reload() error {
	c, err := i.read()
	if err != nil {
		return err
	}
	if err := i.check(c); err != nil {
		return err
	}
	i.now.Store(c)
	return nil
}

// Bind holds the certificate to the name of the node, now and whenever it is read
// anew: peers would refuse it.
func (i *Identity) Bind(node string) error {
	i.node.Store(&node)
	return i.check(i.now.Load())
}

func (i *Identity) check(c *stream.Credentials) error {
	node := i.node.Load()
	if node == nil {
		return nil
	}
	if err := MayBe(c.Certificate.Leaf, *node); err != nil {
		return fmt.Errorf("%w: reading the certificate %s: issue one with --name %s, or name the node as it says by --node", err, i.certificate, *node)
	}
	return nil
}

// Credentials are those in force: a stream.Identity.
func (i *Identity) Credentials() stream.Credentials { return *i.now.Load() }

// Until is when the certificate in force expires.
func (i *Identity) Until() time.Time { return i.now.Load().Certificate.Leaf.NotAfter }

func (i *Identity) read() (*stream.Credentials, error) {
	certificate, err := os.ReadFile(i.certificate)
	if err != nil {
		return nil, fmt.Errorf("certs: reading the certificate: %w", err)
	}
	key, err := readSecret(i.key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s with the key %s: %w", ErrFile, i.certificate, i.key, err)
	}
	ca, err := os.ReadFile(i.ca)
	if err != nil {
		return nil, fmt.Errorf("certs: reading the CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%w: no certificate in %s", ErrFile, i.ca)
	}
	c := &stream.Credentials{Certificate: &pair, Roots: roots}
	if err := c.Verify(time.Now()); err != nil {
		return nil, fmt.Errorf("%w: %s under the CA %s: %w", ErrFile, i.certificate, i.ca, err)
	}
	return c, nil
}
