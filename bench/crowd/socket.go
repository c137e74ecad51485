// Package crowd is one UDP socket that is that of very many devices at once:
// each has an address of its own in 127.0.0.0/8, and any of them speaks to any of
// a few servers. What the kernel has no room for is lost, as on a network.
//
// The servers must be on this machine for that; one elsewhere is reached from
// source 0, which is this machine's address.
package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch       = 64   // datagrams per call of the kernel
	largest     = 1500 // bytes of a datagram that is received whole
	socketSpace = 16 << 20
)

// mmsghdr is the kernel's struct mmsghdr; Go pads it as C does.
type mmsghdr struct {
	header unix.Msghdr
	n      uint32
}

// control is an IP_PKTINFO as a control message: on the way out the address to
// send from, on the way in the one that was sent to.
type control struct {
	header unix.Cmsghdr
	info   unix.Inet4Pktinfo
	_      [4]byte // CMSG_SPACE rounds up to 8
}

// lane is the buffers of one direction, wired together once.
type lane struct {
	headers  [batch]mmsghdr
	vectors  [batch]unix.Iovec
	controls [batch]control
}

// Source is the IPv4 address that a device sends from; 0 leaves it to the kernel.
type Source uint32

// Server is the place of a server among those that Open was given.
type Server uint8

// Stranger is whoever sends and is none of the servers.
const Stranger Server = 255

// Datagram is what a device sends.
type Datagram struct {
	From    Source
	To      Server
	Payload []byte // kept until it is sent
}

// Socket is bound to no address: each datagram says which of this machine's it
// leaves from. It is used by one goroutine, but for SendOne.
type Socket struct {
	fd      int
	servers []unix.RawSockaddrInet4
	in, out lane
	peers   [batch]unix.RawSockaddrInet4 // whom what came in is from
	buffers [batch][largest]byte
}

// ErrServers is returned for none, too many, or such that are not IPv4.
var ErrServers = errors.New("crowd: servers must be 1 to 254 IPv4 addresses with a port")

// Open opens a socket to some servers. Close gives it back.
func Open(servers []netip.AddrPort) (*Socket, error) {
	if len(servers) == 0 || len(servers) >= int(Stranger) {
		return nil, fmt.Errorf("%w: there are %d", ErrServers, len(servers))
	}
	s := &Socket{servers: make([]unix.RawSockaddrInet4, len(servers))}
	for i, server := range servers {
		if !server.Addr().Unmap().Is4() || server.Port() == 0 {
			return nil, fmt.Errorf("%w: %v", ErrServers, server)
		}
		to := &s.servers[i]
		*to = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: server.Addr().Unmap().As4()}
		binary.BigEndian.PutUint16(portOf(to), server.Port())
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("crowd: opening a socket: %w", err)
	}
	s.fd = fd
	err = errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1), unix.Bind(fd, &unix.SockaddrInet4{}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("crowd: preparing a socket: %w", err), unix.Close(fd))
	}
	for _, option := range []int{unix.SO_RCVBUFFORCE, unix.SO_SNDBUFFORCE} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketSpace) != nil {
			plain := map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF}[option]
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, socketSpace) // less shows as loss
		}
	}
	s.wire()
	return s, nil
}

// portOf is the port, which lies in network order.
func portOf(a *unix.RawSockaddrInet4) []byte { return (*[2]byte)(unsafe.Pointer(&a.Port))[:] }

func (s *Socket) wire() {
	for i := range batch {
		in, out := &s.in.headers[i].header, &s.out.headers[i].header
		in.Iov, out.Iov = &s.in.vectors[i], &s.out.vectors[i]
		in.SetIovlen(1)
		out.SetIovlen(1)
		s.in.vectors[i].Base = &s.buffers[i][0]
		s.in.vectors[i].SetLen(largest)
		in.Control = (*byte)(unsafe.Pointer(&s.in.controls[i]))
		in.Name, out.Namelen = (*byte)(unsafe.Pointer(&s.peers[i])), unix.SizeofSockaddrInet4
		c := &s.out.controls[i]
		c.header.Level, c.header.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	}
}

