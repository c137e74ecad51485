package ingress

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds what would otherwise hang; nothing waits for it to pass.
const patience = 10 * time.Second

func listen(t testing.TB, o Options) *Sockets {
	t.Helper()
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dial is a client that, being connected, hears only the address it asked.
func dial(t testing.TB, host string, port uint16) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t testing.TB, c *net.UDPConn, text string) string {
	t.Helper()
	answer, err := exchange(c, text)
	if err != nil {
		t.Fatalf("asking %v: %v", c.RemoteAddr(), err)
	}
	return answer
}

func exchange(c *net.UDPConn, text string) (string, error) {
	if _, err := c.Write([]byte(text)); err != nil {
		return "", err
	}
	answer := make([]byte, 100)
	n, err := c.Read(answer)
	return string(answer[:n]), err
}

// echo answers every datagram with its listener, the address it asked, and its payload.
func echo(t testing.TB, s *Sockets) {
	err := s.Serve(func(in []In) {
		out := make([]Out, len(in))
		for i, d := range in {
			out[i] = Out{d.Path, fmt.Appendf(nil, "%d %v %s", d.Path.Listener, d.Path.Local, d.Payload)}
		}
		if err := s.Send(out); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func needIPv6(t testing.TB) {
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback: ", err)
	}
	c.Close()
}

func TestAnswersLeaveFromTheAddressAsked(t *testing.T) {
	tests := []struct {
		listen string
		ask    []string
	}{
		{"0.0.0.0:0", []string{"127.0.0.1", "127.0.0.2", "127.9.9.9"}},
		{"127.0.0.3:0", []string{"127.0.0.3"}},
		{":0", []string{"127.0.0.1", "127.0.0.2", "::1"}},
		{"[::]:0", []string{"127.0.0.1", "127.0.0.2", "::1"}},
		{"[::1]:0", []string{"::1"}},
	}
	for _, tt := range tests {
		t.Run(tt.listen, func(t *testing.T) {
			if slices.Contains(tt.ask, "::1") {
				needIPv6(t)
			}
			s := listen(t, Options{Addresses: []string{tt.listen}})
			echo(t, s)
			for _, host := range tt.ask {
				answer := ask(t, dial(t, host, s.Addresses()[0].Port()), "hello")
				if want := "0 " + host + " hello"; answer != want {
					t.Errorf("%q, want %q", answer, want)
				}
			}
		})
	}
}

// Both wildcards on one port: two sockets, each with its family.
func TestWildcardsOfBothFamilies(t *testing.T) {
	needIPv6(t)
	for _, wildcard := range []string{"[::]", ""} {
		free := listen(t, Options{Addresses: []string{":0"}})
		port := free.Addresses()[0].Port()
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		s := listen(t, Options{Addresses: []string{fmt.Sprintf("%s:%d", wildcard, port), fmt.Sprintf("0.0.0.0:%d", port)}})
		echo(t, s)
		for host, want := range map[string]string{"::1": "0 ::1 x", "127.0.0.2": "1 127.0.0.2 x"} {
			if got := ask(t, dial(t, host, port), "x"); got != want {
				t.Errorf("%q: %q, want %q", wildcard, got, want)
			}
		}
	}
}

func TestSeveralListeners(t *testing.T) {
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0", "127.0.0.2:0", "0.0.0.0:0"}})
	echo(t, s)
	for i, want := range []string{"0 127.0.0.1 x", "1 127.0.0.2 x", "2 127.0.0.1 x"} {
		address := s.Addresses()[i]
		host := address.Addr()
		if host.IsUnspecified() {
			host = netip.MustParseAddr("127.0.0.1")
		}
		if got := ask(t, dial(t, host.String(), address.Port()), "x"); got != want {
			t.Errorf("listener %d: %q, want %q", i, got, want)
		}
	}
}

func TestBindings(t *testing.T) {
	tests := []struct {
		addresses []string
		networks  []string // nil: refused
	}{
		{[]string{":5683"}, []string{"udp"}},
		{[]string{"[::]:5683"}, []string{"udp"}},
		{[]string{"0.0.0.0:5683"}, []string{"udp4"}},
		{[]string{"0.0.0.0:5683", "[::]:5683"}, []string{"udp4", "udp6"}},
		{[]string{"[::]:5683", "10.0.0.1:5683"}, []string{"udp6", "udp4"}},
		{[]string{":5683", "0.0.0.0:5783"}, []string{"udp", "udp4"}},
		{[]string{":0", "0.0.0.0:0"}, []string{"udp", "udp4"}},
		{[]string{"[2001:db8::1]:5683", "192.0.2.1:5683"}, []string{"udp6", "udp4"}},
		{[]string{"[::ffff:192.0.2.1]:5683"}, []string{"udp4"}},
		{nil, nil},
		{make([]string, MaxListeners+1), nil},
		{[]string{"5683"}, nil},
		{[]string{"1.2.3.4"}, nil},
		{[]string{"1.2.3.4:70000"}, nil},
		{[]string{"224.0.1.187:5683"}, nil},
		{[]string{"[ff02::fd]:5683"}, nil},
	}
	for _, tt := range tests {
		bindings, err := parseBindings(tt.addresses, nil)
		var networks []string
		for _, b := range bindings {
			networks = append(networks, b.network)
		}
		if !slices.Equal(networks, tt.networks) || (err != nil) != (tt.networks == nil) {
			t.Errorf("%q: %q, %v; want %q", tt.addresses, networks, err, tt.networks)
		}
	}
}

// TestSecureListeners: a datagram of DTLS is told from a plain one by its path,
// and answers leave from the socket that it names.
func TestSecureListeners(t *testing.T) {
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}, Secure: []string{"127.0.0.1:0"}})
	echo(t, s)
	if plain, secure := s.Addresses(), s.Secure(); len(plain) != 2 || len(secure) != 1 {
		t.Fatalf("%v and %v", plain, secure)
	}
	for i, at := range append(s.Addresses(), s.Secure()...) {
		want := fmt.Sprintf("%d 127.0.0.1 hello", []int{0, 1, SecureListener}[i])
		if got := ask(t, dial(t, "127.0.0.1", at.Port()), "hello"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, err := Listen(Options{Secure: make([]string, MaxListeners+1)}); err == nil {
		t.Error("more listeners than a return path can tell apart")
	}
}

func TestListenAllOrNothing(t *testing.T) {
	taken := listen(t, Options{Addresses: []string{"127.0.0.1:0"}})
	free := listen(t, Options{Addresses: []string{"127.0.0.1:0"}})
	first, second := free.Addresses()[0].String(), taken.Addresses()[0].String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(Options{Addresses: []string{first, second}}); !errors.Is(err, unix.EADDRINUSE) {
		t.Fatalf("Listen = %v, want %v", err, unix.EADDRINUSE)
	}
	listen(t, Options{Addresses: []string{first}}) // it was given back
}

func TestOversizedDatagramsAreFlagged(t *testing.T) {
	type got struct {
		size      int
		truncated bool
	}
	seen := make(chan got, 3)
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, MaxDatagram: 100, Receive: func(in []In) {
		for _, d := range in {
			seen <- got{len(d.Payload), d.Truncated}
		}
	}})
	c := dial(t, "127.0.0.1", s.Addresses()[0].Port())
	for _, size := range []int{101, 100, 0} {
		if _, err := c.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []got{{100, true}, {100, false}, {0, false}} {
		if g := <-seen; g != want {
			t.Errorf("%+v, want %+v", g, want)
		}
	}
	if stats := s.Stats(); stats.Truncated != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestBufferShortIsTold(t *testing.T) {
	var told []BufferShort
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, ReadBuffer: math.MaxInt32, Events: Events{
		BufferShort: func(b BufferShort) { told = append(told, b) },
	}})
	if len(told) != 1 || told[0].Asked != math.MaxInt32 || told[0].Granted >= told[0].Asked || told[0].Granted <= 0 {
		t.Errorf("told %+v", told)
	}
	if len(told) == 1 && told[0].Address != s.Addresses()[0] {
		t.Errorf("told of %v", told[0].Address)
	}
}

