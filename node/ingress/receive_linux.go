package ingress

import (
	"errors"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"dormouse/codec/wire"
)

// A reader that fails again and again waits this long between attempts, so
// that it neither stops nor spins: the first failure costs nothing.
const (
	firstPause = time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// reader moves datagrams from one socket to receive. It is owned by one goroutine.
type reader struct {
	sock    *socket
	events  Events
	closing <-chan struct{}
	local   netip.Addr // of a socket bound to one address; else told with each datagram

	messages
	in []In

	recv    func(fd uintptr, hdrs []mmsghdr) (int, unix.Errno) // recvmmsg, or a test's
	attempt func(fd uintptr) bool                              // made once: a closure per read would be garbage
	n       int                                                // what attempt brought
	errno   unix.Errno
}

func newReader(sock *socket, o Options, closing <-chan struct{}) *reader {
	r := &reader{
		sock: sock, events: o.Events, closing: closing,
		messages: newMessages(o.Batch), in: make([]In, o.Batch), recv: recvmmsg,
	}
	if !sock.wildcard {
		r.local = sock.address.Addr().WithZone("")
	}
	buffers := make([]byte, o.Batch*o.MaxDatagram)
	for i := range r.hdrs {
		r.in[i].Payload = buffers[i*o.MaxDatagram : (i+1)*o.MaxDatagram : (i+1)*o.MaxDatagram]
		r.iovs[i].Base = &r.in[i].Payload[0]
		r.iovs[i].SetLen(o.MaxDatagram)
		r.rearm(i)
	}
	r.attempt = r.tryRead
	return r
}

// rearm restores what the kernel overwrote in a message header.
func (r *reader) rearm(i int) {
	h := &r.hdrs[i].hdr
	h.Namelen = unix.SizeofSockaddrInet6
	h.Control = &r.controlOf(i)[0]
	h.SetControllen(controlSpace)
	h.Flags = 0
}

// run reads until the socket is closed.
func (r *reader) run(receive func([]In)) {
	failures := 0
	for {
		if err := r.sock.raw.Read(r.attempt); err != nil && r.closed(err) {
			return
		}
		if r.errno != 0 {
			failures++
			r.failed(failures)
			continue
		}
		failures = 0
		receive(r.take())
		for i := range r.n {
			r.rearm(i)
		}
	}
}

func (r *reader) closed(err error) bool {
	select {
	case <-r.closing:
		return true
	default:
		return errors.Is(err, net.ErrClosed)
	}
}

// tryRead is false where there is nothing to read: the poller then waits.
func (r *reader) tryRead(fd uintptr) bool {
	for {
		r.n, r.errno = r.recv(fd, r.hdrs)
		switch r.errno {
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			return true
		}
	}
}

// failed counts an error. Those that an ICMP message left on the socket
// (ECONNREFUSED, EHOSTUNREACH...) say nothing about the next datagram.
func (r *reader) failed(failures int) {
	r.sock.counters.readErrors.Add(1)
	if r.events.ReadFailed != nil {
		r.events.ReadFailed(ReadFailed{Address: r.sock.address, Err: r.errno})
	}
	if failures == 1 {
		return
	}
	pause := time.NewTimer(min(firstPause<<min(failures-2, 10), lastPause))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-r.closing:
	}
}

// take makes the batch that was read into Ins. They alias the reader.
func (r *reader) take() []In {
	var bytes, truncated uint64
	var drops uint32
	for i := range r.n {
		m, in := &r.hdrs[i], &r.in[i]
		local, d := parseControl(r.controlOf(i)[:m.hdr.Controllen])
		if !r.sock.wildcard {
			local = r.local
		}
		if d != 0 {
			drops = d
		}
		in.Path = wire.ReturnPath{Peer: r.names[i].parse(), Local: local, Listener: r.sock.index}
		in.Truncated = m.hdr.Flags&unix.MSG_TRUNC != 0
		in.Payload = in.Payload[:m.n]
		bytes += uint64(m.n)
		if in.Truncated {
			truncated++
		}
	}
	c := &r.sock.counters
	c.received.Add(uint64(r.n))
	c.receivedBytes.Add(bytes)
	c.readBatches.Add(1)
	if truncated > 0 {
		c.truncated.Add(truncated)
	}
	if drops != 0 {
		r.dropped(drops)
	}
	return r.in[:r.n]
}

// dropped takes the kernel's running count, which wraps, and of which several
// readers of a socket may hear out of order.
func (r *reader) dropped(count uint32) {
	for {
		last := r.sock.drops.Load()
		fresh := int32(count - last)
		if fresh <= 0 {
			return
		}
		if !r.sock.drops.CompareAndSwap(last, count) {
			continue
		}
		r.sock.counters.kernelDrops.Add(uint64(fresh))
		if r.events.KernelDrops != nil {
			r.events.KernelDrops(KernelDrops{Address: r.sock.address, New: uint64(fresh)})
		}
		return
	}
}

func recvmmsg(fd uintptr, hdrs []mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd,
		uintptr(unsafe.Pointer(&hdrs[0])), uintptr(len(hdrs)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}
