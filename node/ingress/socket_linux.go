package ingress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// open binds one socket. Its options are set before it is bound, so that the
// first datagram already tells which address it asked.
func open(index uint8, b binding, o Options) (*socket, error) {
	sock, err := bind(index, b, o)
	if b.anyIP && b.network != "udp4" && lacksIPv6(err) {
		b.network, b.addr = "udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), b.addr.Port())
		sock, err = bind(index, b, o)
	}
	if err != nil {
		return nil, fmt.Errorf("ingress: listening on %q: %w", b.text, err)
	}
	return sock, nil
}

func lacksIPv6(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
}

func bind(index uint8, b binding, o Options) (*socket, error) {
	granted := 0
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { granted, failed = configure(int(fd), b, o) })
		return errors.Join(err, failed)
	}}
	conn, err := config.ListenPacket(context.Background(), b.network, b.addr.String())
	if err != nil {
		return nil, err
	}
	udp := conn.(*net.UDPConn)
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	sock := &socket{
		index: index, conn: udp, raw: raw, wildcard: b.wildcard,
		family: map[string]family{"udp4": ipv4Only, "udp6": ipv6Only, "udp": bothIP}[b.network],
	}
	bound := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	sock.address = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	if granted < o.ReadBuffer && o.Events.BufferShort != nil {
		o.Events.BufferShort(BufferShort{Address: sock.address, Asked: o.ReadBuffer, Granted: granted})
	}
	return sock, nil
}

// configure sets the socket's options and returns the receive buffer granted.
func configure(fd int, b binding, o Options) (granted int, err error) {
	if b.wildcard && b.network == "udp4" {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	} else if b.wildcard {
		// It tells of IPv4 datagrams too, with mapped addresses.
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	if err != nil {
		return 0, fmt.Errorf("asking for destination addresses: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1); err != nil {
		return 0, fmt.Errorf("asking for the count of drops: %w", err)
	}
	// A smaller write buffer than asked costs waits, which are counted.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, o.WriteBuffer)
	return setReadBuffer(fd, o.ReadBuffer)
}

// setReadBuffer tries the privileged option first: who may, is not bound to
// net.core.rmem_max. The kernel doubles the value for its own bookkeeping and
// answers with the double.
func setReadBuffer(fd, size int) (granted int, err error) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
			return 0, fmt.Errorf("setting the receive buffer: %w", err)
		}
	}
	doubled, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0, fmt.Errorf("checking the receive buffer: %w", err)
	}
	return doubled / 2, nil
}
