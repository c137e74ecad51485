package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/wire"
)

// TestRefused: both sides learn why, in words, and calls fail at once.
func TestRefused(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	half := func(usage x509.ExtKeyUsage) func(*Options) {
		c := ca.issue(t, "half", usage)
		return func(o *Options) { o.Identity = func() Credentials { return c } }
	}
	for _, tc := range []struct {
		name     string
		change   func(*Options) // of the one who dials
		at, from string         // what both are told
	}{
		{"cluster", func(o *Options) { o.Cluster = "rats" },
			`node 000000000000000b is of the cluster "mice", and node 000000000000000a of "rats"`, `by the other side: node 000000000000000b is of the cluster "mice"`},
		{"clock behind", func(o *Options) { o.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) } },
			"the clocks of node 000000000000000b and 000000000000000a are 2m0", "by the other side: the clocks"},
		{"clock ahead", func(o *Options) { o.Now = func() time.Time { return time.Now().Add(2 * time.Minute) } },
			"at most 1m0s are borne", "by the other side: the clocks"},
		{"another CA", func(o *Options) { o.Identity = other.identity(t, "a") },
			"refused by the other side: remote error: tls: bad certificate", `the certificate "000000000000000b": x509`},
		{"a CA more", func(o *Options) {
			c := other.issue(t, "a", bothUsages...)
			c.Roots = ca.pool
			o.Identity = func() Credentials { return c }
		}, `the certificate "a": x509`, "refused by the other side: remote error: tls: bad certificate"},
		{"no server", half(x509.ExtKeyUsageClientAuth), `the certificate "half": x509`, "by the other side: remote error"},
		{"no client", half(x509.ExtKeyUsageServerAuth), `the certificate "half": x509`, "by the other side: remote error"},
		{"plain", func(o *Options) { o.Identity = nil }, "it speaks no TLS", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := start(t, nodeA, func(o *Options) {
				o.Identity = ca.identity(t, nodeA.ID.String())
				tc.change(o)
			})
			b := start(t, nodeB, func(o *Options) { o.Identity = ca.identity(t, nodeB.ID.String()) })
			b.SetPeers([]Peer{{nodeA, nowhere}})
			a.SetPeers([]Peer{b.peer})
			if tc.from != "" {
				a.learns(t, tc.from)
			}
			b.learns(t, tc.at)
			if _, err := a.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) {
				t.Error(err)
			}
			if a.Send(nodeB.ID, []byte("x")) || a.Stats().Reached > 0 {
				t.Error("a frame was taken")
			}
		})
	}
}

// TestClaim: a certificate that may not speak as the node is refused at both ends,
// and both are told; one that may is seen by who serves.
func TestClaim(t *testing.T) {
	ca := newAuthority(t)
	claim := func(n wire.Node, c *x509.Certificate) error {
		if c.Subject.CommonName != n.ID.String() {
			return fmt.Errorf("its certificate is of %q", c.Subject.CommonName)
		}
		return nil
	}
	node := func(self wire.Node, name string, claim Claim) *node {
		return start(t, self, func(o *Options) {
			o.Identity, o.Claim = ca.identity(t, name), claim
			o.Serve = func(ctx context.Context, _ wire.Node, _ byte, _ []byte) ([]byte, error) {
				return []byte(Certificate(ctx).Subject.CommonName), nil
			}
		})
	}
	b := node(nodeB, nodeB.ID.String(), claim)
	for _, stolen := range []Claim{nil, claim} {
		a := node(nodeA, nodeC.ID.String(), stolen)
		b.SetPeers([]Peer{a.peer})
		a.SetPeers([]Peer{b.peer})
		const says = `node 000000000000000a: its certificate is of "000000000000000c"`
		a.learns(t, "by the other side: "+says) // it dials
		b.learns(t, says)                       // and is dialled
		if err := a.calls(t, nodeB); !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
		if err := b.calls(t, nodeA); !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
	}
	a := node(nodeA, nodeA.ID.String(), claim)
	b.SetPeers([]Peer{a.peer})
	a.SetPeers([]Peer{b.peer})
	until(t, func() bool { return a.Stats().Reached == 1 && b.Stats().Reached == 1 }, a.Stats)
	if answer, err := a.Call(t.Context(), nodeB.ID, 1, nil); err != nil || string(answer) != nodeA.ID.String() {
		t.Errorf("%s, %v", answer, err)
	}
}