// Nothing reads until Serve: the buffer overflows, and every datagram is
// either received or counted.
func TestKernelDropsAreCounted(t *testing.T) {
	const sent = 2000
	last := make(chan struct{})
	var told atomic.Uint64
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, ReadBuffer: 16 << 10, Events: Events{
		KernelDrops: func(d KernelDrops) { told.Add(d.New) },
	}})
	c := dial(t, "127.0.0.1", s.Addresses()[0].Port())
	for range sent {
		if _, err := c.Write(make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
	}
	drained := make(chan struct{}, sent)
	if err := s.Serve(func(in []In) {
		for _, d := range in {
			if len(d.Payload) == 1 {
				close(last)
			}
		}
		drained <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	<-drained
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	<-last
	stats := s.Stats()
	if stats.KernelDrops == 0 || stats.Received+stats.KernelDrops != sent+1 || told.Load() != stats.KernelDrops {
		t.Errorf("%d received, %d dropped, %d told; %d sent", stats.Received, stats.KernelDrops, told.Load(), sent+1)
	}
}

// With IP_RECVERR the kernel reports port-unreachable messages on the socket,
// as it may for other errors without it.
func TestICMPErrorsStopNothing(t *testing.T) {
	failed := make(chan error, 10)
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0"}, Events: Events{
		ReadFailed: func(f ReadFailed) { failed <- f.Err },
	}})
	err := s.sockets[0].raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	echo(t, s)
	gone := dial(t, "127.0.0.1", s.Addresses()[0].Port())
	ask(t, gone, "once")
	peer := gone.LocalAddr().String()
	gone.Close()
	if err := s.Send(datagrams(1, 0, peer)); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("told %v", err)
	}
	if got, want := ask(t, dial(t, "127.0.0.1", s.Addresses()[0].Port()), "still there?"), "0 127.0.0.1 still there?"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestClose(t *testing.T) {
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0", "127.0.0.1:0"}, Readers: 3, Receive: func([]In) {}})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Send(datagrams(1, 0, "127.0.0.1:9")); err != ErrClosed {
		t.Errorf("Send = %v", err)
	}
	if err := s.Serve(func([]In) {}); err != ErrClosed {
		t.Errorf("Serve = %v", err)
	}
}

// Many clients, many readers and senders at once, for the race detector.
func TestConcurrentReadersAndSenders(t *testing.T) {
	s := listen(t, Options{Addresses: []string{":0"}, Readers: 4, Batch: 8})
	echo(t, s)
	done := make(chan error)
	for id := range 8 {
		c := dial(t, "127.0.0.1", s.Addresses()[0].Port())
		go func() {
			for i := range 200 {
				text := fmt.Sprintf("%d/%d", id, i)
				if got, err := exchange(c, text); err != nil || got != "0 127.0.0.1 "+text {
					done <- fmt.Errorf("%s answered %q, %v", text, got, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil { // an answer may arrive before it is counted
		t.Fatal(err)
	}
	if stats := s.Stats(); stats.Received != 1600 || stats.Sent != 1600 {
		t.Errorf("stats %+v", stats)
	}
}
