package bootstrap

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

func ptr[T any](v T) *T { return &v }

// basic is configuration C.1 of the OMA test specification, with a pre-shared key.
func basic() *Config {
	return &Config{
		Serial: 1,
		Servers: []Server{{
			URI: "coaps://server.example.com:5784", ShortID: 1, Lifetime: 86400, StoreNotifications: ptr(false),
			Security: Security{Mode: PSK, Identity: testName, Key: NewSecret([]byte("0123456789abcdef"))},
		}},
		Account: Account{Security: Security{Mode: NoSec}},
	}
}

// two has a second server.
func two() *Config {
	c := basic()
	c.Servers = append(c.Servers, Server{URI: "coap://other.example.com", ShortID: 102, Lifetime: 0, Security: Security{Mode: NoSec},
		MinPeriod: ptr[int64](1), MaxPeriod: ptr[int64](60), DisableTimeout: ptr[int64](3600), Binding: "UT"})
	return c
}

// Clients as they are (lwm2m.md 3.8).
var (
	leshan  = habits{account: 0, discover: coap.Content, listing: "</>;lwm2m=1.1", pct: "pct=112", knows: []lwm2m.Format{112, 11542}, size: 1024, separate: true, delay: 3 * time.Second}
	zephyr  = habits{account: 1, discover: coap.Content, listing: `lwm2m="1.1"`, pct: "pct=110", knows: []lwm2m.Format{110}, size: 256, strict: true}
	anjay   = habits{account: 1, discover: coap.Content, listing: "</>;lwm2m=1.2", pct: "pct=11544", knows: []lwm2m.Format{11544, 112}, size: 1024, pack: true}
	wakaama = habits{account: 0, discover: coap.MethodNotAllowed, knows: []lwm2m.Format{11542}, size: 1024, whole: true}
	old     = habits{account: 0, discover: coap.Content, listing: "lwm2m=1.0", knows: []lwm2m.Format{11542}, size: 64}
)

// play lets a device bootstrap over a good network.
func play(t *testing.T, c *Config, h habits, change func(*node, *device)) (*node, *device) {
	t.Helper()
	n := newNetwork(t, 1)
	nd, d := newNode(n, c), newDevice(n, h)
	connect(nd, d)
	if change != nil {
		change(nd, d)
	}
	n.after(0, d.begin)
	n.run()
	if d.overlap && nd.restarts == 0 { // else what was under way is asked again
		t.Error("two requests were under way at once")
	}
	return nd, d
}