// nowhere is an address at which nobody listens.
var nowhere = netip.MustParseAddrPort("127.0.0.1:1")

// TestWrongNode: where another node has the address of a peer.
func TestWrongNode(t *testing.T) {
	a, b := start(t, nodeA, nil), start(t, nodeB, nil)
	b.SetPeers([]Peer{{nodeA, nowhere}})
	a.SetPeers([]Peer{{nodeC, b.peer.Addr}})
	const want = "this is node 000000000000000b, not 000000000000000c"
	for _, n := range []*node{a, b} {
		n.learns(t, want)
	}
	if _, err := a.Call(t.Context(), nodeC.ID, 1, nil); !errors.Is(err, ErrNotSent) || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	// Where it is found at its own address, it is reached.
	c := start(t, nodeC, nil)
	c.SetPeers([]Peer{a.peer})
	a.SetPeers([]Peer{c.peer})
	until(t, func() bool { return a.Stats().Reached == 1 }, a.Stats)
}

// TestItself: a node's own address in the name of another.
func TestItself(t *testing.T) {
	a := start(t, nodeA, nil)
	a.SetPeers([]Peer{a.peer, {nodeB, a.peer.Addr}})
	a.learns(t, "was reached by itself")
	if s := a.Stats(); s.Peers != 1 {
		t.Errorf("%+v", s)
	}
}

// TestStrangers: a node that is no peer may call, and send no frames.
func TestStrangers(t *testing.T) {
	a := start(t, nodeA, nil)
	b := start(t, nodeB, func(o *Options) { o.MaxStrangers = 1 })
	a.SetPeers([]Peer{b.peer})
	a.learns(t, "node 000000000000000a is no peer of node 000000000000000b")
	if answer, err := a.Call(t.Context(), nodeB.ID, 1, []byte("let me in")); err != nil || string(answer) != "a/1 1 let me in" {
		t.Errorf("%q, %v", answer, err)
	}
	c := start(t, nodeC, nil)
	c.SetPeers([]Peer{b.peer})
	if _, err := c.Call(t.Context(), nodeB.ID, 1, nil); !errors.Is(err, ErrNotSent) || !strings.Contains(err.Error(), "1 nodes that are no peers") {
		t.Error(err)
	}
	b.SetPeers([]Peer{a.peer})
	until(t, func() bool { return a.Stats().Reached == 1 }, a.Stats)
	until(t, func() bool { return c.calls(t, nodeB) == nil }, c.Stats)
}

// calls tries a call.
func (n *node) calls(t testing.TB, to wire.Node) error {
	_, err := n.Call(t.Context(), to.ID, 1, nil)
	return err
}

