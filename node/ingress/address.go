package ingress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// binding is one address of Options with the decision about its families.
type binding struct {
	text     string // as given
	listener uint8
	addr     netip.AddrPort
	wildcard bool // IP_PKTINFO is needed to know which address was asked
	anyIP    bool // no host was given: IPv4 will do where there is no IPv6
	network  string
}

// parseBindings resolves the addresses and decides which wildcards take IPv4
// in: "udp4" is IPv4 alone, "udp6" IPv6 alone, "udp" both in one socket.
func parseBindings(plain, secure []string) ([]binding, error) {
	if len(plain)+len(secure) == 0 || len(plain) > MaxListeners || len(secure) > MaxListeners {
		return nil, fmt.Errorf("ingress: %d addresses and %d of DTLS, want 1 to %d", len(plain), len(secure), MaxListeners)
	}
	addresses := append(slices.Clone(plain), secure...)
	bindings := make([]binding, len(addresses))
	for i, text := range addresses {
		b, err := parseBinding(text)
		if err != nil {
			return nil, fmt.Errorf("ingress: reading the address %q: %w", text, err)
		}
		if b.listener = uint8(i); i >= len(plain) {
			b.listener = uint8(SecureListener + i - len(plain))
		}
		bindings[i] = b
	}
	for i := range bindings {
		if b := &bindings[i]; b.network == "udp" && hasIPv4(bindings, b.addr.Port()) {
			b.network = "udp6"
		}
	}
	return bindings, nil
}

func parseBinding(text string) (binding, error) {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return binding{}, err
	}
	resolved, err := net.ResolveUDPAddr("udp", text)
	if err != nil {
		return binding{}, err
	}
	if resolved.IP == nil {
		resolved.IP = net.IPv6zero
	}
	addr := resolved.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if addr.Addr().IsMulticast() {
		return binding{}, errors.New("a multicast address cannot answer")
	}
	b := binding{text: text, addr: addr, wildcard: addr.Addr().IsUnspecified(), anyIP: host == ""}
	b.network = "udp6"
	switch {
	case addr.Addr().Is4():
		b.network = "udp4"
	case b.wildcard:
		b.network = "udp"
	}
	return b, nil
}

// hasIPv4 says whether an IPv4 socket of the same fixed port is asked for: a
// socket for both families beside it could not be bound.
func hasIPv4(bindings []binding, port uint16) bool {
	for _, b := range bindings {
		if b.network == "udp4" && b.addr.Port() == port && port != 0 {
			return true
		}
	}
	return false
}
