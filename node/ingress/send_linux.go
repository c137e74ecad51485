package ingress

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendPatience is the longest that one Send waits for full sockets, all
// together. A CoAP message that is lost is repeated; a run loop that stands
// still delays every device of its shards.
const sendPatience = 5 * time.Millisecond

// sender is the scratch of one call of Send.
type sender struct {
	messages
	from, to int // messages not yet given to the kernel

	patience int // milliseconds of waiting left, set for each call of Sockets.Send
	refused  int // pending errors met in a row

	transmit func(fd uintptr, hdrs []mmsghdr) (int, unix.Errno) // sendmmsg, or a test's
	wait     func(fd uintptr, milliseconds int)                 // poll, or a test's
	attempt  func(fd uintptr)                                   // made once: a closure per send would be garbage
	n        int
	errno    unix.Errno
	full     bool
}

func newSender(batch int) *sender {
	s := &sender{messages: newMessages(batch), transmit: sendmmsg, wait: waitWritable}
	s.attempt = s.try
	return s
}

// send sends those of out that are for sock and returns how many those were.
func (s *sender) send(sock *socket, out []Out) (routed int, err error) {
	for i := range out {
		if out[i].Path.Listener != sock.index {
			continue
		}
		routed++
		if !s.put(sock, &out[i]) {
			sock.counters.unroutable.Add(1)
			continue
		}
		if s.to == len(s.hdrs) {
			if err := s.flush(sock); err != nil {
				return routed, err
			}
		}
	}
	return routed, s.flush(sock)
}

// put adds one datagram to the batch; false where the socket cannot reach it.
func (s *sender) put(sock *socket, o *Out) bool {
	length := s.names[s.to].put(o.Path.Peer, sock.family)
	if length == 0 {
		return false
	}
	h := &s.hdrs[s.to].hdr
	h.Namelen = length
	h.Control = nil
	used := 0
	if sock.wildcard {
		control := s.controlOf(s.to)
		if used = putControl(control, o.Path.Local, sock.family); used > 0 {
			h.Control = &control[0]
		}
	}
	h.SetControllen(used)
	s.iovs[s.to].Base = unsafe.SliceData(o.Payload)
	s.iovs[s.to].SetLen(len(o.Payload))
	s.to++
	return true
}

// flush gives the batch to the kernel. It forgets the payloads afterwards.
func (s *sender) flush(sock *socket) (err error) {
	batch := s.to
	for s.from < s.to && err == nil {
		if sock.raw.Control(s.attempt) != nil {
			err = ErrClosed
			break
		}
		s.settle(&sock.counters)
	}
	for i := range batch {
		s.iovs[i].Base = nil
	}
	s.from, s.to, s.refused = 0, 0, 0
	return err
}

// try is one system call, and where the socket is full a wait and another one.
func (s *sender) try(fd uintptr) {
	s.full = false
	s.n, s.errno = s.transmit(fd, s.hdrs[s.from:s.to])
	if s.errno != unix.EAGAIN || s.patience == 0 {
		return
	}
	s.full = true
	s.wait(fd, s.patience)
	s.patience-- // a poll that returns at once must not be repeated for ever
	s.n, s.errno = s.transmit(fd, s.hdrs[s.from:s.to])
	if s.errno == unix.EAGAIN {
		s.patience = 0
	}
}

// settle takes account of one attempt. The kernel stops at the first message
// that it refuses and tells why only when that one is the first of a call.
func (s *sender) settle(c *counters) {
	if s.full {
		c.sendWaits.Add(1)
	}
	switch s.errno {
	case 0:
		s.sent(c)
	case unix.EINTR:
	case unix.EAGAIN:
		c.sendDropped.Add(uint64(s.to - s.from))
		s.from = s.to
	case unix.ENOBUFS, unix.ENOMEM:
		c.sendDropped.Add(1)
		s.from++
	case unix.ECONNREFUSED:
		// Left by an ICMP message about an earlier datagram: this one was not
		// looked at. Twice in a row it is a peer's quarrel after all.
		if s.refused++; s.refused < 2 {
			return
		}
		fallthrough
	default:
		c.sendFailed.Add(1)
		s.from++
	}
	s.refused = 0
}

func (s *sender) sent(c *counters) {
	var bytes uint64
	for i := range s.n {
		bytes += uint64(s.iovs[s.from+i].Len)
	}
	s.from += s.n
	c.sent.Add(uint64(s.n))
	c.sentBytes.Add(bytes)
	c.sendBatches.Add(1)
}

func sendmmsg(fd uintptr, hdrs []mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd,
		uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// waitWritable holds its thread, not the poller of the socket: two senders
// with a deadline each could not share that one.
func waitWritable(fd uintptr, milliseconds int) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, milliseconds)
}