// TestRenewedCertificate: connections made after a reload use what was reloaded,
// those that are open stay.
func TestRenewedCertificate(t *testing.T) {
	old, renewed := newAuthority(t), newAuthority(t)
	var now atomic.Pointer[Credentials]
	first := old.issue(t, "b", bothUsages...)
	now.Store(&first)
	a := start(t, nodeA, func(o *Options) {
		c := old.issue(t, "a", bothUsages...)
		c.Roots = x509.NewCertPool()
		c.Roots.AddCert(old.cert)
		c.Roots.AddCert(renewed.cert)
		o.Identity = func() Credentials { return c }
	})
	b := start(t, nodeB, func(o *Options) { o.Identity = func() Credentials { return *now.Load() } })
	meet(t, a, b)
	second := renewed.issue(t, "b again", bothUsages...)
	second.Roots = old.pool
	now.Store(&second)
	if err := a.calls(t, nodeB); err != nil || a.Stats().Broken > 0 {
		t.Errorf("%v, %v", err, a.Stats())
	}
	conn, err := tls.Dial("tcp", b.peer.Addr.String(), &tls.Config{InsecureSkipVerify: true, Certificates: first.pairs()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if name := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; name != "b again" {
		t.Errorf("b shows the certificate of %q", name)
	}
	b.SetPeers(nil)
	a.SetPeers(nil)
	until(t, func() bool { return b.Stats().Reached == 0 }, b.Stats)
	meet(t, a, b)
}

func (c Credentials) pairs() []tls.Certificate { return []tls.Certificate{*c.Certificate} }

// TestGarbage: what is no node is dropped, without an answer, and changes nothing.
func TestGarbage(t *testing.T) {
	a, b := start(t, nodeA, nil), start(t, nodeB, nil)
	meet(t, a, b)
	b.SetPeers([]Peer{a.peer, {nodeC, nowhere}})
	hello := func(change func(*greeting)) string {
		g := greeting{word: wordHello, purpose: forCalls, self: nodeC, wanted: nodeB.ID, clock: time.Now(), longest: MinFrame, cluster: "mice"}
		change(&g)
		return string(g.append(nil))
	}
	plain := func(*greeting) {}
	frames := func(g *greeting) { g.purpose = forFrames }
	for name, tc := range map[string]struct {
		bytes  string
		answer word // 0: none
		told   string
	}{
		"http":           {"GET / HTTP/1.1\r\n\r\n", 0, "malformed: no greeting"},
		"half a hello":   {hello(plain)[:20], 0, "unexpected EOF"},
		"nothing":        {"", 0, ""},
		"a welcome":      {hello(func(g *greeting) { g.word = wordWelcome }), 0, "is no hello"},
		"a refusal":      {hello(func(g *greeting) { g.word = wordRefusal }), 0, "is no hello"},
		"a later one":    {strings.Replace(hello(plain), magic+"\x01\x01", magic+"\x07\x02", 1), wordRefusal, "version 7 for readers since 2 is not understood, this is version 1"},
		"an answer":      {hello(plain) + "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", wordWelcome, ""},
		"a type of none": {hello(plain) + "\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", wordWelcome, ""},
		"a long request": {hello(plain) + "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff", wordWelcome, ""},
		"call again":     {hello(plain) + strings.Repeat("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", 2), wordWelcome, ""},
		"a long frame":   {hello(frames) + "\x00\x80\x00\x01", wordWelcome, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.peer.Addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, tc.bytes); err != nil {
				t.Fatal(err)
			}
			if tc.answer == 0 {
				conn.(*net.TCPConn).CloseWrite()
			}
			conn.SetDeadline(time.Now().Add(soon))
			answer, err := io.ReadAll(conn)
			if err, timeout := err.(net.Error); timeout && err.Timeout() {
				t.Fatal("the connection stays")
			}
			if len(answer) < greetingHeader && tc.answer != 0 || len(answer) > 0 && word(answer[len(magic)+2]) != tc.answer {
				t.Errorf("answered %q", answer)
			}
			if tc.told != "" {
				b.learns(t, tc.told)
			}
		})
	}
	a.Send(nodeB.ID, []byte("goes on"))
	if got := next(t, b.frames); got != "a/1 goes on" {
		t.Error(got)
	}
	if err := a.calls(t, nodeB); err != nil || a.Stats().Broken > 0 {
		t.Errorf("%v, %v", err, a.Stats())
	}
}

func TestOptions(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, change := range map[string]func(*Options){
		"no ID":         func(o *Options) { o.Self.ID = 0 },
		"no cluster":    func(o *Options) { o.Cluster = "" },
		"a long name":   func(o *Options) { o.Cluster = strings.Repeat("m", MaxCluster+1) },
		"no Frame":      func(o *Options) { o.Frame = nil },
		"no Serve":      func(o *Options) { o.Serve = nil },
		"no listener":   func(o *Options) { o.Listener = nil },
		"no CA":         func(o *Options) { o.Identity = func() Credentials { return Credentials{} } },
		"short frames":  func(o *Options) { o.MaxFrame = MinFrame - 1 },
		"long frames":   func(o *Options) { o.MaxFrame = MaxFrame + 1 },
		"a bound":       func(o *Options) { o.MaxServe = -1 },
		"a skew":        func(o *Options) { o.MaxSkew = -1 },
		"not loopback":  func(o *Options) { o.Listener = elsewhere{listener} },
		"not loopback6": func(o *Options) { o.Listener = elsewhere{listener}; o.Self.ID = 2 },
	} {
		o := Options{
			Self: nodeA, Cluster: "mice", Listener: listener, Frame: func(wire.Node, []byte) {},
			Serve: func(context.Context, wire.Node, byte, []byte) ([]byte, error) { return nil, nil },
		}
		change(&o)
		if m, err := New(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
			m.Close()
		}
	}
	if _, err := Dial(t.Context(), listener.Addr().String(), DialOptions{Self: nodeA}); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
}

// elsewhere is a listener on all addresses.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 1} }
