package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// registrationOf is what the API says of a device's registration.
func registrationOf(t testing.TB, m platform.ManagedObject) platform.Fragments {
	t.Helper()
	return must[platform.Fragments](t)(platform.ParseFragments(m.Fragments.Get("c8y_LwM2MRegistration")))
}

// kind is a figure of /metrics that has one label, kind.
func (n node) kind(t testing.TB, name, kind string) float64 {
	t.Helper()
	return n.counter(t, fmt.Sprintf("%s{kind=%q}", name, kind))
}

// counter is a figure of /metrics.
func (n node) counter(t testing.TB, name string) (value float64) {
	t.Helper()
	r := must[apptest.Reply](t)(n.api.Expect(http.StatusOK, http.MethodGet, "/metrics", ""))
	for line := range strings.Lines(string(r.Body)) {
		if _, err := fmt.Sscanf(line, name+" %g", &value); err == nil {
			return value
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// deviceOf is the managed object of a mouse.
func (n node) deviceOf(t testing.TB, m *mouse) platform.ManagedObject {
	t.Helper()
	return must[platform.ManagedObject](t)(n.api.DeviceAt(m.location, m.name))
}

// TestRebinding: the device sends each of 1000 messages from another port. There
// is no handshake, no message is lost, and answers go to where it is. A replayed
// or forged record moves nothing.
func TestRebinding(t *testing.T) {
	messages := 1000
	if testing.Short() || raced {
		messages = 200
	}
	n := start(t, settings(t.TempDir()), app.Options{})
	m := newMouse(t, n.api, n.CoAPS()[0], "rebinding", secure.Options{})
	enemy := must[*net.UDPConn](t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.server)))
	defer enemy.Close()
	for i := range messages {
		m.rebind()
		check(t, m.update())
		if i%100 != 7 {
			continue
		}
		// The record that just arrived, from elsewhere; and a newer one, forged.
		last := m.sent[len(m.sent)-1]
		forged := bytes.Clone(last)
		forged[10]++ // its sequence number
		for _, b := range [][]byte{last, forged} {
			_, err := enemy.Write(b)
			check(t, err)
		}
		check(t, reach(n.api, m, "read /3/0/0"))
	}
	check(t, enemy.SetReadDeadline(time.Unix(1, 0)))
	if got, err := enemy.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes were sent to who replays and forges", got)
	}
	if m.handshakes != 1 || m.strays != 0 || m.link.ReusedNonces() != 0 {
		t.Errorf("%d handshakes, %d strays, %d nonces used twice", m.handshakes, m.strays, m.link.ReusedNonces())
	}
	if got := n.counter(t, `dormouse_dtls_handshakes_total`); got != 1 {
		t.Errorf("the node counts %v handshakes", got)
	}
}

// TestNewHelloOnALivePath: a client that restarts on its old port makes another
// session beside the one that there is, which serves until the new one is made.
func TestNewHelloOnALivePath(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	for _, o := range []secure.Options{{}, {NoCID: true}} {
		m := newMouse(t, n.api, n.CoAPS()[0], fmt.Sprintf("restarts-%v", o.NoCID), o)
		old := m.link
		wrong := o
		wrong.Key = []byte("another key than ours")
		if err := m.handshake(wrong); err == nil {
			t.Error("a handshake with a wrong key succeeded")
		}
		m.link = old // its session goes on beside all of that
		check(t, m.update())
		check(t, m.handshake(o))
		check(t, m.update())
		again := m.link
		m.link = old
		m.write(m.link.Seal(nil, []byte{0x40, 0, 0, 1}))
		if a, err := m.wait(100*time.Millisecond, func(*coap.Message) bool { return true }); a != nil || err != nil {
			t.Errorf("the old session is answered: %v, %v", a, err)
		}
		m.link = again
		check(t, m.update())
	}
}

// TestDTLSWithoutCID: where none is given, a client that offers a Connection ID is
// known by its address. From another one it is not heard, and makes a new session.
func TestDTLSWithoutCID(t *testing.T) {
	c := settings(t.TempDir())
	c.ConnectionIDs = false
	n := start(t, c, app.Options{})
	for _, o := range []secure.Options{{}, {CIDLength: 4}} {
		m := newMouse(t, n.api, n.CoAPS()[0], fmt.Sprintf("offers-%d", o.CIDLength), o)
		if len(m.link.CID()) > 0 || m.link.Asks() {
			t.Errorf("%s: Connection ID %x, one of its own %v", m.name, m.link.CID(), m.link.Asks())
		}
		check(t, reach(n.api, m, "read /3/0/0"))

		elsewhere := must[*net.UDPConn](t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.server)))
		defer elsewhere.Close()
		datagram := m.link.Seal(nil, m.request(coap.POST, m.location, nil))
		_, err := elsewhere.Write(datagram)
		check(t, err)
		m.write(datagram) // no replay, if it was not heard
		if a, err := m.wait(time.Minute, m.answered); err != nil || a == nil || a.Code != coap.Changed {
			t.Errorf("%s: what was sent from elsewhere is answered %v, %v here", m.name, a, err)
		}
		check(t, elsewhere.SetReadDeadline(time.Unix(1, 0)))
		if got, err := elsewhere.Read(make([]byte, 100)); err == nil {
			t.Errorf("%s: %d bytes were sent elsewhere", m.name, got)
		}

		m.rebind()
		check(t, m.handshake(o))
		check(t, m.update())
		check(t, reach(n.api, m, "read /3/0/1"))
	}
}

