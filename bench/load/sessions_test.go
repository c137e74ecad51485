package load

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/bench/provision"
	"dormouse/bench/server/servertest"
	"dormouse/codec/dtlsrec"
)

// openSecure is a generator whose devices' credentials the server has.
func openSecure(t *testing.T, o Options) (*Generator, *servertest.Server) {
	t.Helper()
	s := newServer(t)
	if err := s.Secure("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	o.Target = s.CoAPS()
	g, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := provision.Post(t.Context(), s.API(), o.Devices, g.Credential); err != nil {
		t.Fatal(err)
	}
	return g, s
}

// The devices make handshakes, half of them without Connection ID, and do over
// their sessions what they do without; those with one come from another address
// with every message, and no nonce is used twice by anybody.
func TestRunOverDTLS(t *testing.T) {
	const n = 200
	g, s := openSecure(t, Options{Devices: n, Security: &Security{ClassicEvery: 2, RebindEvery: 1}})
	ctx := context.Background()
	r, err := g.Handshake(ctx, 0, n, 32)
	if err != nil || r.Codes["session"] != n || r.Failed() > 0 || s.DTLS().Sessions() != n || !strings.Contains(r.String(), "200 handshakes") {
		t.Fatalf("%v, %v; the server has %d", &r, err, s.DTLS().Sessions())
	}
	if r, err = g.Register(ctx, 0, n, 32); err != nil || r.Codes["2.01"] != n {
		t.Fatalf("%v, %v", &r, err)
	}
	if r, err = g.Once(ctx, Update, 0, n, 16); err != nil || r.Codes["2.04"] != n || r.Sessions.Rebinds != n/2 || s.Moved() != n/2 {
		t.Errorf("%v, %v; %d moved", &r, err, s.Moved())
	}
	for _, traffic := range []Traffic{
		{Kind: Update, InFlight: 16, Duration: 100 * time.Millisecond},
		{Kind: Send, Rate: 500, Duration: 100 * time.Millisecond},
	} {
		r, err := g.Run(ctx, traffic)
		if err != nil || r.Exchanges == 0 || r.Codes["2.04"] != r.Exchanges || r.Failed() > 0 || r.Repeated > 0 {
			t.Errorf("%+v: %v, %v", traffic, &r, err)
		}
	}
	if err := g.Observe(ctx, s.API(), n); err != nil {
		t.Fatal(err)
	}
	if r, err = g.Once(ctx, Notify, 0, n, 16); err != nil || r.Codes["ACK"] != n {
		t.Errorf("%v, %v", &r, err)
	}
	got := g.Sessions()
	if got.Handshakes != n || got.Rebinds == 0 || got.ReusedNonces+got.Stale+got.Dropped+got.Ended+got.Unsent != 0 || s.DTLS().ReusedNonces() != 0 {
		t.Errorf("%v; %d nonces used twice by the devices", got, s.DTLS().ReusedNonces())
	}
}

// Only the first of two ciphers is kept where there is room for one.
func TestCiphersAreBounded(t *testing.T) {
	g, _ := openSecure(t, Options{Devices: 2, Security: &Security{}})
	if _, err := g.Handshake(t.Context(), 0, 2, 2); err != nil {
		t.Fatal(err)
	}
	g.sessions.awake = make([]uint32, mostAwake)
	for i := range g.sessions.awake {
		g.sessions.awake[i] = 1
	}
	for i := range 2 {
		l := g.Session(i)
		g.sessions.wake(uint32(i), l)
		l.Seal(nil, []byte("x"))
	}
	g.sessions.next = 0
	g.Session(1).Sleep()
	g.sessions.wake(1, g.Session(1))
	if g.Session(0).Awake() || g.Session(1).Awake() {
		t.Error("a device keeps its cipher beyond the bound")
	}
}

// A session that the server ends stays ended, until the next handshake.
func TestSessionsEnd(t *testing.T) {
	g, s := openSecure(t, Options{Devices: 8, Security: &Security{Suites: []dtlsrec.Suite{dtlsrec.GCM}}})
	ctx := t.Context()
	for range 2 {
		if _, err := g.Handshake(ctx, 0, 8, 8); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Register(ctx, 0, 8, 8); err != nil {
			t.Fatal(err)
		}
		if suite := g.Session(3).Suite(); suite != dtlsrec.GCM {
			t.Errorf("%v", suite)
		}
		s.DTLS().Hangup()
		l := g.newLoop(Update, 1)
		l.work = once(0, 0)
		ended := g.Sessions().Ended + 8
		if err := l.run(ctx, func(time.Time) (time.Time, bool) { return time.Time{}, g.Sessions().Ended == ended }); err != nil {
			t.Fatal(err)
		}
		if r, err := g.Once(ctx, Update, 0, 8, 1); err == nil || !strings.Contains(err.Error(), "no session") {
			t.Errorf("%v, %v", &r, err)
		}
	}
}

func TestHandshakeFails(t *testing.T) {
	g, s := openSecure(t, Options{Devices: 4, Security: &Security{}})
	g.options.Security.Credentials = secure.Credentials{Identity: "stranger"}
	if _, err := g.Handshake(t.Context(), 0, 4, 2); !errors.Is(err, secure.ErrRefused) {
		t.Errorf("of a stranger: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Handshake(ctx, 0, 4, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
	for _, bad := range [][3]int{{-1, 4, 1}, {0, 5, 1}, {3, 3, 1}, {0, 4, 0}, {0, 4, MaxHandshakes + 1}} {
		if r, err := g.Handshake(t.Context(), bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v: %v", bad, &r)
		}
	}
	if r, err := g.Register(t.Context(), 0, 4, 1); err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("without sessions: %v, %v", &r, err)
	}
	plain := openGenerator(t, s, Options{Devices: 4})
	if r, err := plain.Handshake(t.Context(), 0, 4, 1); err == nil || plain.Session(0) != nil || plain.Sessions() != (Sessions{}) {
		t.Errorf("without DTLS: %v", &r)
	}
}

func TestSecurityOptions(t *testing.T) {
	target := newServer(t).CoAP()
	for name, o := range map[string]Options{
		"shared":   {Target: target, Devices: 4, DevicesPerAddress: 2, Security: &Security{}},
		"negative": {Target: target, Security: &Security{RebindEvery: -1}},
		"no room":  {Target: target, Devices: MaxDevices, Security: &Security{RebindEvery: 1}},
	} {
		if _, err := Open(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A device that moves has one address at a time, within those that there are, and
// comes round to its first one.
func TestDevicesMove(t *testing.T) {
	const n = MaxDevices/3 + 1 // leaves room for two generations
	o, err := Options{Target: newServer(t).CoAP(), Devices: n, Security: &Security{RebindEvery: 1}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(o)
	first := f.source(n - 1)
	f.move(n - 1)
	second := f.source(n - 1)
	if second != first+n || second > firstSource+MaxDevices-1 {
		t.Errorf("from %x to %x", first, second)
	}
	for address, now := range map[source]bool{first: false, second: true} {
		if i, ok := f.alone(address); ok != now || i != n-1 {
			t.Errorf("%x: device %d, %v", address, i, ok)
		}
		if i, ok := f.owner(address); !ok || i != n-1 {
			t.Errorf("%x belongs to device %d, %v", address, i, ok)
		}
	}
	if i, ok := f.owner(second + 1); ok {
		t.Errorf("device %d beyond the last address", i)
	}
	if f.move(n - 1); f.source(n-1) != first {
		t.Errorf("then to %x", f.source(n-1))
	}
}