// holds compares what a device stored with what it should: its account as it was, and
// all of the configuration, wherever it lies.
func holds(t testing.TB, c *Config, d *device, account map[lwm2m.Path]lwm2m.Value) {
	t.Helper()
	want := map[string]string{}
	put := func(at string, r uint16, v lwm2m.Value) { want[fmt.Sprintf("%s %d", at, r)] = v.String() }
	for i := range c.Servers {
		s := &c.Servers[i]
		at := fmt.Sprintf("/0 of %d", s.ShortID)
		put(at, 0, lwm2m.String(s.URI))
		put(at, 1, lwm2m.Boolean(false))
		put(at, 2, lwm2m.Integer(int64(s.Mode)))
		put(at, 3, lwm2m.Opaque([]byte(s.Identity)))
		put(at, 4, lwm2m.Opaque(s.ServerKey))
		put(at, 5, lwm2m.Opaque(s.Key.Reveal()))
		put(at, 10, lwm2m.Integer(int64(s.ShortID)))
		at = fmt.Sprintf("/1 of %d", s.ShortID)
		put(at, 0, lwm2m.Integer(int64(s.ShortID)))
		put(at, 1, lwm2m.Integer(s.Lifetime))
		for r, v := range map[uint16]*int64{2: s.MinPeriod, 3: s.MaxPeriod, 5: s.DisableTimeout} {
			if v != nil {
				put(at, r, lwm2m.Integer(*v))
			}
		}
		put(at, 6, lwm2m.Boolean(s.StoreNotifications == nil || *s.StoreNotifications))
		put(at, 7, lwm2m.String(map[string]string{"": "U"}[s.Binding]+s.Binding))
	}
	got := map[string]string{}
	for p, v := range d.stored {
		at := p.Prefix(2)
		switch {
		case p.Object() == 0 && p.Instance() != d.account:
			got[fmt.Sprintf("/0 of %s %d", d.stored[at.Child(10)], p.Resource())] = v.String()
		case p.Object() == 1:
			got[fmt.Sprintf("/1 of %s %d", d.stored[at.Child(0)], p.Resource())] = v.String()
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the device holds\n%v\nwant\n%v", got, want)
	}
	untouched(t, d, account)
}

func untouched(t testing.TB, d *device, account map[lwm2m.Path]lwm2m.Value) {
	t.Helper()
	if got := accountOf(d.stored, d.account); fmt.Sprint(got) != fmt.Sprint(account) {
		t.Errorf("the account became %v, was %v", got, account)
	}
	if d.stored[lwm2m.NewPath(3, 0, 0)].Text() != "dormouse" {
		t.Error("/3 was deleted")
	}
}

func accountOf(all map[lwm2m.Path]lwm2m.Value, instance uint16) map[lwm2m.Path]lwm2m.Value {
	out := map[lwm2m.Path]lwm2m.Value{}
	for p, v := range all {
		if p.Prefix(2) == lwm2m.NewPath(0, instance) {
			out[p] = v
		}
	}
	return out
}

func kinds(list []Notice) (out []NoticeKind) {
	for _, n := range list {
		out = append(out, n.Kind)
	}
	return out
}

// lifecycle are the notices that become events of the device.
func lifecycle(list []Notice) string {
	var out []string
	for _, n := range list {
		if n.Kind <= Failure {
			out = append(out, strings.TrimPrefix(n.Kind.String(), "c8y_LWM2MDeviceBootstrap"))
		}
	}
	return strings.Join(out, " ")
}

func TestClientsBootstrap(t *testing.T) {
	offset := basic()
	offset.Offset = ptr[uint16](5)
	keyed := basic()
	keyed.Servers[0].ServerKey = make([]byte, 3000)
	reading := two()
	reading.ReadBack = true
	for _, tc := range []struct {
		name   string
		c      *Config
		h      habits
		asked  string
		format lwm2m.Format
	}{
		{"int-0 client-initiated, account at /0/1", basic(), zephyr, "GET /; PUT /0/0; PUT /1/0; POST /bs", 110},
		{"int-0 account at /0/0, separate answers", basic(), leshan, "GET /; PUT /0/1; PUT /1/0; POST /bs", 112},
		{"int-0 of 1.0, no pct, Discover in blocks", basic(), old, "GET /; PUT /0/1; PUT /1/0; POST /bs", 11542},
		{"int-0 Discover refused, all of /0 needed", basic(), wakaama, "GET /; DELETE /0; DELETE /1; DELETE /2; PUT /0/1; PUT /1/0; POST /bs", 11542},
		{"int-0 from an offset", offset, leshan, "GET /; PUT /0/5; PUT /1/0; POST /bs", 112},
		{"int-0 from an offset, Discover refused", offset, wakaama, "GET /; DELETE /0; DELETE /1; DELETE /2; PUT /0/5; PUT /1/0; POST /bs", 11542},
		{"int-0 a write in blocks", keyed, leshan, "GET /; PUT /0/1; PUT /1/0; POST /bs", 112},
		{"int-0 two servers around the account", two(), zephyr, "GET /; PUT /0/0; PUT /0/2; PUT /1/0; PUT /1/1; PUT /2/0; PUT /2/1; PUT /2/2; POST /bs", 110},
		{"int-8 what was written is read", reading, leshan, "GET /; PUT /0/1; PUT /0/2; PUT /1/0; PUT /1/1; PUT /2/0; PUT /2/1; PUT /2/2; GET /1; GET /2; POST /bs", 112},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var account map[lwm2m.Path]lwm2m.Value
			nd, d := play(t, tc.c, tc.h, func(_ *node, d *device) { account = clone(d.stored); delete(account, lwm2m.NewPath(3, 0, 0)) })
			if got := strings.Join(d.asked, "; "); got != tc.asked {
				t.Errorf("asked\n%s\nwant\n%s", got, tc.asked)
			}
			if tc.h.listing == "lwm2m=1.0" {
				c := *tc.c
				c.Servers = slices.Clone(c.Servers)
				c.Servers[0].Binding = "UQ"
				tc.c = &c
			}
			holds(t, tc.c, d, account)
			if got := lifecycle(nd.notices); got != "Start End" || d.state != deviceDone {
				t.Errorf("notices %s: %v", got, nd.notices)
			}
			for i, q := range d.asked {
				if strings.HasPrefix(q, "PUT") && d.formats[i] != tc.format {
					t.Errorf("%s as %s", q, d.formats[i])
				}
			}
			r := nd.results[0]
			if len(r.Refused) != 0 || r.Reason != "" || len(r.Security) != len(tc.c.Servers) || r.At.IsZero() {
				t.Errorf("result %+v", r)
			}
			if known := tc.h.discover == coap.Content; known != (r.Account != nil) || known && *r.Account != tc.h.account {
				t.Errorf("account %v", r.Account)
			}
		})
	}
}

