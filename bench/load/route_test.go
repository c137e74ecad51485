package load

import (
	"net/netip"
	"testing"

	"dormouse/bench/crowd"
	"dormouse/bench/provision"
	"dormouse/bench/server/servertest"
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

// Each of two servers gets its half of the devices, who stay with it over DTLS,
// too; sprayed, all exchanges of all devices reach both.
func TestSeveralServers(t *testing.T) {
	for name, security := range map[string]*Security{"plain": nil, "DTLS": {}} {
		a, b := newServer(t), newServer(t)
		o := Options{Devices: 20, Others: []netip.AddrPort{b.CoAP()}, Security: security}
		g := openSeveral(t, a, b, o)
		if _, err := g.Register(t.Context(), 0, 20, 4); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := g.Once(t.Context(), Update, 0, 20, 4)
		if err != nil || r.Codes["2.04"] != 20 || a.Addresses() != 10 || b.Addresses() != 10 {
			t.Errorf("%s: %v, %v; %d and %d devices", name, err, r.Codes, a.Addresses(), b.Addresses())
		}
		if security != nil {
			continue // the two share no sessions, as nodes of a cluster do
		}
		g.route.spray = true
		if r, err = g.Once(t.Context(), Send, 0, 20, 4); err != nil || r.Codes["2.04"] != 20 {
			t.Errorf("%s: %v, %v", name, err, r.Codes)
		}
	}
}

// openSeveral opens a generator to two servers, with sessions where there are
// to be some.
func openSeveral(t *testing.T, a, b *servertest.Server, o Options) *Generator {
	t.Helper()
	if o.Security == nil {
		return openGenerator(t, a, o)
	}
	for _, s := range []*servertest.Server{a, b} {
		if err := s.Secure("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	o.Target, o.Others = a.CoAPS(), []netip.AddrPort{b.CoAPS()}
	g, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, s := range []*servertest.Server{a, b} {
		if err := provision.Post(t.Context(), s.API(), o.Devices, g.Credential); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Handshake(t.Context(), 0, o.Devices, 4); err != nil {
		t.Fatal(err)
	}
	return g
}

// Aimed exchanges go to the owner, or to any but it; of who is not registered
// nobody knows an owner.
func TestAim(t *testing.T) {
	all := servers(3)
	r := newRoute(Options{Target: all[0], Others: all[1:]})
	r.owner = func(device uint32) (int, bool) { return int(device % 2), device < 100 }
	astray := map[[2]crowd.Server]int{}
	for device := range uint32(200) {
		owner := crowd.Server(device % 2)
		r.aim = AtOwner
		if got, want := r.first(device), owner; device < 100 && got != want {
			t.Errorf("device %d of server %d went to %d", device, want, got)
		}
		r.aim = Astray
		got := r.first(device)
		switch {
		case device >= 100 && got != r.home(device):
			t.Errorf("device %d, of nobody, left its server", device)
		case device < 100 && got == owner:
			t.Errorf("device %d went to its owner", device)
		case device < 100:
			astray[[2]crowd.Server{owner, got}]++
		}
	}
	if len(astray) != 4 {
		t.Errorf("astray to %v", astray)
	}
}
