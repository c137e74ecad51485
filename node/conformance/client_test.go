package conformance

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// client is a simulated device on a socket. Its clock runs with ours, and a
// test may put it forward (pass), so that periods of minutes take no time.
type client struct {
	handle
	name string
	conn *net.UDPConn
	done chan struct{} // closed when the socket is

	mu     sync.Mutex // guards all below; held during calls of device
	device *device.Client
	link   *secure.Link  // its session; nil: plain CoAP
	ahead  time.Duration // its clock before ours
	deaf   bool          // it is switched off
	open   map[uint16]bool
	events []device.Event
	log    []message
	heard  map[uint16]bool
}

// message is one datagram, repetitions excepted.
type message struct {
	in bool // for the device
	*coap.Message
}

// Options of the versions.
var (
	v10 = device.Options{Version: lwm2m.V1_0}
	v11 = device.Options{Version: lwm2m.V1_1}
	v12 = device.Options{Version: lwm2m.V1_2}

	since10 = []device.Options{v10, v11, v12}
	since11 = []device.Options{v11, v12}
	since12 = []device.Options{v12}
)

// each runs a case with a registered device of each kind, at the same time.
func each(t *testing.T, kinds []device.Options, test func(t *testing.T, c *client)) {
	t.Parallel()
	for _, o := range kinds {
		t.Run(o.Version.String(), func(t *testing.T) {
			t.Parallel()
			test(t, meet(t, common, o))
		})
	}
}

// meet is a device that has registered.
func meet(t *testing.T, n *node, o device.Options) *client {
	t.Helper()
	c := dial(t, n, o)
	c.register()
	return c
}

// register waits until the device has a registration, and finds it.
func (c *client) register() {
	c.t.Helper()
	c.pass(time.Second)
	eventually(c.t, func() error {
		location, ok := c.location()
		if !ok {
			return fmt.Errorf("%s has not registered", c.name)
		}
		c.handle = c.node.handleOf(c.t, location, c.name)
		return nil
	})
}

// dial makes a device, which registers when its clock runs.
func dial(t *testing.T, n *node, o device.Options) *client {
	t.Helper()
	c := manufactured(t, n, n.coap(), o)
	c.begin()
	return c
}

// manufactured is a device whose clock does not run yet.
func manufactured(t *testing.T, n *node, server netip.AddrPort, o device.Options) *client {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{
		handle: handle{t: t, node: n}, name: endpoint(t), conn: conn, done: make(chan struct{}),
		open: map[uint16]bool{}, heard: map[uint16]bool{},
	}
	o.Listen = func(e device.Event) { c.events = append(c.events, e) }
	product, err := device.NewProduct(o)
	check(t, err)
	seed := fnv.New64a()
	seed.Write([]byte(t.Name() + o.Version.String()))
	c.device = product.Client(c.name, seed.Sum64(), time.Now())
	return c
}

// begin starts the device's clock.
func (c *client) begin() {
	go c.drive()
	c.t.Cleanup(func() {
		_ = c.conn.Close()
		<-c.done
	})
}