func TestInt8ReadBack(t *testing.T) {
	c := two()
	c.ReadBack = true
	nd, _ := play(t, c, leshan, nil)
	want := map[string]string{"/1/0/1": "86400", "/1/1/0": "102", "/2/0/0": "3", "/2/0/1": "0", "/2/0/2/0": "31", "/2/0/3": "65535", "/2/1/2/1": "7", "/2/2/3": "102"}
	for _, n := range nd.results[0].Read {
		if v, ok := want[n.Path.String()]; ok && v == n.Value.String() {
			delete(want, n.Path.String())
		}
	}
	if len(want) > 0 {
		t.Errorf("not read: %v of %v", want, nd.results[0].Read)
	}
}

// int-4, int-5: a device that has a configuration gets another one. What is of the one
// before goes, each instance of /0 by itself.
func TestInt4And5BootstrapAgain(t *testing.T) {
	for _, h := range []habits{zephyr, leshan} {
		nd, d := play(t, two(), h, nil)
		account := accountOf(d.stored, h.account)
		d.stored[lwm2m.NewPath(2, 7, 0)] = lwm2m.Integer(3)
		d.asked, nd.config = nil, basic()
		d.state, d.tries, nd.notices = deviceIdle, 0, nil
		nd.net.after(0, d.begin)
		nd.net.run()
		holds(t, basic(), d, account)
		first, second := "0", "2"
		if h.account == 0 {
			first, second = "1", "2"
		}
		want := "GET /; DELETE /0/" + first + "; DELETE /0/" + second + "; DELETE /1; DELETE /2; PUT /0/" + first + "; PUT /1/0; POST /bs"
		if got := strings.Join(d.asked, "; "); got != want {
			t.Errorf("asked\n%s\nwant\n%s", got, want)
		}
		if got := lifecycle(nd.notices); got != "Start End" {
			t.Error(got, nd.notices)
		}
	}
}

// int-9: a configuration that the device finds inconsistent is told of, and the next
// request is served.
func TestInt9FinishRefused(t *testing.T) {
	nd, d := play(t, basic(), zephyr, func(_ *node, d *device) {
		d.refuses = map[string]coap.Code{"PUT /0/0": coap.BadRequest}
	})
	if got := lifecycle(nd.notices); got != "Start Failure" || d.state == deviceDone {
		t.Fatal(got)
	}
	r := nd.results[0]
	if !strings.Contains(r.Reason, "4.06") || !strings.Contains(r.Reason, "Write /0/0 was answered 4.00") || len(r.Refused) != 1 {
		t.Errorf("result %+v", r)
	}
	d.refuses, d.tries, nd.notices = nil, 0, nil
	nd.net.after(0, d.begin)
	nd.net.run()
	if got := lifecycle(nd.notices); got != "Start End" || d.state != deviceDone {
		t.Error(got)
	}
}