// Close gives the socket back.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// Send sends all. What the kernel has no room for, or has no way for, is lost
// as it would be on a network: it is repeated in time.
func (s *Socket) Send(list []Datagram) error {
	for len(list) > 0 {
		n := min(len(list), batch)
		for i, d := range list[:n] {
			s.prepare(i, d)
		}
		done, err := transfer(unix.SYS_SENDMMSG, s.fd, &s.out, n)
		switch err {
		case 0:
			list = list[done:]
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS, unix.ECONNREFUSED, unix.EPERM, unix.ENETUNREACH, unix.EHOSTUNREACH:
			list = list[1:]
		default:
			return fmt.Errorf("crowd: sending: %w", err)
		}
	}
	return nil
}

// SendOne sends one datagram, by any goroutine. One that cannot be sent is lost.
func (s *Socket) SendOne(d Datagram) {
	info := unix.Inet4Pktinfo{}
	binary.BigEndian.PutUint32(info.Spec_dst[:], uint32(d.From))
	server := s.servers[d.To]
	to := &unix.SockaddrInet4{Port: int(binary.BigEndian.Uint16(portOf(&server))), Addr: server.Addr}
	_, _ = unix.SendmsgN(s.fd, d.Payload, unix.PktInfo4(&info), to, unix.MSG_DONTWAIT)
}

func (s *Socket) prepare(i int, d Datagram) {
	h := &s.out.headers[i].header
	h.Name = (*byte)(unsafe.Pointer(&s.servers[d.To]))
	s.out.vectors[i].Base = unsafe.SliceData(d.Payload)
	s.out.vectors[i].SetLen(len(d.Payload))
	h.Control = nil
	h.SetControllen(0)
	if d.From != 0 {
		binary.BigEndian.PutUint32(s.out.controls[i].info.Spec_dst[:], uint32(d.From))
		h.Control = (*byte)(unsafe.Pointer(&s.out.controls[i]))
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
}

// Receive calls f for what has come, and waits for it where nothing has. f
// must not keep the payload.
func (s *Socket) Receive(wait time.Duration, f func(from Server, to Source, payload []byte)) error {
	n, err := s.read()
	if n == 0 && err == nil && wait > 0 {
		timeout := unix.NsecToTimespec(wait.Nanoseconds())
		poll := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		if _, err := unix.Ppoll(poll, &timeout, nil); err != nil && err != unix.EINTR {
			return fmt.Errorf("crowd: waiting for answers: %w", err)
		}
		n, err = s.read()
	}
	if err != nil {
		return err
	}
	for i := range n {
		h := &s.in.headers[i]
		f(s.from(i), s.in.destination(i), s.buffers[i][:h.n])
	}
	return nil
}

// from is the server that sent what lies at a place.
func (s *Socket) from(i int) Server {
	peer := &s.peers[i]
	for at := range s.servers {
		if server := &s.servers[at]; server.Addr == peer.Addr && server.Port == peer.Port {
			return Server(at)
		}
	}
	return Stranger
}

// read is what has come, without waiting.
func (s *Socket) read() (int, error) {
	for i := range s.in.headers {
		h := &s.in.headers[i].header
		h.SetControllen(int(unsafe.Sizeof(control{})))
		h.Namelen = unix.SizeofSockaddrInet4
	}
	n, err := transfer(unix.SYS_RECVMMSG, s.fd, &s.in, batch)
	switch err {
	case 0:
		return n, nil
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED:
		return 0, nil
	}
	return 0, fmt.Errorf("crowd: receiving: %w", err)
}

// destination is the address that a datagram was sent to, 0 where unknown.
func (l *lane) destination(i int) Source {
	c := &l.controls[i]
	if l.headers[i].header.Controllen == 0 || c.header.Level != unix.IPPROTO_IP || c.header.Type != unix.IP_PKTINFO {
		return 0
	}
	return Source(binary.BigEndian.Uint32(c.info.Addr[:]))
}

// transfer is sendmmsg or recvmmsg, which never block here.
func transfer(number uintptr, fd int, l *lane, n int) (int, unix.Errno) {
	done, _, err := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&l.headers[0])), uintptr(n), 0, 0, 0)
	return int(done), err
}
