package ingress

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct mmsghdr; Go pads it as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32 // bytes of this message, set by the kernel
}

// name is room for the address of either family (struct sockaddr_in is 16
// bytes, sockaddr_in6 28), in the kernel's layout:
//
//	sockaddr_in  = family(2, native) port(2) address(4) zero(8)
//	sockaddr_in6 = family(2, native) port(2) flow(4) address(16) scope(4, native)
type name [unix.SizeofSockaddrInet6]byte

// controlSpace is room for one packet info of either family and the count of
// drops; a multiple of 8.
var controlSpace = unix.CmsgSpace(unix.SizeofInet6Pktinfo) + unix.CmsgSpace(4)

// messages are the buffers of one batch of the kernel's: addresses, control
// messages and vectors, wired together once.
type messages struct {
	hdrs    []mmsghdr
	iovs    []unix.Iovec
	names   []name
	control []byte // controlSpace each
}

func newMessages(batch int) messages {
	m := messages{
		hdrs: make([]mmsghdr, batch), iovs: make([]unix.Iovec, batch),
		names: make([]name, batch), control: make([]byte, batch*controlSpace),
	}
	for i := range m.hdrs {
		h := &m.hdrs[i].hdr
		h.Name = &m.names[i][0]
		h.Iov = &m.iovs[i]
		h.SetIovlen(1)
	}
	return m
}

func (m *messages) controlOf(i int) []byte {
	return m.control[i*controlSpace : (i+1)*controlSpace]
}

// parse reads a peer's address. An IPv4-mapped one becomes IPv4; a link-local
// one keeps its interface as a numeric zone. Not valid for any other family.
func (n *name) parse() netip.AddrPort {
	port := binary.BigEndian.Uint16(n[2:])
	switch binary.NativeEndian.Uint16(n[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n[4:8])), port)
	case unix.AF_INET6:
		addr := netip.AddrFrom16([16]byte(n[8:24])).Unmap()
		if scope := binary.NativeEndian.Uint32(n[24:]); scope != 0 && addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}

// put writes a peer's address for a socket of family f and returns its length;
// 0 where the socket cannot reach the peer. Zones must be numeric.
func (n *name) put(peer netip.AddrPort, f family) uint32 {
	addr := peer.Addr()
	binary.BigEndian.PutUint16(n[2:], peer.Port())
	is4 := addr.Is4() || addr.Is4In6()
	if f == ipv4Only {
		if !is4 {
			return 0
		}
		binary.NativeEndian.PutUint16(n[:], unix.AF_INET)
		a := addr.Unmap().As4()
		copy(n[4:8], a[:])
		clear(n[8:16])
		return unix.SizeofSockaddrInet4
	}
	if !addr.IsValid() || is4 && f == ipv6Only {
		return 0
	}
	binary.NativeEndian.PutUint16(n[:], unix.AF_INET6)
	clear(n[4:8])
	a := addr.As16()
	copy(n[8:24], a[:])
	var scope uint64
	if zone := addr.Zone(); zone != "" {
		scope, _ = strconv.ParseUint(zone, 10, 32) // 0 lets the kernel choose, or refuse
	}
	binary.NativeEndian.PutUint32(n[24:], uint32(scope))
	return unix.SizeofSockaddrInet6
}

// parseControl reads what the kernel told beside a datagram: the address that
// was asked, not valid where it is unknown or cannot be answered from, and the
// socket's count of drops, 0 where there were none.
func parseControl(b []byte) (local netip.Addr, drops uint32) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(b) {
			return local, drops
		}
		data := b[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			// interface(4) local address(4) destination(4): the second is the
			// unicast one also where the third is a multicast group.
			local = netip.AddrFrom4([4]byte(data[4:8]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			if a := netip.AddrFrom16([16]byte(data[:16])).Unmap(); !a.IsMulticast() {
				local = a
			}
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			drops = binary.NativeEndian.Uint32(data)
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
	return local, drops
}

// putControl writes the address to send from for a wildcard socket of family f
// and returns the bytes used; 0 where the kernel shall choose.
func putControl(b []byte, local netip.Addr, f family) int {
	if !local.IsValid() || local.IsUnspecified() {
		return 0
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	data := b[unix.CmsgLen(0):]
	if f == ipv4Only {
		if !local.Unmap().Is4() {
			return 0
		}
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		clear(data[:unix.SizeofInet4Pktinfo])
		a := local.Unmap().As4()
		copy(data[4:8], a[:])
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	clear(data[:unix.SizeofInet6Pktinfo])
	a := local.As16()
	copy(data[:16], a[:])
	return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}