// An error of a Delete, Write or Read is noted, and the session goes on.
func TestRefusals(t *testing.T) {
	c := two()
	c.ReadBack = true
	for _, tc := range []struct {
		refused string
		code    coap.Code
		ends    string
	}{
		{"DELETE /0", coap.BadRequest, "End"},
		{"DELETE /1", coap.InternalServerError, "End"},
		{"DELETE /2", coap.NotFound, "End, nothing refused"},
		{"PUT /0/1", coap.BadRequest, "Failure"},
		{"PUT /1/1", coap.MethodNotAllowed, "Failure"},
		{"PUT /2/0", coap.NotFound, "End"},
		{"GET /1", coap.MethodNotAllowed, "End"},
		{"POST /bs", coap.InternalServerError, "Failure"},
		{"GET /", coap.NotFound, "End, nothing refused"},
		{"GET /", coap.BadRequest, "End, nothing refused"},
		{"GET /", coap.NotImplemented, "End, nothing refused"},
	} {
		nd, d := play(t, c, wakaama, func(_ *node, d *device) {
			d.refuses = map[string]coap.Code{tc.refused: tc.code}
		})
		ends, _, clean := strings.Cut(tc.ends, ", ")
		if got := lifecycle(nd.notices); got != "Start "+ends {
			t.Errorf("%s %s: %s", tc.refused, tc.code, got)
			continue
		}
		r := nd.results[0]
		if last := d.asked[len(d.asked)-1]; last != "POST /bs" {
			t.Errorf("%s %s: ends with %s", tc.refused, tc.code, last)
		}
		wanted := tc.refused != "POST /bs" && !clean
		if found := len(r.Refused) == 1 && r.Refused[0].Code == tc.code; wanted != found {
			t.Errorf("%s %s: refused %v", tc.refused, tc.code, r.Refused)
		}
	}
}

// A format that the device does not know is changed for another.
func TestFormatFallsBack(t *testing.T) {
	h := leshan
	h.pct, h.knows = "", []lwm2m.Format{110}
	nd, d := play(t, basic(), h, nil)
	if got := lifecycle(nd.notices); got != "Start End" || d.state != deviceDone || len(nd.results[0].Refused) > 0 {
		t.Error(got, nd.notices)
	}
	h.knows = nil
	nd, _ = play(t, basic(), h, nil)
	if got := lifecycle(nd.notices); got != "Start Failure" {
		t.Error(got, nd.notices)
	}
}

// generateBootstrapServerConfig: the account is written again where it is.
func TestAccountIsRewritten(t *testing.T) {
	c := basic()
	c.Account = Account{Security: Security{Mode: NoSec}, Rewrite: true, URI: "coap://new.example.com", ShortID: 77}
	for _, tc := range []struct {
		h      habits
		offset *uint16
		writes string
	}{
		{zephyr, nil, "PUT /0/0; PUT /0/1"},
		{leshan, nil, "PUT /0/1; PUT /0/0"},
		{wakaama, nil, "PUT /0/1; PUT /0/0"},
		{leshan, ptr[uint16](3), "PUT /0/3; PUT /0/0"},
		{wakaama, ptr[uint16](3), "PUT /0/4; PUT /0/3"},
	} {
		c.Offset = tc.offset
		nd, d := play(t, c, tc.h, nil)
		asked := strings.Join(d.asked, "; ")
		if !strings.Contains(asked, tc.writes) {
			t.Errorf("asked %s, want %s", asked, tc.writes)
		}
		at := lwm2m.NewPath(0, *nd.results[0].Account)
		if d.stored[at.Child(0)].Text() != "coap://new.example.com" || !d.stored[at.Child(1)].Bool() || d.stored[at.Child(10)].Int() != 77 {
			t.Errorf("the account is %v", accountOf(d.stored, at.Instance()))
		}
		if got := nd.results[0].Security; len(got) != 1 {
			t.Errorf("instances of servers: %v", got)
		}
		// The next Discover shows the account with its ssid, and it is still the account.
		d.asked, d.state, d.tries = nil, deviceIdle, 0
		nd.net.after(0, d.begin)
		nd.net.run()
		if asked := strings.Join(d.asked, "; "); strings.Contains(asked, "DELETE "+at.String()+";") || !strings.Contains(asked, tc.writes) {
			t.Errorf("again: asked %s", asked)
		}
	}
}

