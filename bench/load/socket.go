package load

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

// socket is one UDP socket that is all devices' at once: it is bound to no
// address, and each datagram says which of this machine's it leaves from.
// It is used by one goroutine, but for sendOne.
type socket struct {
	fd      int
	target  unix.RawSockaddrInet4
	in, out lane
	buffers [batch][largest]byte
}

func openSocket(target netip.AddrPort) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("load: opening a socket: %w", err)
	}
	s := &socket{fd: fd, target: unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: target.Addr().As4()}}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.target.Port))[:], target.Port())
	err = errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1), unix.Bind(fd, &unix.SockaddrInet4{}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load: preparing a socket: %w", err), unix.Close(fd))
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

func (s *socket) wire() {
	for i := range batch {
		in, out := &s.in.headers[i].header, &s.out.headers[i].header
		in.Iov, out.Iov = &s.in.vectors[i], &s.out.vectors[i]
		in.SetIovlen(1)
		out.SetIovlen(1)
		s.in.vectors[i].Base = &s.buffers[i][0]
		s.in.vectors[i].SetLen(largest)
		in.Control = (*byte)(unsafe.Pointer(&s.in.controls[i]))
		out.Name, out.Namelen = (*byte)(unsafe.Pointer(&s.target)), unix.SizeofSockaddrInet4
		c := &s.out.controls[i]
		c.header.Level, c.header.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	}
}

func (s *socket) close() error { return unix.Close(s.fd) }

// send sends all. What the kernel has no room for, or has no way for, is lost
// as it would be on a network: it is repeated in time.
func (s *socket) send(list []datagram) error {
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
			return fmt.Errorf("load: sending: %w", err)
		}
	}
	return nil
}

// sendOne sends one datagram, by any goroutine. One that cannot be sent is lost.
func (s *socket) sendOne(from source, payload []byte) {
	info := unix.Inet4Pktinfo{}
	binary.BigEndian.PutUint32(info.Spec_dst[:], uint32(from))
	port := (*[2]byte)(unsafe.Pointer(&s.target.Port))
	to := &unix.SockaddrInet4{Port: int(binary.BigEndian.Uint16(port[:])), Addr: s.target.Addr}
	_, _ = unix.SendmsgN(s.fd, payload, unix.PktInfo4(&info), to, unix.MSG_DONTWAIT)
}

func (s *socket) prepare(i int, d datagram) {
	h := &s.out.headers[i].header
	s.out.vectors[i].Base = unsafe.SliceData(d.payload)
	s.out.vectors[i].SetLen(len(d.payload))
	h.Control = nil
	h.SetControllen(0)
	if d.from != 0 {
		binary.BigEndian.PutUint32(s.out.controls[i].info.Spec_dst[:], uint32(d.from))
		h.Control = (*byte)(unsafe.Pointer(&s.out.controls[i]))
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
}

// receive calls f for what has come, and waits for it where nothing has. f
// must not keep the payload.
func (s *socket) receive(wait time.Duration, f func(to source, payload []byte)) error {
	n, err := s.read()
	if n == 0 && err == nil && wait > 0 {
		timeout := unix.NsecToTimespec(wait.Nanoseconds())
		poll := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		if _, err := unix.Ppoll(poll, &timeout, nil); err != nil && err != unix.EINTR {
			return fmt.Errorf("load: waiting for answers: %w", err)
		}
		n, err = s.read()
	}
	if err != nil {
		return err
	}
	for i := range n {
		h := &s.in.headers[i]
		f(s.in.destination(i), s.buffers[i][:h.n])
	}
	return nil
}

// read is what has come, without waiting.
func (s *socket) read() (int, error) {
	for i := range s.in.headers {
		s.in.headers[i].header.SetControllen(int(unsafe.Sizeof(control{})))
	}
	n, err := transfer(unix.SYS_RECVMMSG, s.fd, &s.in, batch)
	switch err {
	case 0:
		return n, nil
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED:
		return 0, nil
	}
	return 0, fmt.Errorf("load: receiving: %w", err)
}

// destination is the address that a datagram was sent to, 0 where unknown.
func (l *lane) destination(i int) source {
	c := &l.controls[i]
	if l.headers[i].header.Controllen == 0 || c.header.Level != unix.IPPROTO_IP || c.header.Type != unix.IP_PKTINFO {
		return 0
	}
	return source(binary.BigEndian.Uint32(c.info.Addr[:]))
}

// transfer is sendmmsg or recvmmsg, which never block here.
func transfer(number uintptr, fd int, l *lane, n int) (int, unix.Errno) {
	done, _, err := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&l.headers[0])), uintptr(n), 0, 0, 0)
	return int(done), err
}
