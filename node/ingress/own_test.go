package ingress

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/wire"
)

// TestHas: what another node heard is answered from here by the very address and
// port alone that the device asked.
func TestHas(t *testing.T) {
	s := listen(t, Options{Addresses: []string{"127.0.0.1:0", "0.0.0.0:0"}, Secure: []string{"[::]:0"}})
	s.owned.ask = func() ([]net.Addr, error) {
		return []net.Addr{
			&net.IPNet{IP: net.IPv4(192, 0, 2, 7), Mask: net.CIDRMask(32, 32)}, &net.IPNet{IP: net.ParseIP("2001:db8::7"), Mask: net.CIDRMask(64, 128)},
			&net.IPNet{IP: net.IPv4(127, 0, 0, 1), Mask: net.CIDRMask(8, 32)}, &net.IPNet{IP: net.ParseIP("fe80::7"), Mask: net.CIDRMask(64, 128)},
			&net.TCPAddr{},
		}, nil
	}
	// A socket of one address that is not loopback, as far as the test may have one.
	named := netip.MustParseAddr("192.0.2.9")
	s.sockets[0].address = netip.AddrPortFrom(named, s.sockets[0].address.Port())
	peer4, peer6 := netip.MustParseAddrPort("198.51.100.1:5683"), netip.MustParseAddrPort("[2001:db8::1]:5683")
	four, six := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	for name, tc := range map[string]struct {
		path wire.ReturnPath
		has  bool
	}{
		"a wildcard":          {wire.ReturnPath{Peer: peer4, Local: four, Listener: 1}, true},
		"mapped":              {wire.ReturnPath{Peer: peer4, Local: netip.AddrFrom16(four.As16()), Listener: 1}, true},
		"that of another":     {wire.ReturnPath{Peer: peer4, Local: named, Listener: 1}, false},
		"a named one":         {wire.ReturnPath{Peer: peer4, Local: named, Listener: 0}, true},
		"another one":         {wire.ReturnPath{Peer: peer4, Local: four, Listener: 0}, false},
		"of DTLS":             {wire.ReturnPath{Peer: peer6, Local: six, Listener: SecureListener}, true},
		"no such listener":    {wire.ReturnPath{Peer: peer4, Local: four, Listener: 2}, false},
		"loopback":            {wire.ReturnPath{Peer: peer4, Local: netip.MustParseAddr("127.0.0.1"), Listener: 1}, false},
		"link-local":          {wire.ReturnPath{Peer: peer6, Local: netip.MustParseAddr("fe80::7"), Listener: SecureListener}, false},
		"unknown":             {wire.ReturnPath{Peer: peer4, Listener: 1}, false},
		"of the other family": {wire.ReturnPath{Peer: peer6, Local: six, Listener: 1}, false},
		"a peer of the other": {wire.ReturnPath{Peer: peer6, Local: four, Listener: 1}, false},
	} {
		for _, port := range []uint16{0, s.PortOf(tc.path.Listener), s.PortOf(tc.path.Listener) + 1} {
			tc.path.Port = port
			if want := tc.has && port != 0 && port == s.PortOf(tc.path.Listener); s.Has(tc.path) != want {
				t.Errorf("%s, port %d: %v", name, port, !want)
			}
		}
	}
	if s.PortOf(9) != 0 || s.PortOf(1) != s.Addresses()[1].Port() {
		t.Errorf("ports %d, %d", s.PortOf(9), s.PortOf(1))
	}
}

// TestOwnedAddressesAreAskedForAgain, since they move between machines.
func TestOwnedAddressesAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		moving := netip.MustParseAddr("192.0.2.7")
		var list []net.Addr
		var fault error
		asked := 0
		o := &owned{ask: func() ([]net.Addr, error) { asked++; return list, fault }}
		want := func(has bool, times int) {
			t.Helper()
			if got := o.has(moving); got != has || asked != times {
				t.Errorf("%v after %d questions, want %v after %d", got, asked, has, times)
			}
		}
		want(false, 1)
		list = []net.Addr{&net.IPNet{IP: net.IPv4(192, 0, 2, 7), Mask: net.CIDRMask(32, 32)}}
		want(false, 1)
		<-time.After(ownedFor)
		want(true, 2)
		want(true, 2)
		fault = errors.New("netlink")
		<-time.After(ownedFor)
		want(false, 3)
	})
}

// TestTheSystemsOwnAddresses are asked for where nothing else is given.
func TestTheSystemsOwnAddresses(t *testing.T) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip("the system does not say its addresses:", err)
	}
	var o owned
	for _, one := range list {
		if n, ok := one.(*net.IPNet); ok {
			if a, _ := netip.AddrFromSlice(n.IP); !o.has(a.Unmap()) {
				t.Errorf("%v is not there", a)
			}
		}
	}
}