// int-1 as far as the session goes: over DTLS, whose identity names the endpoint.
func TestInt1Sealed(t *testing.T) {
	c := basic()
	c.Account.Security = Security{Mode: PSK, Identity: "bs-id", Key: NewSecret([]byte("k"))}
	h := zephyr
	h.noEP = true
	nd, d := play(t, c, h, func(nd *node, _ *device) { nd.sealed, nd.identity = true, "bs-id" })
	if got := lifecycle(nd.notices); got != "Start End" || d.state != deviceDone {
		t.Fatal(got, nd.notices)
	}
	var m coap.Message
	if err := coap.Parse(nd.answer(t), &m); err != nil || len(m.Token) > 8 {
		t.Error(err)
	}
}

// answer is the remembered answer to the newest request.
func (nd *node) answer(t *testing.T) []byte {
	_, answers, err := parseRecord(nd.record)
	if err != nil || len(answers) < 15 {
		t.Fatalf("%x: %v", answers, err)
	}
	return answers[14:]
}

// A device that falls silent is told of, at the latest after 247 s.
func TestSilence(t *testing.T) {
	for _, silentAfter := range []int{0, 1, 2, 3} {
		nd, _ := play(t, basic(), zephyr, func(_ *node, d *device) {
			send := d.send
			d.send = func(m *coap.Message) {
				if len(d.asked) <= silentAfter {
					send(m)
				}
			}
		})
		if got := lifecycle(nd.notices); got != "Start Failure" {
			t.Errorf("silent after %d: %s", silentAfter, got)
		}
		if took := nd.results[0].At.Sub(time.UnixMilli(1_793_534_400_000)); took > Lifetime+time.Second {
			t.Errorf("silent after %d: %s", silentAfter, took)
		}
	}
	slow := leshan
	slow.delay = 80 * time.Second
	nd, _ := play(t, basic(), slow, nil)
	if r := nd.results[0]; !strings.Contains(r.Reason, "247 s") {
		t.Errorf("slow: %+v", r)
	}
	mute := leshan
	mute.silent = true
	offset := basic()
	offset.Offset = ptr[uint16](1)
	if nd, d := play(t, offset, mute, nil); lifecycle(nd.notices) != "Start End" || d.state != deviceDone {
		t.Error("a Discover that is never answered ends the session", nd.notices)
	}
}

// request is a Bootstrap-Request as its own datagram.
func request(code coap.Code, path string, mid uint16, queries ...string) coap.Message {
	m := coap.Message{Type: coap.Confirmable, Code: code, MessageID: mid, Token: []byte{byte(mid), 7}}
	m.AddPath(path)
	for _, q := range queries {
		m.AddString(coap.OptUriQuery, q)
	}
	return m
}

// hear gives one datagram to a session and returns what is sent.
func hear(t *testing.T, s *Session, now time.Time, d *Datagram) (sent []coap.Message, fx Effects) {
	t.Helper()
	s.Handle(now, d, &fx)
	for _, send := range fx.Sends {
		var m coap.Message
		if err := coap.Parse(send.Payload, &m); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, m)
	}
	return sent, fx
}

