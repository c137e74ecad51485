package nodes

import (
	"fmt"
	"net"
	"net/netip"
)

// PortsOfNode are the ports that a node of a cluster takes from its address on.
const PortsOfNode = 3

// addresses are addresses of the loopback with PortsOfNode free ports each.
// Somebody else could take one before the node does, which then does not start.
func addresses(n int) (list []netip.AddrPort, err error) {
	const attempts = 1000
	for range attempts {
		if len(list) == n {
			return list, nil
		}
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("nodes: looking for free ports: %w", err)
		}
		defer l.Close() // at the end: each has another
		port := l.Addr().(*net.TCPAddr).Port
		if free(port+1) && free(port+2) && port+PortsOfNode < 1<<16 && apart(list, port) {
			list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)))
		}
	}
	return nil, fmt.Errorf("nodes: there are no %d times %d free ports in a row", n, PortsOfNode)
}

func apart(list []netip.AddrPort, port int) bool {
	for _, a := range list {
		if d := int(a.Port()) - port; d < PortsOfNode && d > -PortsOfNode {
			return false
		}
	}
	return true
}

func free(port int) bool {
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	u, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		u.Close()
	}
	return l.Close() == nil && err == nil
}
