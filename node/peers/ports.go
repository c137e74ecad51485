package peers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
)

// Ports that are chosen lie below those that Linux gives to connections
// (net.ipv4.ip_local_port_range), so that no connection takes one before it is
// listened on, and nodes that choose at the same time share all of them or none.
const (
	chosenFrom  = 10000
	chosenTo    = 32000
	chosenApart = actorPort + 2
	choices     = 200
)

// choosePorts fills in what the addresses leave open.
func (p *Peers) choosePorts() error {
	if p.o.Bind.Port() == 0 {
		port, err := freePorts(p.o.Bind.Addr())
		if err != nil {
			return err
		}
		p.o.Bind = netip.AddrPortFrom(p.o.Bind.Addr(), port)
	}
	switch {
	case p.o.Bind.Port() > 1<<16-1-actorPort:
		return fmt.Errorf("peers: %s: there are no %d ports behind it", p.o.Bind, actorPort)
	case !p.o.Advertise.IsValid():
		p.o.Advertise = p.o.Bind
	case p.o.Advertise.Port() == 0:
		p.o.Advertise = netip.AddrPortFrom(p.o.Advertise.Addr(), p.o.Bind.Port())
	}
	return nil
}

// freePorts is the first of as many free ports in a row as a node needs.
func freePorts(host netip.Addr) (uint16, error) {
	var last error
	for range choices {
		first := uint16(chosenFrom + chosenApart*rand.N((chosenTo-chosenFrom)/chosenApart))
		last = nil
		for port := first; port <= first+actorPort && last == nil; port++ {
			last = tryPort(netip.AddrPortFrom(host, port).String())
		}
		if last == nil {
			return first, nil
		}
	}
	return 0, fmt.Errorf("peers: look for free ports at %s: %w", host, last)
}

// tryPort binds an address, TCP and UDP, and gives it back.
func tryPort(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	u, err := net.ListenPacket("udp", address)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(l.Close(), u.Close())
}