func TestRequestsThatAreRefused(t *testing.T) {
	sealed := basic()
	sealed.Account.Security = Security{Mode: PSK, Identity: "bs-id", Key: NewSecret([]byte("k"))}
	noServer := basic()
	noServer.Servers = nil
	ep := "ep=" + testName
	for _, tc := range []struct {
		name string
		c    *Config
		err  error
		d    Datagram
		code coap.Code
	}{
		{"unknown", nil, ErrUnknown, Datagram{Message: request(coap.POST, "bs", 1, ep)}, coap.BadRequest},
		{"nothing to give", nil, ErrUnconfigured, Datagram{Message: request(coap.POST, "bs", 1, ep)}, coap.BadRequest},
		{"unusable", noServer, nil, Datagram{Message: request(coap.POST, "bs", 1, ep)}, coap.BadRequest},
		{"cannot be read", nil, exchange.ErrBlocks, Datagram{Message: request(coap.POST, "bs", 1, ep)}, coap.ServiceUnavailable},
		{"no ep", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1)}, coap.BadRequest},
		{"ep twice", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, ep, "ep=other")}, coap.BadRequest},
		{"empty ep", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, "ep=")}, coap.BadRequest},
		{"another ep", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, "ep=other")}, coap.Forbidden},
		{"plain where DTLS is announced", sealed, nil, Datagram{Message: request(coap.POST, "bs", 1, ep)}, coap.Forbidden},
		{"DTLS where none is", basic(), nil, Datagram{Sealed: true, Identity: "x", Message: request(coap.POST, "bs", 1, ep)}, coap.Forbidden},
		{"another identity", sealed, nil, Datagram{Sealed: true, Identity: "x", Message: request(coap.POST, "bs", 1, ep)}, coap.Forbidden},
		{"an ep that is not the identity's", sealed, nil, Datagram{Sealed: true, Identity: "bs-id", Message: request(coap.POST, "bs", 1, "ep=other")}, coap.Forbidden},
		{"pct of text", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, ep, "pct=0")}, coap.UnsupportedContentFormat},
		{"pct of CBOR", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, ep, "pct=60")}, coap.UnsupportedContentFormat},
		{"pct of no number", basic(), nil, Datagram{Message: request(coap.POST, "bs", 1, ep, "pct=cbor")}, coap.BadRequest},
		{"GET", basic(), nil, Datagram{Message: request(coap.GET, "bs", 1, ep)}, coap.MethodNotAllowed},
		{"POST to the pack", basic(), nil, Datagram{Message: request(coap.POST, "bspack", 1, ep)}, coap.MethodNotAllowed},
		{"elsewhere", basic(), nil, Datagram{Message: request(coap.POST, "rd", 1, ep)}, coap.NotFound},
		{"below", basic(), nil, Datagram{Message: request(coap.POST, "bs/x", 1, ep)}, coap.NotFound},
	} {
		n := newNetwork(t, 1)
		nd := newNode(n, tc.c)
		nd.err = tc.err
		tc.d.Path = testPath
		sent, fx := hear(t, New(nd.env, testID, testName), n.now, &tc.d)
		if len(sent) != 1 || sent[0].Code != tc.code || fx.Record != nil || !fx.Wake.IsZero() || !fx.Alarm.IsZero() {
			t.Errorf("%s: sent %v, %+v", tc.name, sent, fx)
			continue
		}
		interface4xx := tc.code == coap.NotFound || tc.code == coap.MethodNotAllowed
		if failed := lifecycle(fx.Notices) == "Failure"; failed == interface4xx {
			t.Errorf("%s: notices %v", tc.name, fx.Notices)
		}
		if !interface4xx && (len(fx.Notices[0].Detail) < 10 || string(sent[0].Payload) == "") {
			t.Errorf("%s: no reason: %v", tc.name, fx.Notices)
		}
	}
}

