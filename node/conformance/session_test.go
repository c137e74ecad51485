package conformance

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/lwm2m"
)

// pskKey is the key of all devices with DTLS; identityOf is whose it is.
var pskKey = []byte("sixteen byte key")

func identityOf(name string) string { return "psk of " + name }

// session is a kind of DTLS session.
type session struct {
	name string
	secure.Options
}

// Kinds of sessions: the two suites of LwM2M, with and without Connection ID. The
// MAC of CBC with one is not among what the client's side has.
var (
	withCID  = session{"CCM_8 with Connection ID", secure.Options{Suites: []dtlsrec.Suite{dtlsrec.CCM8}}}
	classic  = session{"CCM_8", secure.Options{Suites: []dtlsrec.Suite{dtlsrec.CCM8}, NoCID: true}}
	inBlocks = session{"CBC_SHA256", secure.Options{Suites: []dtlsrec.Suite{dtlsrec.CBCSHA256}, NoCID: true}}

	sessions = []session{withCID, classic, inBlocks}
)

// provide gives an endpoint credentials.
func (n *node) provide(t *testing.T, name string) {
	t.Helper()
	check(t, n.api.Provision(name, identityOf(name), pskKey))
}

// connect makes a session with a node, from a socket that is connected.
func connect(conn net.Conn, identity string, key []byte, o secure.Options) (*secure.Link, error) {
	o.Identity, o.Key, o.Interval = identity, key, repeat
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return secure.Over(ctx, conn, o)
}

// meetSecured is meet over DTLS.
func meetSecured(t *testing.T, n *node, o device.Options, s session) *client {
	t.Helper()
	c := manufactured(t, n, n.coaps(), o)
	n.provide(t, c.name)
	var err error
	c.link, err = connect(c.conn, identityOf(c.name), pskKey, s.Options)
	check(t, err)
	c.begin()
	c.register()
	return c
}

// secured is a peer that has credentials and a session.
func secured(t *testing.T, n *node, s session) *peer {
	t.Helper()
	p := scripted(t, n)
	p.to = n.coaps()
	n.provide(t, p.name)
	p.shakes(s)
	return p
}

// toward is a socket as a handshake wants it: connected.
type toward struct {
	*net.UDPConn
	server netip.AddrPort
}

func (c toward) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.server) }

// shakes gives the peer a session, in place of the one that it has. With that
// goes what it knows of messages.
func (p *peer) shakes(s session) {
	p.t.Helper()
	p.shakesAs(identityOf(p.name), s)
}

func (p *peer) shakesAs(identity string, s session) {
	p.t.Helper()
	link, err := connect(toward{p.conn, p.to}, identity, pskKey, s.Options)
	check(p.t, err)
	p.link = link
	clear(p.answers)
}

// shut checks that a handshake is refused in the one way that there is.
func (p *peer) shut(identity string, key []byte, s session) {
	p.t.Helper()
	_, err := connect(toward{p.conn, p.to}, identity, key, s.Options)
	want := "secure: handshake of \"" + identity + "\": " + secure.ErrRefused.Error() + ": " + dtlsrec.DecryptError.String()
	if !errors.Is(err, secure.ErrRefused) || err.Error() != want {
		p.t.Errorf("%v, want %s", err, want)
	}
}

// rebinds gives the peer another port. What comes to the old one, which is
// returned, is nobody's.
func (p *peer) rebinds() (old *net.UDPConn) {
	p.t.Helper()
	old, p.conn = p.conn, socket(p.t)
	return old
}

// hangsUp waits until the node has ended the peer's session.
func (p *peer) hangsUp() {
	p.t.Helper()
	check(p.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		if p.read() != nil {
			continue
		}
		if why, over := p.link.Ended(); !over || why.Description != dtlsrec.CloseNotify {
			p.t.Fatalf("the session goes on, or ended by %s", why.Description)
		}
		return
	}
}

// unheard makes sure that a datagram is not answered: not in the session, and not
// in the one before it either.
func (p *peer) unheard(datagram []byte) {
	p.t.Helper()
	before := p.strays
	p.deliver(datagram)
	p.silent()
	if p.strays != before {
		p.t.Errorf("%d datagrams that belong to no session", p.strays-before)
	}
}

// update is the datagram of an Update, and its message ID.
func (p *peer) update() (datagram []byte, mid uint16) {
	m := p.request(coap.POST, p.location, lwm2m.FormatNone, "")
	b, err := m.Append(nil)
	check(p.t, err)
	return sealed(p.link, b), m.MessageID
}

// untouched makes sure that nothing came to a socket by now.
func untouched(t *testing.T, conn *net.UDPConn) {
	t.Helper()
	check(t, conn.SetReadDeadline(time.Unix(1, 0)))
	if n, err := conn.Read(make([]byte, 2048)); err == nil {
		t.Errorf("%d bytes came to %s", n, conn.LocalAddr())
	}
}

// opened are the messages of a datagram: itself without a session.
func opened(l *secure.Link, datagram []byte) (messages [][]byte) {
	if l == nil {
		return [][]byte{datagram}
	}
	messages, _ = l.Open(datagram) // what is no good is dropped (RFC 6347 section 4.1.2.7)
	return messages
}

// sealed is the datagram of a message: itself without a session.
func sealed(l *secure.Link, message []byte) []byte {
	if l == nil {
		return message
	}
	return l.Seal(nil, message)
}