// TestBindingOfIdentities: a session speaks for one endpoint, and an endpoint with
// credentials over sessions alone.
func TestBindingOfIdentities(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	m := newMouse(t, n.api, n.CoAPS()[0], "mine", secure.Options{})
	other := newMouse(t, n.api, n.CoAPS()[0], "other", secure.Options{})
	objects := []byte("</3/0>")
	for _, c := range []struct {
		code    coap.Code
		path    string
		payload []byte
		query   []string
		want    coap.Code
	}{
		{coap.POST, "rd", objects, []string{"lt=60", "lwm2m=1.1"}, coap.Created},
		{coap.POST, "rd", objects, []string{"ep=other", "lt=60", "lwm2m=1.1"}, coap.Forbidden},
		{coap.POST, "rd", objects, []string{"ep=stranger", "lt=60", "lwm2m=1.1"}, coap.Forbidden},
		{coap.POST, "rd", objects, []string{"ep=", "lt=60", "lwm2m=1.1"}, coap.BadRequest},
		{coap.POST, "rd", objects, []string{"ep=mine", "lt=x", "lwm2m=1.1"}, coap.BadRequest},
		{coap.POST, other.location, nil, nil, coap.Forbidden},
		{coap.DELETE, other.location, nil, nil, coap.Forbidden},
		{coap.POST, "rd/" + ids.Location{}.String(), nil, nil, coap.Forbidden},
		{coap.POST, "rd/nonsense", nil, nil, coap.NotFound},
	} {
		if a, err := m.ask(c.code, c.path, c.payload, c.query...); err != nil || a.Code != c.want {
			t.Errorf("%s %s %v: %v, %v", c.code, c.path, c.query, a, err)
		}
	}
	check(t, other.update())
	plain := dial(t, n.CoAP()[0])
	for path, queries := range map[string][]string{"rd": {"ep=mine", "lt=60", "lwm2m=1.1"}, other.location: nil} {
		if a := ask(t, plain, plain.New(coap.Confirmable, coap.POST, path, queries...)); a.Code != coap.Forbidden {
			t.Errorf("%s over plain CoAP: %s", path, a.Code)
		}
	}
}

// TestCredentialsTakenAway: with its credentials go a device's session and its
// registration; the next handshake fails.
func TestCredentialsTakenAway(t *testing.T) {
	n := start(t, settings(t.TempDir()), app.Options{})
	m := newMouse(t, n.api, n.CoAPS()[0], "outcast", secure.Options{})
	device := n.deviceOf(t, m)
	if got := string(registrationOf(t, device).Get("securityMode")); got != `"PSK"` {
		t.Errorf("security mode %s", got)
	}
	check(t, n.api.Revoke("outcast"))
	_, err := m.wait(time.Minute, func(*coap.Message) bool { return false })
	check(t, err)
	if alert, ended := m.link.Ended(); !ended || alert.Description != dtlsrec.CloseNotify {
		t.Errorf("the session goes on, or ended by %v", alert)
	}
	if err := m.handshake(secure.Options{}); !errors.Is(err, secure.ErrRefused) {
		t.Errorf("a handshake without credentials: %v", err)
	}
	after := must[platform.ManagedObject](t)(n.api.Object(device.ID))
	if got := string(registrationOf(t, after).Get("registered")); got != "false" {
		t.Errorf("registered: %s", got)
	}
}

// TestReplayAfterRestart: all that a device ever sent is sent again after a
// restart. Nothing changes, and nothing but requests to show a cookie comes back.
func TestReplayAfterRestart(t *testing.T) {
	c := settings(t.TempDir())
	c.CoAPS = []string{"127.0.0.1:0"}
	n := start(t, c, app.Options{})
	m := newMouse(t, n.api, n.CoAPS()[0], "recorded", secure.Options{CIDLength: 3})
	device := n.deviceOf(t, m)
	for i := range 5 {
		check(t, reach(n.api, m, fmt.Sprintf("read /3/0/%d", i)))
		check(t, m.update())
	}
	before := must[platform.ManagedObject](t)(n.api.Object(device.ID))
	c.CoAPS = []string{n.CoAPS()[0].String()}
	check(t, n.Stop())
	n = start(t, c, app.Options{})

	enemy := must[*net.UDPConn](t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.server)))
	defer enemy.Close()
	for range 2 {
		for _, datagram := range append(slices.Clone(m.flights), m.sent...) {
			_, err := enemy.Write(datagram)
			check(t, err)
		}
	}
	check(t, apptest.Eventually(func() error {
		if got := n.kind(t, "dormouse_endpoint_events_total", "record_refused"); got != float64(2*len(m.sent)) {
			return fmt.Errorf("%v of %d records were refused", got, 2*len(m.sent))
		}
		return nil
	}))
	same := must[platform.ManagedObject](t)(n.api.Object(device.ID))
	if was, is := registrationOf(t, before).Append(nil), registrationOf(t, same).Append(nil); !bytes.Equal(was, is) || !same.Updated.Equal(before.Updated) {
		t.Errorf("%s became %s", was, is)
	}
	m.rebind()
	check(t, m.update()) // all that was waited for is handled
	onlyCookies(t, enemy, m.flights)
	if got := n.counter(t, "dormouse_dtls_handshakes_half_open"); got != 0 {
		t.Errorf("%v handshakes were begun", got)
	}
}

// onlyCookies reads what came back: a ClientHello is asked to show a cookie, by
// fewer bytes than it has, and all else is met with silence.
func onlyCookies(t *testing.T, conn *net.UDPConn, flights [][]byte) {
	t.Helper()
	check(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	b := make([]byte, 2048)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return // the deadline: all is here that was sent before the device's answer
		}
		h, fragment, _, err := dtlsrec.ParseHeader(b[:n], 0)
		if err != nil || h.Type != dtlsrec.TypeHandshake || fragment[0] != byte(dtlsrec.HelloVerifyRequest) || n > len(flights[0]) {
			t.Errorf("% x came back", b[:n])
		}
	}
}
