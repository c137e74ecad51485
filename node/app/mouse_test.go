package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/node/app/apptest"
)

// mouse is a device with a DTLS session: what it keeps over its sleep is the
// session and a location. It answers every request of the node with 2.05 "x".
type mouse struct {
	t        testing.TB
	name     string
	server   netip.AddrPort
	conn     *net.UDPConn // its address; another one after a rebinding
	link     *secure.Link
	location string

	mid        uint16
	handshakes int
	strays     int      // datagrams that were no answer to it
	served     []string // what it was asked
	flights    [][]byte // all that it sent to make sessions
	sent       [][]byte // and in them
}

// recorder keeps what a mouse sends in its handshakes.
type recorder struct {
	net.Conn
	mouse *mouse
}

func (r recorder) Write(b []byte) (int, error) {
	r.mouse.flights = append(r.mouse.flights, bytes.Clone(b))
	return r.Conn.Write(b)
}

var mouseKey = []byte("sixteen byte key")

// givenKey gives an endpoint credentials: its name is its identity.
func givenKey(t testing.TB, api *apptest.API, name string) {
	t.Helper()
	check(t, api.Provision(name, name, mouseKey))
}

// newMouse is a device that is provisioned, and has a session and a registration.
func newMouse(t testing.TB, api *apptest.API, server netip.AddrPort, name string, o secure.Options) *mouse {
	t.Helper()
	givenKey(t, api, name)
	m := &mouse{t: t, name: name, server: server}
	t.Cleanup(func() { _ = m.conn.Close() }) // after a rebinding it is another
	m.rebind()
	check(t, m.handshake(o))
	check(t, m.register())
	return m
}

// rebind gives the mouse another address.
func (m *mouse) rebind() {
	m.t.Helper()
	if m.conn != nil {
		check(m.t, m.conn.Close())
	}
	m.conn = must[*net.UDPConn](m.t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.server)))
}

func (m *mouse) handshake(o secure.Options) (err error) {
	o.Identity, o.Interval = m.name, 250*time.Millisecond
	if o.Key == nil {
		o.Key = mouseKey
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	check(m.t, m.conn.SetReadDeadline(time.Time{}))
	m.link, err = secure.Over(ctx, recorder{m.conn, m}, o)
	m.handshakes++
	return err
}

func (m *mouse) register(queries ...string) error {
	queries = append(queries, "ep="+m.name, "lt=6000", "lwm2m=1.1", "b=U")
	a, err := m.ask(coap.POST, "rd", []byte("</1/0>,</3/0>"), queries...)
	if err == nil && a.Code != coap.Created {
		err = fmt.Errorf("register of %s: %s %s", m.name, a.Code, a.Payload)
	}
	if err == nil {
		m.location = a.LocationPath()
	}
	return err
}

// update is an Update that must be answered 2.04.
func (m *mouse) update() error {
	a, err := m.ask(coap.POST, m.location, nil)
	if err == nil && a.Code != coap.Changed {
		err = fmt.Errorf("update of %s: %s %s", m.name, a.Code, a.Payload)
	}
	return err
}

// ask sends a request, again where nothing comes, and returns the answer.
func (m *mouse) ask(code coap.Code, path string, payload []byte, queries ...string) (*coap.Message, error) {
	raw := m.request(code, path, payload, queries...)
	for range 60 {
		m.write(m.link.Seal(nil, raw))
		answer, err := m.wait(time.Second, m.answered)
		if answer != nil || err != nil {
			return answer, err
		}
	}
	return nil, fmt.Errorf("%s: no answer to %s %s", m.name, code, path)
}

// request is the bytes of the mouse's next request.
func (m *mouse) request(code coap.Code, path string, payload []byte, queries ...string) []byte {
	m.mid++
	r := &coap.Message{Code: code, MessageID: m.mid, Token: []byte{byte(m.mid >> 8), byte(m.mid)}, Payload: payload}
	r.AddPath(path)
	for _, q := range queries {
		r.AddString(coap.OptUriQuery, q)
	}
	if len(payload) > 0 {
		r.AddUint(coap.OptContentFormat, 40)
	}
	return must[[]byte](m.t)(r.Append(nil))
}

// answered reports an answer to the mouse's last request.
func (m *mouse) answered(a *coap.Message) bool {
	return a.Type == coap.Acknowledgement && a.MessageID == m.mid
}

func (m *mouse) write(datagram []byte) {
	m.sent = append(m.sent, datagram)
	_, _ = m.conn.Write(datagram) // the node may be down for a while
}

// wait reads until a message is the one or the session has ended, and serves
// requests meanwhile.
func (m *mouse) wait(patience time.Duration, is func(*coap.Message) bool) (*coap.Message, error) {
	buffer := make([]byte, 2048)
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	for {
		n, err := m.conn.Read(buffer)
		var failure net.Error
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, nil
		case errors.As(err, &failure):
			continue // nobody listens at the port now
		case err != nil:
			return nil, err
		}
		plaintexts, _ := m.link.Open(buffer[:n]) // what is none of the session is a stray
		if _, ended := m.link.Ended(); ended {
			return nil, nil
		}
		if len(plaintexts) == 0 {
			m.strays++
		}
		for _, p := range plaintexts {
			message := new(coap.Message)
			if err := coap.Parse(p, message); err != nil {
				return nil, err
			}
			if is(message) {
				return message, nil
			}
			m.serve(message)
		}
	}
}

// serve answers a request of the node.
func (m *mouse) serve(r *coap.Message) {
	if !r.Code.IsRequest() {
		return
	}
	m.served = append(m.served, r.Path())
	a := &coap.Message{Type: coap.Acknowledgement, Code: coap.Content, MessageID: r.MessageID, Token: r.Token, Payload: []byte("x")}
	a.AddUint(coap.OptContentFormat, 0)
	raw, err := a.Append(nil)
	check(m.t, err)
	m.write(m.link.Seal(nil, raw))
}

// serveOne waits for a request of the node and answers it.
func (m *mouse) serveOne() error {
	r, err := m.wait(time.Minute, func(r *coap.Message) bool { return r.Code.IsRequest() })
	if err == nil && r == nil {
		err = fmt.Errorf("%s was asked nothing", m.name)
	}
	if err == nil {
		m.serve(r)
	}
	return err
}