// drive runs the device in real time until its socket is closed.
func (c *client) drive() {
	defer close(c.done)
	buffer := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buffer)
		c.mu.Lock()
		switch {
		case c.deaf:
		case err == nil:
			for _, b := range opened(c.link, buffer[:n]) {
				c.took(b)
				c.gives(c.device.Handle(c.now(), b))
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.gives(c.device.Tick(c.now()))
		}
		c.arm()
		c.mu.Unlock()
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// now is the device's time. The caller holds mu, as for all below up to pass.
func (c *client) now() time.Time { return time.Now().Add(c.ahead) }

// arm makes the reader wake up when something of the device is due.
func (c *client) arm() {
	due := c.device.Deadline()
	if !due.IsZero() {
		due = due.Add(-c.ahead)
	}
	if c.deaf {
		due = time.Time{}
	}
	_ = c.conn.SetReadDeadline(due) // of a closed socket: drive ends
}

// took notes a datagram of the node.
func (c *client) took(b []byte) {
	var m coap.Message
	if err := coap.Parse(b, &m); err != nil {
		c.t.Errorf("the node sent %x: %v", b, err)
		return
	}
	if m.Type == coap.Acknowledgement || m.Type == coap.Reset {
		delete(c.open, m.MessageID)
	} else if c.heard[m.MessageID] {
		return
	} else {
		c.heard[m.MessageID] = true
	}
	c.log = append(c.log, message{true, m.Clone()})
}

// gives sends what the device says.
func (c *client) gives(datagrams [][]byte) {
	for _, b := range datagrams {
		var m coap.Message
		if err := coap.Parse(b, &m); err != nil {
			c.t.Errorf("the device sends %x: %v", b, err)
			continue
		}
		if m.Type == coap.Confirmable {
			c.open[m.MessageID] = true
		}
		c.log = append(c.log, message{false, m.Clone()})
		_, _ = c.conn.Write(sealed(c.link, b)) // a datagram that is lost
	}
}

// locked is a look at the device.
func locked[T any](c *client, f func() T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f()
}

// location is that of the registration, without the slash before it.
func (c *client) location() (location string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.device.Registered()
}

// settle waits until all that the device asked or told for sure is answered.
func (c *client) settle() {
	c.t.Helper()
	eventually(c.t, func() error {
		if n := locked(c, func() int { return len(c.open) }); n > 0 {
			return fmt.Errorf("%s waits for %d answers", c.name, n)
		}
		return nil
	})
}

// pass lets time go by for the device: everything that is due meanwhile happens,
// in its order, and what it asks the node is answered before the time goes on.
func (c *client) pass(d time.Duration) {
	c.t.Helper()
	end := locked(c, c.now).Add(d)
	for more := true; more; {
		c.settle()
		more = locked(c, func() bool { return c.step(end) })
	}
}

// step goes to the next deadline, or to the end.
func (c *client) step(end time.Time) bool {
	next := c.device.Deadline()
	if next.IsZero() || next.After(end) {
		c.forward(end)
		c.arm()
		return false
	}
	c.forward(next)
	c.gives(c.device.Tick(c.now()))
	c.arm()
	return true
}

func (c *client) forward(to time.Time) {
	if d := to.Sub(c.now()); d > 0 {
		c.ahead += d
	}
}

// switchOff makes the device neither hear nor speak.
func (c *client) switchOff() {
	c.settle()
	locked(c, func() bool { c.deaf = true; c.arm(); return true })
}

// happened counts events of a kind; path "" is any.
func (c *client) happened(kind device.EventKind, path string) int {
	return locked(c, func() (n int) {
		for _, e := range c.events {
			if e.Kind == kind && (path == "" || e.Path == path) {
				n++
			}
		}
		return n
	})
}

// awaitEvent waits until an event of a kind has happened n times.
func (c *client) awaitEvent(kind device.EventKind, n int) {
	c.t.Helper()
	eventually(c.t, func() error {
		if got := c.happened(kind, ""); got < n {
			return fmt.Errorf("%s: %d times %s, want %d", c.name, got, kind, n)
		}
		return nil
	})
}

// asked are the requests of the node, in words: method, path and query, then
// what of "accept=", "ct=", "observe=", "payload=" (in hexadecimal) there is.
func (c *client) asked() []string {
	return locked(c, func() (out []string) {
		for _, m := range c.log {
			if m.in && m.Code.IsRequest() {
				out = append(out, words(m.Message))
			}
		}
		return out
	})
}

// lastAsked is the last request of the node.
func (c *client) lastAsked() string {
	all := c.asked()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

var methods = map[coap.Code]string{
	coap.GET: "GET", coap.POST: "POST", coap.PUT: "PUT", coap.DELETE: "DELETE", coap.FETCH: "FETCH", coap.IPATCH: "iPATCH",
}

func words(m *coap.Message) string {
	s := methods[m.Code] + " /" + m.Path()
	if q := m.Queries(); len(q) > 0 {
		s += "?" + strings.Join(q, "&")
	}
	if f := m.Accept(); f != lwm2m.FormatNone {
		s += fmt.Sprintf(" accept=%d", f)
	}
	if f := m.ContentFormat(); f != lwm2m.FormatNone {
		s += fmt.Sprintf(" ct=%d", f)
	}
	if o, ok := m.Observe(); ok {
		s += fmt.Sprintf(" observe=%d", o)
	}
	if len(m.Payload) > 0 {
		s += " payload=" + hex.EncodeToString(m.Payload)
	}
	return s
}

// notifications are those that the device sent with a token.
func (c *client) notifications(token string) []*coap.Message {
	return locked(c, func() (out []*coap.Message) {
		for _, m := range c.log {
			if !m.in && m.Type != coap.Acknowledgement && m.Code.IsResponse() && string(m.Token) == token {
				out = append(out, m.Message)
			}
		}
		return out
	})
}

// observation is the token of the last request that observes a path, which is
// "/" for composites.
func (c *client) observation(path string) string {
	c.t.Helper()
	token := locked(c, func() (token string) {
		for _, m := range c.log {
			if o, ok := m.Observe(); m.in && m.Code.IsRequest() && ok && o == 0 && "/"+m.Path() == path {
				token = string(m.Token)
			}
		}
		return token
	})
	if token == "" {
		c.t.Fatalf("nobody observes %s", path)
	}
	return token
}

// value is what the device has at a path now.
func (c *client) value(p string) lwm2m.Value {
	return locked(c, func() lwm2m.Value { return c.device.Tree().Value(path(p), c.now()) })
}

// unhex is bytes that a test gives in hexadecimal.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
