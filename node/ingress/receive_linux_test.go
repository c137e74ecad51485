package ingress

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Errors of every kind, the kernel's answers scripted: the reader goes on.
func TestReaderOutlivesErrors(t *testing.T) {
	var failures []error
	sockets := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, Events: Events{
		ReadFailed: func(f ReadFailed) { failures = append(failures, f.Err) },
	}})
	r := newReader(sockets.sockets[0], sockets.options, sockets.closing)
	script := []unix.Errno{unix.ECONNREFUSED, unix.EINTR, unix.ENOMEM, unix.EHOSTUNREACH, 0}
	r.recv = func(_ uintptr, hdrs []mmsghdr) (int, unix.Errno) {
		errno := script[0]
		if script = script[1:]; errno != 0 {
			return 0, errno
		}
		r.names[0].put(netip.MustParseAddrPort("192.0.2.1:7"), ipv4Only)
		hdrs[0].n, hdrs[0].hdr.Flags = 3, unix.MSG_TRUNC
		hdrs[0].hdr.SetControllen(0)
		return 1, 0
	}
	var got []In
	r.run(func(in []In) {
		got = append(got, in...)
		go sockets.Close() // ends the next read
		<-sockets.closing
		r.recv = recvmmsg
	})
	if len(failures) != 3 || failures[0] != unix.ECONNREFUSED || failures[2] != unix.EHOSTUNREACH {
		t.Errorf("told of %v", failures)
	}
	local := netip.MustParseAddr("127.0.0.1")
	if len(got) != 1 || !got[0].Truncated || len(got[0].Payload) != 3 || got[0].Path.Local != local {
		t.Errorf("received %+v", got)
	}
	if s := sockets.Stats(); s.ReadErrors != 3 || s.Received != 1 || s.Truncated != 1 {
		t.Errorf("stats %+v", s)
	}
}

// The kernel's count runs on for ever and wraps; two readers may hear of it in
// either order.
func TestDropsAreCountedOnce(t *testing.T) {
	var told []uint64
	sockets := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, Events: Events{
		KernelDrops: func(d KernelDrops) { told = append(told, d.New) },
	}})
	r := newReader(sockets.sockets[0], sockets.options, sockets.closing)
	for _, count := range []uint32{5, 5, 9, 7, 1 << 31, 1<<32 - 1, 4} {
		r.dropped(count)
	}
	if want := uint64(1<<32 + 4); sockets.Stats().KernelDrops != want {
		t.Errorf("%d drops, want %d", sockets.Stats().KernelDrops, want)
	}
	if len(told) != 5 || told[0] != 5 || told[1] != 4 {
		t.Errorf("told %v", told)
	}
}

func TestTakeAllocatesNothing(t *testing.T) {
	sockets := listen(t, Options{Addresses: []string{"[::]:0"}})
	r := newReader(sockets.sockets[0], sockets.options, sockets.closing)
	control := received(netip.MustParseAddr("192.0.2.1"), 3)
	for i := range r.hdrs {
		r.names[i].put(netip.MustParseAddrPort("192.0.2.9:5683"), bothIP)
		r.hdrs[i].hdr.SetControllen(copy(r.controlOf(i), control))
		r.hdrs[i].n = 20
	}
	r.n = len(r.hdrs)
	if n := testing.AllocsPerRun(100, func() { r.take() }); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}
