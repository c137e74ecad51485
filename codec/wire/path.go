package wire

import (
	"encoding/binary"
	"net/netip"

	"dormouse/codec/ids"
)

// ReturnPath is the way back to a device: the node that it spoke to, the socket
// that it used, the address that it asked, and its own. Answers leave from the
// address that was asked.
type ReturnPath struct {
	Node     ids.Node // has the socket; 0: this node, which is alone
	Peer     netip.AddrPort
	Local    netip.Addr // destination address of the datagram; invalid where unknown
	Port     uint16     // of Local, where other nodes may answer from it, too; else 0
	Listener uint8      // index of the listening socket
}

// IsZero reports that nothing was heard yet.
func (p ReturnPath) IsZero() bool { return !p.Peer.IsValid() }

// Append appends the path: flags(1: bit 0 peer is IPv6, bit 1 local known, bit 2
// local is IPv6, bit 3 node known, bit 4 local port known), listener(1), peer
// address(4|16), port(2), local address(0|4|16), local port(0|2), node(0|8). An
// IPv4-mapped address is kept as IPv4.
func (p ReturnPath) Append(dst []byte) []byte {
	peer, local := p.Peer.Addr().Unmap(), p.Local.Unmap()
	var flags byte
	if peer.Is6() {
		flags |= 1
	}
	if local.IsValid() {
		flags |= 2
	}
	if local.Is6() {
		flags |= 4
	}
	if p.Node != 0 {
		flags |= 8
	}
	if p.Port != 0 {
		flags |= 16
	}
	dst = append(dst, flags, p.Listener)
	dst = append(dst, peer.AsSlice()...)
	dst = append(dst, byte(p.Peer.Port()>>8), byte(p.Peer.Port()))
	dst = append(dst, local.AsSlice()...)
	if p.Port != 0 {
		dst = append(dst, byte(p.Port>>8), byte(p.Port))
	}
	if p.Node != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(p.Node))
	}
	return dst
}

// ParseReturnPath reads what Append wrote and returns the bytes used.
func ParseReturnPath(b []byte) (p ReturnPath, n int, err error) {
	if len(b) < 2 || b[0] > 31 {
		return p, 0, ErrBatch
	}
	flags := b[0]
	p.Listener, n = b[1], 2
	peer, n, err := parseAddr(b, n, true, flags&1 != 0)
	if err != nil || len(b) < n+2 {
		return ReturnPath{}, 0, ErrBatch
	}
	p.Peer = netip.AddrPortFrom(peer, uint16(b[n])<<8|uint16(b[n+1]))
	p.Local, n, err = parseAddr(b, n+2, flags&2 != 0, flags&4 != 0)
	if err != nil {
		return ReturnPath{}, 0, err
	}
	if flags&16 != 0 {
		if len(b) < n+2 {
			return ReturnPath{}, 0, ErrBatch
		}
		p.Port = uint16(b[n])<<8 | uint16(b[n+1])
		if n += 2; p.Port == 0 {
			return ReturnPath{}, 0, ErrBatch
		}
	}
	if flags&8 != 0 {
		if len(b) < n+8 {
			return ReturnPath{}, 0, ErrBatch
		}
		p.Node = ids.Node(binary.BigEndian.Uint64(b[n:]))
		if n += 8; p.Node == 0 {
			return ReturnPath{}, 0, ErrBatch
		}
	}
	return p, n, nil
}

func parseAddr(b []byte, at int, present, is6 bool) (netip.Addr, int, error) {
	size := 4
	if is6 {
		size = 16
	}
	if !present {
		return netip.Addr{}, at, nil
	}
	if len(b) < at+size {
		return netip.Addr{}, 0, ErrBatch
	}
	a, _ := netip.AddrFromSlice(b[at : at+size])
	return a, at + size, nil
}
