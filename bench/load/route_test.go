package load

import (
	"net/netip"
	"testing"

	"dormouse/bench/crowd"
)

func servers(n int) (list []netip.AddrPort) {
	for i := range n {
		list = append(list, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(5000+i)))
	}
	return list
}

// Without spray a device keeps to its server; with it every exchange goes
// anywhere, its first repetition where it was sent, and a later one anywhere.
func TestRoute(t *testing.T) {
	all := servers(3)
	calm := newRoute(Options{Target: all[0], Others: all[1:]})
	spray := newRoute(Options{Target: all[0], Others: all[1:], Spray: true})
	classic := newRoute(Options{Target: all[0], Others: all[1:], Spray: true, Security: &Security{ClassicEvery: 2}})
	first, later := map[crowd.Server]int{}, map[crowd.Server]int{}
	for device := range uint32(300) {
		home := crowd.Server(device % 3)
		if calm.first(device) != home || calm.again(device, home, 4) != home {
			t.Errorf("device %d left its server", device)
		}
		if device%2 == 0 && (classic.first(device) != home || classic.again(device, home, 3) != home) {
			t.Errorf("device %d left the server of its session", device)
		}
		to := spray.first(device)
		first[to]++
		later[spray.again(device, to, 2)]++
		if spray.again(device, to, 1) != to {
			t.Errorf("device %d gave its server up at once", device)
		}
	}
	if len(first) != 3 || len(later) != 3 {
		t.Errorf("sprayed over %v, then over %v", first, later)
	}
}

func TestServersOfOptions(t *testing.T) {
	all := servers(2)
	if o, err := (Options{Target: all[0], Others: all[1:]}).withDefaults(); err != nil || len(o.servers()) != 2 {
		t.Errorf("%v, %v", o.servers(), err)
	}
	for _, bad := range [][]netip.AddrPort{{netip.MustParseAddrPort("192.0.2.1:1")}, {netip.MustParseAddrPort("[::1]:1")}, {{}}, servers(254)} {
		if _, err := (Options{Target: all[0], Others: bad}).withDefaults(); err == nil {
			t.Errorf("%d others from %v are taken", len(bad), bad[0])
		}
	}
}
