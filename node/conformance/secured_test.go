package conformance

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/config"
)

// The tests of this file are for the case, the rule and the lines of the
// checklist that are about DTLS with pre-shared keys.

// A device of each version registers over each kind of session, and is read.
func TestOMA401(t *testing.T) {
	t.Parallel()
	for _, s := range sessions {
		for _, o := range since10 {
			t.Run(s.name+" "+o.Version.String(), func(t *testing.T) {
				t.Parallel()
				c := meetSecured(t, common, o, s)
				if n := c.happened(device.Registered, ""); n != 1 {
					t.Errorf("registered %d times", n)
				}
				reads(c, lwm2m.FormatTLV, "TLV", map[string][]string{"/3/0": append([]string{`/3/0/2="` + c.name + `"`}, product...)})
				if r := c.registration(); r.Security != "PSK" || !r.Session {
					t.Errorf("security %s, session %v", r.Security, r.Session)
				}
				c.mu.Lock()
				defer c.mu.Unlock()
				if got := c.link.Suite(); got != s.Suites[0] || len(c.link.CID()) > 0 == s.NoCID || c.link.ReusedNonces() > 0 {
					t.Errorf("%v, Connection ID %x, %d nonces used twice", got, c.link.CID(), c.link.ReusedNonces())
				}
			})
		}
	}
	t.Run("in the clear", func(t *testing.T) {
		t.Parallel()
		if r := meet(t, common, v11).registration(); r.Security != "NO_SEC" || r.Session {
			t.Errorf("security %s, session %v", r.Security, r.Session)
		}
	})
}

func TestRule29(t *testing.T) {
	t.Parallel()
	for _, s := range sessions {
		t.Run("a ClientHello in a session/"+s.name, func(t *testing.T) {
			t.Parallel()
			helloInASession(t, s)
		})
	}
	t.Run("a new address", newAddress)
	t.Run("records from elsewhere", recordsFromElsewhere)
	t.Run("identity and endpoint", identityAndEndpoint)
}

