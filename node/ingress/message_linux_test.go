package ingress

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// The table is read in both directions: put, then parse.
func TestName(t *testing.T) {
	tests := []struct {
		peer   string
		family family
		want   string // after the round trip; empty: cannot be reached
	}{
		{"192.0.2.1:5683", ipv4Only, "192.0.2.1:5683"},
		{"192.0.2.1:5683", bothIP, "192.0.2.1:5683"},
		{"192.0.2.1:5683", ipv6Only, ""},
		{"[::ffff:192.0.2.1]:1", ipv4Only, "192.0.2.1:1"},
		{"[::ffff:192.0.2.1]:1", bothIP, "192.0.2.1:1"},
		{"[::ffff:192.0.2.1]:1", ipv6Only, ""},
		{"[2001:db8::1]:65535", bothIP, "[2001:db8::1]:65535"},
		{"[2001:db8::1]:65535", ipv6Only, "[2001:db8::1]:65535"},
		{"[2001:db8::1]:65535", ipv4Only, ""},
		{"[fe80::1%7]:5683", bothIP, "[fe80::1%7]:5683"},
		{"[fe80::1%eth0]:5683", bothIP, "[fe80::1]:5683"},
		{"[fe80::1]:5683", bothIP, "[fe80::1]:5683"},
	}
	for _, tt := range tests {
		n := name(bytes.Repeat([]byte{0xff}, len(name{}))) // what an earlier datagram left
		length := n.put(netip.MustParseAddrPort(tt.peer), tt.family)
		if tt.want == "" {
			if length != 0 {
				t.Errorf("%s on %d: length %d, want it refused", tt.peer, tt.family, length)
			}
			continue
		}
		if got := n.parse(); got != netip.MustParseAddrPort(tt.want) {
			t.Errorf("%s on %d: read back %v, want %s", tt.peer, tt.family, got, tt.want)
		}
		if tt.family == ipv4Only != (length == unix.SizeofSockaddrInet4) {
			t.Errorf("%s on %d: length %d", tt.peer, tt.family, length)
		}
	}
	if n := (name{}); n.put(netip.AddrPort{}, bothIP) != 0 || n.parse().IsValid() {
		t.Error("no address was taken for one")
	}
}

func TestControl(t *testing.T) {
	tests := []struct {
		local  string
		family family
		want   string // empty: the kernel shall choose
	}{
		{"192.0.2.1", ipv4Only, "192.0.2.1"},
		{"192.0.2.1", bothIP, "192.0.2.1"},
		{"2001:db8::1", bothIP, "2001:db8::1"},
		{"2001:db8::1", ipv6Only, "2001:db8::1"},
		{"2001:db8::1", ipv4Only, ""},
		{"0.0.0.0", ipv4Only, ""},
		{"::", bothIP, ""},
	}
	for _, tt := range tests {
		b := bytes.Repeat([]byte{0xff}, controlSpace)
		used := putControl(b, netip.MustParseAddr(tt.local), tt.family)
		got, drops := parseControl(b[:used])
		if tt.want == "" && (used != 0 || got.IsValid()) || tt.want != "" && got != netip.MustParseAddr(tt.want) {
			t.Errorf("%s on %d: %d bytes, read back %v", tt.local, tt.family, used, got)
		}
		if drops != 0 {
			t.Errorf("%s on %d: %d drops out of nothing", tt.local, tt.family, drops)
		}
	}
	if used := putControl(make([]byte, controlSpace), netip.Addr{}, bothIP); used != 0 {
		t.Errorf("an unknown local address took %d bytes", used)
	}
}

// received is what the kernel sends beside a datagram for local after drops.
func received(local netip.Addr, drops uint32) []byte {
	b := make([]byte, 2*controlSpace)
	used := putControl(b, local, bothIP)
	binary.NativeEndian.PutUint64(b[used:], uint64(unix.CmsgLen(4)))
	binary.NativeEndian.PutUint32(b[used+8:], unix.SOL_SOCKET)
	binary.NativeEndian.PutUint32(b[used+12:], unix.SO_RXQ_OVFL)
	binary.NativeEndian.PutUint32(b[used+unix.CmsgLen(0):], drops)
	return b[:used+unix.CmsgSpace(4)]
}

func TestControlCutAtEveryByte(t *testing.T) {
	whole := received(netip.MustParseAddr("2001:db8::1"), 77)
	for n := range len(whole) + 1 {
		local, drops := parseControl(whole[:n])
		if wantLocal := n >= unix.CmsgLen(unix.SizeofInet6Pktinfo); local.IsValid() != wantLocal {
			t.Errorf("cut at %d: local %v", n, local)
		}
		wantDrops := n >= unix.CmsgSpace(unix.SizeofInet6Pktinfo)+unix.CmsgLen(4)
		if drops != 0 != wantDrops || wantDrops && drops != 77 {
			t.Errorf("cut at %d: %d drops", n, drops)
		}
	}
}

// A group that was asked is no address to answer from.
func TestControlMulticast(t *testing.T) {
	if local, _ := parseControl(received(netip.MustParseAddr("ff02::fd"), 0)); local.IsValid() {
		t.Errorf("local = %v, want none", local)
	}
}

func FuzzControl(f *testing.F) {
	f.Add(received(netip.MustParseAddr("2001:db8::1"), 77))
	f.Add(received(netip.MustParseAddr("192.0.2.1"), 1))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		local, _ := parseControl(b)
		if !local.IsValid() || local.IsUnspecified() {
			return
		}
		control := make([]byte, controlSpace)
		if again, _ := parseControl(control[:putControl(control, local, bothIP)]); again != local.Unmap() && !local.IsMulticast() {
			t.Errorf("%v became %v", local, again)
		}
	})
}