// A request that is repeated has its answer again, also from the record; a new one
// replaces the session.
func TestRepetitionAndReplacement(t *testing.T) {
	n := newNetwork(t, 1)
	nd := newNode(n, basic())
	s := New(nd.env, testID, testName)
	first := &Datagram{Path: testPath, Message: request(coap.POST, "bs", 9, "ep="+testName)}
	sent, fx := hear(t, s, n.now, first)
	if len(sent) != 2 || sent[0].Code != coap.Changed || sent[0].MessageID != 9 || sent[1].Code != coap.GET || sent[1].Accept() != lwm2m.FormatLink {
		t.Fatalf("sent %v", sent)
	}
	if fx.Record == nil || fx.Alarm != n.now.Add(Lifetime) || fx.Wake.IsZero() {
		t.Fatalf("%+v", fx)
	}
	if again, fx := hear(t, s, n.now, first); len(again) != 1 || fmt.Sprint(again[0]) != fmt.Sprint(sent[0]) || fx.Record != nil {
		t.Errorf("a repetition: %v", again)
	}
	loaded, err := Load(nd.env, testID, fx.Record)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := hear(t, loaded, n.now, first)
	if len(again) != 2 || fmt.Sprint(again[0]) != fmt.Sprint(sent[0]) || again[1].Code != coap.GET || again[1].MessageID == sent[1].MessageID {
		t.Errorf("a repetition after a restart: %v", again)
	}
	for i, m := range []coap.Message{
		request(coap.POST, "bs", 10, "ep="+testName),
		{Type: coap.Confirmable, Code: coap.POST, MessageID: 9, Token: []byte{8}, Options: first.Message.Options},
	} {
		got, fx := hear(t, s, n.now, &Datagram{Path: testPath, Message: m})
		if len(got) != 2 || got[0].Code != coap.Changed || lifecycle(fx.Notices) != "Failure Start" {
			t.Errorf("a new request %d: %v %v", i, got, fx.Notices)
		}
	}
}

// What a stranger says changes nothing.
func TestStrangers(t *testing.T) {
	n := newNetwork(t, 1)
	nd := newNode(n, basic())
	s := New(nd.env, testID, testName)
	sent, _ := hear(t, s, n.now, &Datagram{Path: testPath, Message: request(coap.POST, "bs", 9, "ep="+testName)})
	foreign := testPath
	foreign.Peer = netip.MustParseAddrPort("192.0.2.9:1")
	a := coap.Message{Type: coap.Acknowledgement, Code: coap.Content, MessageID: sent[1].MessageID, Token: sent[1].Token, Payload: []byte("</0/1>")}
	for _, d := range []*Datagram{{Path: foreign, Message: a}, {Path: testPath, Sealed: true, Message: a}} {
		if sent, fx := hear(t, s, n.now, d); len(sent) != 0 || fx.Record != nil || s.r.Step != 0 {
			t.Errorf("sent %v", sent)
		}
	}
	other := coap.Message{Type: coap.Confirmable, Code: coap.Content, MessageID: 77, Token: []byte{1}}
	if sent, _ := hear(t, s, n.now, &Datagram{Path: testPath, Message: other}); len(sent) != 1 || sent[0].Type != coap.Reset {
		t.Errorf("an answer to nothing: %v", sent)
	}
	refused := &Datagram{Path: foreign, Message: request(coap.POST, "bs", 10, "ep="+testName, "pct=0")}
	if _, fx := hear(t, s, n.now, refused); s.Phase() != Running || fx.Record != nil {
		t.Error("a refused request ends the session of another")
	}
	if !s.Owns(sent[1].Token) || s.Owns([]byte{1}) {
		t.Error("tokens")
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	c := basic()
	nd, d := play(t, c, leshan, nil)
	key := string(c.Servers[0].Key.Reveal())
	text := fmt.Sprintf("%v %+v %#v %s %x %q %v", c, c, c, c.Servers[0].Key, c.Servers[0].Key, c.Servers[0].Key, nd.notices)
	text += fmt.Sprintf("%v %+v %#v", nd.s, nd.s, nd.s)
	encoded, err := json.Marshal(c)
	if err != nil || !strings.Contains(string(encoded), hidden) {
		t.Errorf("%s, %v", encoded, err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", c, "key", c.Servers[0].Key)
	text += string(encoded) + logged.String()
	for _, r := range nd.results {
		text += fmt.Sprintf("%+v", r)
	}
	for _, form := range []string{key, fmt.Sprintf("%x", key), fmt.Sprint([]byte(key))} {
		if strings.Contains(text, form) || strings.Contains(string(nd.record), form) {
			t.Errorf("%q shows", form)
		}
	}
	if d.state != deviceDone {
		t.Error("not done")
	}
}