// A device that restarts on its old port makes a session beside the one that
// there is, which serves until then. Its registration, and what it is to be
// asked, outlive both.
func helloInASession(t *testing.T, s session) {
	p := secured(t, common, s)
	p.joins("lt=300&lwm2m=1.1", objects)
	op := p.submit("read /3/0/0")
	p.next("GET /3/0/0")
	p.shut(identityOf(p.name), []byte("another key"), s)
	p.updates("", "")
	late, _ := p.update()
	p.shakes(s)
	p.updates("", "")
	p.answer(p.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "a")
	if o := p.ended(op); o.Status != platform.Successful {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	p.unheard(late)
}

// A device with Connection ID is answered where it is. A long request goes there
// when it has spoken from there a second time, for which it is asked.
func newAddress(t *testing.T) {
	t.Parallel()
	p := secured(t, common, withCID)
	p.joins("lt=300&lwm2m=1.1", objects)
	old := p.rebinds()
	p.updates("", "")
	p.at(p.conn)
	op := p.submit("write /16/0/0/0 " + strings.Repeat("x", 500))
	ping := p.await(patience, func(m *coap.Message) bool { return m.Type == coap.Confirmable && m.Code == coap.Empty })
	if ping == nil || len(p.queued) > 0 {
		t.Fatalf("a new address is sent %v, %v", ping, p.queued)
	}
	p.send(&coap.Message{Type: coap.Reset, MessageID: ping.MessageID})
	p.answer(p.next("PUT /16/0/0/0"), coap.Changed, none, "")
	if o := p.ended(op); o.Status != platform.Successful {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	untouched(t, old)
}

// at checks where the node takes the peer to be.
func (p *peer) at(conn *net.UDPConn) {
	p.t.Helper()
	if got, want := p.registration().Address, conn.LocalAddr().String(); got != want {
		p.t.Errorf("at %s, want %s", got, want)
	}
}

// What was there before, what is forged and what was overtaken moves nobody.
func recordsFromElsewhere(t *testing.T) {
	t.Parallel()
	p, enemy := secured(t, common, withCID), socket(t)
	p.joins("lt=300&lwm2m=1.1", objects)
	overtaken, mid := p.update()
	newest, _ := p.update()
	p.deliver(newest)
	forged := bytes.Clone(newest)
	forged[10]++ // its sequence number
	cut := newest[:len(newest)-1]
	for _, datagram := range [][]byte{newest, forged, cut, overtaken} {
		_, err := enemy.WriteToUDPAddrPort(datagram, p.to)
		check(t, err)
	}
	if a := p.await(patience, func(m *coap.Message) bool { return m.MessageID == mid }); a == nil || a.Code != coap.Changed {
		t.Errorf("a record that was overtaken is answered %v", a)
	}
	if o := p.exchange("read /3/0/0", "GET /3/0/0", coap.Content, lwm2m.FormatText, "a"); o.Status != platform.Successful {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	p.at(p.conn)
	untouched(t, enemy)
}

// A session speaks for the endpoint of its identity, and for no other: at
// Register and later.
func identityAndEndpoint(t *testing.T) {
	t.Parallel()
	p, other := secured(t, common, withCID), secured(t, common, classic)
	p.joins("lt=300&lwm2m=1.1", objects)
	other.joins("lt=300&lwm2m=1.1", objects)
	token := other.observes("/3/0/9", lwm2m.FormatText, "1")
	const pack = `[{"n":"/3/0/9","v":7}]`
	for _, c := range []struct {
		code   coap.Code
		target string
		want   coap.Code
	}{
		{coap.POST, "rd?lwm2m=1.1&ep=" + other.name, coap.Forbidden},
		{coap.POST, "rd?lwm2m=1.1&ep=nobody", coap.Forbidden},
		{coap.POST, "rd?lwm2m=1.1&ep=", coap.BadRequest},
		{coap.POST, "rd?lwm2m=1.1&lt=soon", coap.BadRequest},
		{coap.POST, other.location, coap.Forbidden},
		{coap.POST, other.location + "?lt=60", coap.Forbidden},
		{coap.DELETE, other.location, coap.Forbidden},
		{coap.POST, p.location, coap.Changed},
	} {
		m := p.request(c.code, c.target, none, "")
		if strings.HasPrefix(c.target, "rd?") {
			m = p.request(c.code, c.target, lwm2m.FormatLink, objects)
		}
		if a := p.ask(m); a.Code != c.want {
			t.Errorf("%s: %s, want %s", words(m), a.Code, c.want)
		}
	}
	if got := p.notify(token, 2, lwm2m.FormatText, "66"); got != coap.Reset {
		t.Errorf("the notification of another is answered %s", got)
	}
	if a := p.post("dp", senml, pack); a.Code != coap.Changed {
		t.Errorf("Send: %s", a.Code)
	}
	p.awaitValue("/3/0/9", lwm2m.Integer(7))
	if v := other.values()["/3/0/9"].Value; v != lwm2m.Integer(1) {
		t.Errorf("the other's value became %s", v)
	}
	other.updates("", "")

	a := p.post("rd?lt=300&lwm2m=1.1", lwm2m.FormatLink, objects) // ep is the identity's
	if a.Code != coap.Created {
		t.Fatalf("Register without ep: %s %s", a.Code, a.Payload)
	}
	if h := p.node.handleOf(t, a.LocationPath(), p.name); h.id != p.id {
		t.Errorf("without ep it is device %s, was %s", h.id, p.id)
	}
	p.ask(p.request(coap.DELETE, a.LocationPath(), none, ""))
	if a := p.post("dp", senml, pack); a.Code != coap.NotFound {
		t.Errorf("a Send after De-register: %s", a.Code)
	}
}

// A device with an identity may notify and send from wherever it is.
func TestSecuredMoves(t *testing.T) {
	t.Parallel()
	p := secured(t, common, withCID)
	p.joins("lt=300&lwm2m=1.1", objects)
	token := p.observes("/3/0/9", lwm2m.FormatText, "1")
	p.rebinds()
	if got := p.notify(token, 2, lwm2m.FormatText, "2"); got != coap.Acknowledgement {
		t.Errorf("a notification from a new address is answered %s", got)
	}
	p.awaitValue("/3/0/9", lwm2m.Integer(2))
	p.at(p.conn)
	p.rebinds()
	if a := p.post("dp", senml, `[{"n":"/3/0/9","v":3}]`); a.Code != coap.Changed {
		t.Errorf("a Send from a new address: %s", a.Code)
	}
	p.awaitValue("/3/0/9", lwm2m.Integer(3))
	p.at(p.conn)
	p.exchange("read /3/0/0", "GET /3/0/0", coap.Content, lwm2m.FormatText, "a")
}

// A body in blocks and a repeated request are one, though each datagram comes from
// another address.
func TestSecuredMovesBetweenBlocks(t *testing.T) {
	t.Parallel()
	p := secured(t, common, withCID)
	list := objects + strings.Repeat(",</3303/1>", 20)
	var a *coap.Message
	for i := 0; i*128 < len(list); i++ {
		more := (i+1)*128 < len(list)
		m := p.request(coap.POST, "rd?lt=300&lwm2m=1.1&ep="+p.name, lwm2m.FormatLink, list[i*128:min((i+1)*128, len(list))])
		m.AddBlock(coap.OptBlock1, coap.Block{Num: uint32(i), More: more, SZX: 3})
		a = p.ask(m)
		p.rebinds()
		if again := p.ask(m); again.Code != a.Code || again.LocationPath() != a.LocationPath() {
			t.Errorf("block %d: %s, and again %s", i, a.Code, again.Code)
		}
		if more && a.Code != coap.Continue {
			t.Fatalf("block %d: %s %s", i, a.Code, a.Payload)
		}
	}
	if a.Code != coap.Created {
		t.Fatalf("%s %s", a.Code, a.Payload)
	}
	p.location = a.LocationPath()
	p.updates("", "")
}

// Without a session a device is out of reach, and stays registered: what it is
// to be asked waits, also for a handshake that fails.
func TestNoSession(t *testing.T) {
	t.Parallel()
	p := secured(t, common, classic)
	p.joins("lt=300&lwm2m=1.1", objects)
	p.deliver(p.link.Close(nil))
	p.awaits("the end of the session", func(r registration) bool { return !r.Session })
	op := p.submit("read /3/0/0")
	p.shut(identityOf(p.name), []byte("another key"), classic)
	if r := p.registration(); p.status(op) != platform.Pending || !r.Registered {
		t.Errorf("%s, registered %v", p.status(op), r.Registered)
	}
	untouched(t, p.conn)
	p.shakes(classic)
	if s := p.status(op); s != platform.Pending {
		t.Errorf("%s before the device said anything", s)
	}
	untouched(t, p.conn)
	p.updates("", "")
	p.answer(p.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "a")
	if o := p.ended(op); o.Status != platform.Successful {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
}

// An endpoint with credentials is served over DTLS alone, whoever else may come;
// and over DTLS nobody need be let in but by credentials.
func TestPlainPort(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	p.node.provide(t, p.name)
	if p.registration().Registered {
		t.Error("a registration without security is still there")
	}
	session := scripted(t, common)
	session.name, session.to = p.name, common.coaps()
	for _, when := range []string{"before its handshake", "with a session"} {
		for _, m := range []*coap.Message{
			p.request(coap.POST, "rd?lwm2m=1.1&ep="+p.name, lwm2m.FormatLink, objects),
			p.request(coap.POST, p.location, none, ""),
			p.request(coap.DELETE, p.location, none, ""),
		} {
			if a := p.ask(m); a.Code != coap.Forbidden {
				t.Errorf("%s %s: %s", words(m), when, a.Code)
			}
		}
		if when == "before its handshake" {
			session.shakes(withCID)
			session.joins("lt=300&lwm2m=1.1", objects)
			p.location = session.location
		}
	}
	session.updates("", "")

	strict := another(t, func(c *config.Config) { c.AcceptUnknown = false })
	secured(t, strict, withCID).joins("lt=300&lwm2m=1.1", objects)
	stranger := scripted(t, strict)
	if a := stranger.post("rd?lwm2m=1.1&ep="+stranger.name, lwm2m.FormatLink, objects); a.Code != coap.Forbidden {
		t.Errorf("a stranger: %s", a.Code)
	}
}

// An identity belongs to one endpoint.
func TestIdentitiesAreUnique(t *testing.T) {
	t.Parallel()
	mine, other := endpoint(t), endpoint(t)
	common.provide(t, mine)
	for _, c := range []struct {
		endpoint, identity string
		want               int
	}{
		{other, identityOf(mine), http.StatusConflict},
		{mine, identityOf(other), http.StatusConflict}, // it has another
		{mine, identityOf(mine), http.StatusOK},
		{other, identityOf(other), http.StatusCreated},
	} {
		body := platform.NewCredentials{Endpoint: c.endpoint, Identity: c.identity, Key: pskKey}.Append(nil)
		_, err := common.api.Expect(c.want, http.MethodPost, platform.CredentialsPath, string(body))
		check(t, err)
	}
}

// Other credentials end a session, none the registration, too. An identity that
// is not the endpoint's any more is nobody's, and may become another's.
func TestCredentialsChange(t *testing.T) {
	t.Parallel()
	n := another(t, nil)
	p := secured(t, n, withCID)
	p.joins("lt=300&lwm2m=1.1", objects)
	late, _ := p.update()
	body := platform.NewCredentials{Endpoint: p.name, Identity: "changed", Key: pskKey}.Append(nil)
	_, err := n.api.Expect(http.StatusOK, http.MethodPut, platform.CredentialsAddress(p.name), string(body))
	check(t, err)
	p.hangsUp()
	p.shut(identityOf(p.name), pskKey, withCID)
	p.shakesAs("changed", withCID)
	p.updates("", "")
	p.unheard(late)

	heir := scripted(t, n)
	heir.to = n.coaps()
	check(t, n.api.Provision(heir.name, identityOf(p.name), pskKey))
	heir.shakesAs(identityOf(p.name), withCID)
	heir.joins("lt=300&lwm2m=1.1", objects)
	if a := heir.post(p.location, none, ""); a.Code != coap.Forbidden {
		t.Errorf("the heir of an identity updates its old registration: %s", a.Code)
	}

	check(t, n.api.Revoke(p.name))
	p.hangsUp()
	if r := p.registration(); r.Registered || r.Session {
		t.Errorf("without credentials: registered %v, session %v", r.Registered, r.Session)
	}
	p.shut("changed", pskKey, withCID)
	heir.updates("", "")
}
