package certs

import (
	"crypto/x509"
	"fmt"
	"net/netip"
)

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// validName is what cluster/members takes as the name of a node, too.
func validName(s string, most int) bool {
	if s == "" || len(s) > most || !alphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// addHosts puts names and addresses into a certificate.
func addHosts(c *x509.Certificate, hosts []string) error {
	for _, host := range hosts {
		if addr, err := netip.ParseAddr(host); err == nil {
			c.IPAddresses = append(c.IPAddresses, addr.WithZone("").AsSlice())
			continue
		}
		if !validName(host, 253) {
			return fmt.Errorf("%w: %q is neither the name of a host nor an address", ErrAsked, host)
		}
		c.DNSNames = append(c.DNSNames, host)
	}
	return nil
}
