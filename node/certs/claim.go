package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrName is wrapped where a certificate is not one of the node; the text is a
// sentence for people.
var ErrName = errors.New("certs: not the node's certificate")

// MayBe says whether a certificate may speak as the node of that name: it must be
// the subject's common name or one of the DNS names, letter by letter. A wildcard
// names nobody, nor does an address.
func MayBe(c *x509.Certificate, node string) error {
	names := names(c)
	switch {
	case slices.Contains(names, node):
		return nil
	case len(names) == 0:
		return fmt.Errorf("%w: it names nobody, and must name %q as common name or DNS name", ErrName, node)
	}
	return fmt.Errorf("%w: it names %q, and not %q", ErrName, strings.Join(names, ", "), node)
}

// names are the common name and the DNS names, each once.
func names(c *x509.Certificate) (list []string) {
	for _, name := range append([]string{c.Subject.CommonName}, c.DNSNames...) {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
