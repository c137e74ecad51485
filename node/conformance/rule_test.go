package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/config"
)

// The tests of this file are for the rules of docs/conformance.md, under their
// numbers. Rules without one have their tests elsewhere: the page says where.

const (
	none  = lwm2m.FormatNone
	senml = lwm2m.FormatSenMLJSON
)

func TestRule01(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	p.ask(p.request(coap.DELETE, p.location, none, ""))
	op := p.submit("read /3/0/0") // waits for the device
	before := p.registration()
	p.joins("lt=300&lwm2m=1.1", objects)
	if len(p.queued) > 0 {
		t.Errorf("before its 2.01 the device was asked %s", words(p.queued[0]))
	}
	p.answer(p.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "a")
	if o := p.ended(op); o.Status != platform.Successful || before.Registered {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
}

func TestRule02(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		queries string
		code    coap.Code
		binding string
		queue   bool
	}{
		{"lwm2m=1.1&b=U&Q", coap.Created, "U", true},
		{"lwm2m=1.2&Q", coap.Created, "U", true},
		{"lwm2m=1.0&b=UQ", coap.Created, "UQ", true},
		{"lwm2m=1.0&b=UQS", coap.Created, "UQS", true},
		{"lwm2m=1.1&b=UT", coap.Created, "UT", false},
		{"lwm2m=1.0", coap.Created, "U", false},
		{"lwm2m=1.1&b=UQ", coap.BadRequest, "", false},
		{"lwm2m=1.2&b=UQ", coap.BadRequest, "", false},
		{"lwm2m=1.0&b=UT", coap.BadRequest, "", false},
		{"lwm2m=1.1&b=X", coap.BadRequest, "", false},
	} {
		p := scripted(t, common)
		p.name += text(uint16(i))
		if a := p.post("rd?ep="+p.name+"&"+c.queries, lwm2m.FormatLink, objects); a.Code != c.code {
			t.Errorf("%s: %s", c.queries, a.Code)
		} else if c.code == coap.Created {
			r := common.handleOf(t, a.LocationPath(), p.name).registration()
			if r.BindingMode != c.binding || r.QueueMode != c.queue {
				t.Errorf("%s: %s, queue mode %v", c.queries, r.BindingMode, r.QueueMode)
			}
		}
	}
	p := scripted(t, common)
	p.joins("lwm2m=1.1&b=U", objects)
	for query, want := range map[string]coap.Code{"?b=UQ": coap.BadRequest, "?b=UT": coap.Changed} {
		if a := p.post(p.location+query, none, ""); a.Code != want {
			t.Errorf("Update with %s: %s", query, a.Code)
		}
	}
}

func TestRule03(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lwm2m=1.0", objects)
	r := p.registration()
	if r.Lifetime != 86400 || r.Expires.Sub(r.Update) != 24*time.Hour {
		t.Errorf("without lt: %+v", r)
	}
	token := p.observes("/3/0/9", lwm2m.FormatText, "1")
	p.notify(token, 2, lwm2m.FormatText, "2")
	p.post("dp", senml, `[{"n":"/3/0/9","v":3}]`)
	if later := p.registration(); !later.Expires.Equal(r.Expires) {
		t.Errorf("expiry moved from %v to %v by what is no Update", r.Expires, later.Expires)
	}
	p.updates("?lt=0", "")
	if r := p.registration(); r.Lifetime != 0 || !r.Expires.IsZero() || !r.Registered {
		t.Errorf("with lt=0: %+v", r)
	}
	if a := p.post(p.location+"?lt=x", none, ""); a.Code != coap.BadRequest {
		t.Errorf("lt=x: %s", a.Code)
	}
}

func TestRule04(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	old := p.location
	p.joins("lt=300&lwm2m=1.1", objects)
	if p.location == old {
		t.Errorf("location %s was given twice", old)
	}
	for _, location := range []string{old, "rd/AAAAAAAAAAAA", "rd/AAAAAAAAAAAAAAAA", "rd/1", "rd/" + strings.Repeat("x", 100), "rd/%20"} {
		for _, list := range []string{"", objects} {
			if a := p.post(location+"?lt=60", lwm2m.FormatLink, list); a.Code != coap.NotFound {
				t.Errorf("Update at %s: %s", location, a.Code)
			}
		}
		if a := p.ask(p.request(coap.DELETE, location, none, "")); a.Code != coap.NotFound {
			t.Errorf("De-register at %s: %s", location, a.Code)
		}
	}
	if r := p.registration(); !r.Registered || r.Lifetime != 300 {
		t.Errorf("the true registration is %+v", r)
	}
}

func TestRule05(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1&b=UT&sms=123&x=1", objects)
	p.updates("", "</3/0>,</4/0>")
	r := p.registration()
	if !slices.Equal(r.Objects, []string{"/3/0", "/4/0"}) || r.Lifetime != 300 || r.BindingMode != "UT" || r.SMS != "123" || r.Additional["x"] != "1" {
		t.Errorf("after a list: %+v", r)
	}
	p.updates("?lt=600&x=2", "")
	if r := p.registration(); r.Lifetime != 600 || r.BindingMode != "UT" || r.SMS != "123" || r.Additional["x"] != "2" || len(r.Objects) != 2 {
		t.Errorf("after parameters: %+v", r)
	}
	p.updates("", "")
	if later := p.registration(); later.Lifetime != 600 || len(later.Objects) != 2 || !later.Update.After(r.Update) {
		t.Errorf("after nothing: %+v", later)
	}
}

// A device that registers again has forgotten all: what runs is begun anew,
// attributes are set, observations made under new tokens.
func TestRule06(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	p.exchange("writeattr /3/0/9 pmin=5", "PUT /3/0/9", coap.Changed, none, "")
	old := p.observes("/3/0/9", lwm2m.FormatText, "1")
	before := p.registration()
	op := p.submit("read /3/0/0")
	p.next("GET /3/0/0") // stays unanswered
	p.joins("lt=300&lwm2m=1.1", objects)
	if r := p.registration(); r.Location == before.Location {
		t.Errorf("the same location %s", r.Location)
	}
	m := p.next("PUT /3/0/9")
	if got := m.Queries(); !slices.Equal(got, []string{"pmin=5"}) {
		t.Errorf("attributes %v", got)
	}
	p.answer(m, coap.Changed, none, "")
	m = p.next("GET /3/0/9")
	if o, ok := m.Observe(); !ok || o != 0 || bytes.Equal(m.Token, old) {
		t.Errorf("asked %s with token %x, was %x", words(m), m.Token, old)
	}
	p.answer(m, coap.Content, lwm2m.FormatText, "2", observed(1))
	p.answer(p.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "a")
	if o := p.ended(op); o.Status != platform.Successful {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	if got := p.notify(old, 9, lwm2m.FormatText, "7"); got != coap.Reset {
		t.Errorf("a notification of the old observation is answered %s", got)
	}
	p.notify(m.Token, 2, lwm2m.FormatText, "3")
	p.awaitValue("/3/0/9", lwm2m.Integer(3))
}

func TestRule07(t *testing.T) {
	t.Parallel()
	n := another(t, nil) // of its own: what happens is counted
	p := scripted(t, n)
	register := p.request(coap.POST, "rd?ep="+p.name+"&lwm2m=1.1", lwm2m.FormatLink, objects)
	first := p.ask(register)
	second := p.ask(register)
	if first.LocationPath() != second.LocationPath() || second.Code != coap.Created || !first.Is(second.Token) {
		t.Errorf("%s /%s, then %s /%s", first.Code, first.LocationPath(), second.Code, second.LocationPath())
	}
	p.location = first.LocationPath()
	p.handle = n.handleOf(t, p.location, p.name)
	for _, m := range []*coap.Message{p.request(coap.POST, p.location, none, ""), p.request(coap.POST, "dp", senml, `[{"n":"/3/0/9","v":3}]`)} {
		for range 2 {
			if a := p.ask(m); a.Code != coap.Changed {
				t.Errorf("%s: %s", words(m), a.Code)
			}
		}
	}
	for kind, want := range map[string]int{"registered": 1, "updated": 1, "sent": 1, "replaced": 0, "duplicate": 3} {
		if got := n.events(t, kind); got != want {
			t.Errorf("%d times %s, want %d", got, kind, want)
		}
	}
}

func TestRule08(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	for _, name := range []string{p.name, "é" + p.name, strings.Repeat("n", 252), "urn:dev:ops:32473-Refrigerator-5002"} {
		p.name = name
		a := p.joins("lwm2m=1.1", objects)
		if first, second, more := segments(a); first != "rd" || more || len(second) == 0 || len(first)+1+len(second) > 32 || strings.Trim(second, urlSafe) != "" {
			t.Errorf("Location-Path %s of %d bytes", a.LocationPath(), len(a.LocationPath()))
		}
		if _, ok := a.Option(coap.OptLocationQuery); ok {
			t.Error("a Location-Query")
		}
	}
}

const urlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestRule09(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	for version, want := range map[string]coap.Code{
		"0.9": coap.PreconditionFailed, "1.3": coap.PreconditionFailed, "2.0": coap.PreconditionFailed,
		"1.0": coap.Created, "1.1": coap.Created, "1.2": coap.Created, "x": coap.BadRequest,
	} {
		if a := p.post("rd?ep="+p.name+"&lwm2m="+version, lwm2m.FormatLink, objects); a.Code != want {
			t.Errorf("version %s: %s, want %s", version, a.Code, want)
		}
	}
	if a := p.post("rd?lwm2m=1.1", lwm2m.FormatLink, objects); a.Code != coap.BadRequest {
		t.Errorf("without ep: %s", a.Code)
	}
	for _, f := range []lwm2m.Format{lwm2m.FormatLink, none} {
		if a := p.post("rd?ep="+p.name+"&lwm2m=1.1", f, ""); a.Code != coap.BadRequest {
			t.Errorf("without a list: %s", a.Code)
		}
	}
}

func TestRule10(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	for list, want := range map[string][]string{
		`</>;ct=110, </1/0>, </3/0>`:                       {"/1/0", "/3/0"},
		`</>;ct="110 112 60",</1/0/>,</3/0>;ver=1.1`:       {"/1/0", "/3/0;ver=1.1"},
		`</1>;ver="1.1",</1/0>,</5>`:                       {"/1;ver=1.1", "/1/0", "/5"},
		`</>;rt="oma.lwm2m";hb,</3/0>;x=y;flag,</33000/1>`: {"/3/0", "/33000/1"},
		`lwm2m=1.0,</3/0>`:                                 {"/3/0"},
		`</3/0>,</44/0>;ver=2.2`:                           {"/3/0", "/44/0;ver=2.2"},
	} {
		p.joins("lwm2m=1.1", list)
		if r := p.registration(); !slices.Equal(r.Objects, want) {
			t.Errorf("%s: %v, want %v", list, r.Objects, want)
		}
	}
	for _, list := range []string{`</1/1>,</1/2>,</2/0></2/1>,</3/0>`, `</>;param=`, `</%1g>`, `<`, "\xff"} {
		if a := p.post("rd?ep="+p.name+"&lwm2m=1.1", lwm2m.FormatLink, list); a.Code != coap.BadRequest {
			t.Errorf("%s: %s", list, a.Code)
		}
	}
}

func TestRule11(t *testing.T) {
	kinds := slices.Clone(since10)
	for i := range kinds {
		kinds[i].Root = "/lwm2m"
	}
	each(t, kinds, func(t *testing.T, c *client) {
		if r := c.registration(); r.Root != "/lwm2m" || !slices.Contains(r.Objects, "/3/0") {
			t.Errorf("registration %+v", r)
		}
		c.expectValues("read /3/0/0", `/3/0/0="Dormouse Works"`)
		c.expectValues("read /3/0", product...)
		c.expect("2.04", `write /3/0/14 "+01:00"`)
		c.expect("2.04", "writeattr /3/0 pmin=1")
		c.expectValues("discover /3", `/3/0={"pmin":1}`)
		if l := c.expect("2.01", `create /16 {"id":1,"0":{"0":"x"}}`); string(l.Values["location"]) != `"/16/1"` {
			t.Errorf("created at %s", l.Values["location"])
		}
		c.expect("2.05", "observe /3/0/14")
		c.expect("2.02", "delete /16/1")
		c.expect("2.04", "execute /1/0/8")
		if c.registration().Version != "1.0" {
			c.expectValues("cread /3/0/14 /3/0/16", `/3/0/14="+01:00"`)
			c.expect("2.04", `cwrite /3/0/14 "+02:00" /16/0/0/0 y`)
			c.expectValues("cobserve /16/0 /3/0/14", `/3/0/14="+02:00"`, `/16/0/0/0="y"`)
			c.send(device.Report{Paths: paths("/3/0/0")})
			c.awaitValue("/3/0/0", lwm2m.String("Dormouse Works"))
		}
		for _, asked := range c.asked() {
			if _, target, _ := strings.Cut(asked, " "); !strings.HasPrefix(target, "/lwm2m") {
				t.Errorf("asked %s", asked)
			}
		}
	})
}

func TestRule12(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lwm2m=1.1", "</0/0>,</1/0>,</3/0>,</21/0>") // what should not be there does no harm
	o := p.exchange("read /0", "GET /0", coap.Unauthorized, none, "")
	if o.Status != platform.Failed || len(o.lines) != 1 || o.lines[0].Code != "4.01" {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
}

func TestRule13(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", "</1/0>,</3/0>")
	op := p.submit("read /3/0")
	var tried []lwm2m.Format
	for range 2 {
		m := p.next("GET /3/0")
		tried = append(tried, m.Accept())
		p.answer(m, coap.NotAcceptable, none, "")
	}
	m := p.next("GET /3/0")
	tried = append(tried, m.Accept())
	if slices.Contains(tried, none) || len(slices.Compact(slices.Sorted(slices.Values(tried)))) != 3 {
		t.Errorf("tried %v", tried)
	}
	p.answer(m, coap.Content, lwm2m.FormatOldTLV, string(unhex("c80008446f726d6f757365")))
	if o := p.ended(op); string(o.lines[0].Values["/3/0/0"]) != `"Dormouse"` {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	// What was refused is not asked for again, also in a Write; 4.15 has the next.
	op = p.submit(`write /1/0 {"6":true}`)
	m = p.next("POST /1/0")
	first := m.ContentFormat()
	if slices.Contains(tried[:2], first) {
		t.Errorf("wrote in %s, refused are %v", first, tried[:2])
	}
	p.answer(m, coap.UnsupportedContentFormat, none, "")
	if o := p.ended(op); o.Status != platform.Failed || o.lines[0].Code != "4.15" {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
}

func TestRule14(t *testing.T) {
	kinds := []device.Options{
		{Version: lwm2m.V1_0, Formats: []lwm2m.Format{lwm2m.FormatTLV}},
		{Version: lwm2m.V1_1, Formats: []lwm2m.Format{lwm2m.FormatSenMLCBOR}},
		{Version: lwm2m.V1_2, Formats: []lwm2m.Format{lwm2m.FormatLwM2MCBOR}},
	}
	each(t, kinds, func(t *testing.T, c *client) {
		c.expectValues("read /3/0", product...)
		c.expectValues("read /3/0/0", `/3/0/0="Dormouse Works"`)
		c.expect("2.04", `write /1/0 {"2":3,"6":true}`)
		c.expectValues("read /1/0", "/1/0/2=3", "/1/0/6=true")
		c.expectValues("observe /3/0", product...)
		c.expect("2.01", `create /16 {"id":3,"0":{"0":"x"}}`)
	})
}

func TestRule15(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for command, want := range map[string]string{
			"write /1/0/2 1":     "PUT /1/0/2 ",
			`write /1/0 {"2":1}`: "POST /1/0 ",
			`write -r /1/0 {"1":86400,"6":false,"7":"U"}`: "PUT /1/0 ",
			"execute /3/0/12":                              "POST /3/0/12 ",
			"writeattr /3/0 pmin=1":                        "PUT /3/0?pmin=1 ",
			`write /16/0 {"0":{"7":"more"}}`:               "POST /16/0 ",
			`write -r /16/0 {"0":{"0":"one","1":"other"}}`: "PUT /16/0 ",
		} {
			c.expect("2.04", command)
			if got := c.lastAsked() + " "; !strings.HasPrefix(got, want) {
				t.Errorf("%s asked %s", command, got)
			}
		}
	})
}

// 64-bit integers keep all their digits, in every format, from the device to
// results and values.
func TestRule18(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	for number, hex := range map[string]string{"9223372036854775807": "7fffffffffffffff", "-9223372036854775808": "8000000000000000", "9007199254740993": "0020000000000001"} {
		cbor := "1b" + hex
		if number[0] == '-' {
			cbor = "3b7fffffffffffffff"
		}
		for f, payload := range map[lwm2m.Format]string{
			lwm2m.FormatText: number, lwm2m.FormatCBOR: string(unhex(cbor)), lwm2m.FormatTLV: string(unhex("c80908" + hex)),
			senml: `[{"n":"/3/0/9","v":` + number + `}]`, lwm2m.FormatJSON: `{"bn":"/3/0/9","e":[{"v":` + number + `}]}`,
			lwm2m.FormatSenMLCBOR: string(unhex("81a200662f332f302f3902" + cbor)), lwm2m.FormatLwM2MCBOR: string(unhex("a183030009" + cbor)),
		} {
			o := p.exchange("read /3/0/9", "GET /3/0/9", coap.Content, f, payload)
			if len(o.lines) != 1 || string(o.lines[0].Values["/3/0/9"]) != number {
				t.Errorf("%s in %s: %s", number, f, o.Results)
			}
			if v := p.values()["/3/0/9"]; v.Value.String() != number {
				t.Errorf("%s in %s is shown as %s", number, f, v.Value)
			}
		}
		for _, format := range []string{"TLV", "TEXT", "CBOR", "SENML_JSON", "SENML_CBOR"} {
			op := p.submit("serialization " + format + "\nwrite /1/0/1 " + number)
			m := p.next("PUT /1/0/1")
			if payload := string(m.Payload); !strings.Contains(payload, number) && !strings.Contains(payload, string(unhex(hex))) && !strings.Contains(payload, string(unhex(cbor))) {
				t.Errorf("%s in %s is sent as %x", number, format, payload)
			}
			p.answer(m, coap.Changed, none, "")
			p.ended(op)
		}
	}
}

func TestRule19(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	op := p.submit("cread /3/0/0 /3/0/1")
	m := p.next("FETCH /")
	if m.ContentFormat() == none || m.Accept() == none {
		t.Errorf("asked %s", words(m))
	}
	p.answer(m, coap.Content, senml, `[{"n":"/3/0/0","vs":"a"},{"n":"/3/0/9","v":1}]`)
	if o := p.ended(op); o.Status != platform.Failed || !strings.Contains(o.lines[0].Error, "/3/0/9") || len(p.values()) > 0 {
		t.Errorf("%s: %s, values %v", o.Status, o.Results, p.values())
	}
	o := p.exchange("cread /3/0/0 /3/0/1", "FETCH /", coap.Content, senml, `[{"n":"/3/0/0","vs":"a"}]`)
	holds(t, o.lines[0], `/3/0/0="a"`, "/3/0/1=null")
	op = p.submit("cwrite /3/0/14 a /1/0/1 5")
	if m = p.next("iPATCH /"); m.ContentFormat() == none {
		t.Errorf("asked %s", words(m))
	}
	p.answer(m, coap.Changed, none, "")
	p.ended(op)
}

func TestRule21(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	o := p.exchange("observe /3/0/9", "GET /3/0/9", coap.Content, lwm2m.FormatText, "1") // no Observe option
	if o.Status != platform.Successful || len(p.registration().Observations) > 0 {
		t.Errorf("%s, observations %v", o.Status, p.registration().Observations)
	}
	token := p.observes("/3/0/9", lwm2m.FormatText, "1")
	for _, c := range []struct {
		sequence uint32
		value    int64
		shown    int64
	}{
		{10, 10, 10}, {9, 9, 10}, {10, 8, 10}, {11, 11, 11}, // newer ones count
		{0xfffff0, 12, 11}, {0x600000, 13, 13}, {0xc00000, 14, 14}, {0xfffff0, 15, 15}, {3, 16, 16}, // across the end of 24 bits
	} {
		if got := p.notify(token, c.sequence, lwm2m.FormatText, fmt.Sprint(c.value)); got != coap.Acknowledgement {
			t.Errorf("notification %d is answered %s", c.sequence, got)
		}
		if v := p.values()["/3/0/9"].Value; v != lwm2m.Integer(c.shown) {
			t.Errorf("behind notification %d the value is %s, want %d", c.sequence, v, c.shown)
		}
	}
	if got := p.notify(token, 20, lwm2m.FormatTLV, "\xff\xff"); got != coap.Acknowledgement || len(p.registration().Observations) != 1 {
		t.Errorf("an unreadable notification: %s, %v", got, p.registration().Observations)
	}
	if got := p.notify(token, 21, lwm2m.FormatText, "21"); got != coap.Acknowledgement || p.values()["/3/0/9"].Value != lwm2m.Integer(21) {
		t.Errorf("one behind it: %s", got)
	}
	failed := &coap.Message{Type: coap.Confirmable, Code: coap.NotFound, MessageID: p.mids.Next(), Token: token}
	if a := p.ask(failed); a.Type != coap.Acknowledgement || len(p.registration().Observations) > 0 {
		t.Errorf("an error: %s, %v", a.Type, p.registration().Observations)
	}
	if got := p.notify(token, 22, lwm2m.FormatText, "22"); got != coap.Reset || p.values()["/3/0/9"].Value != lwm2m.Integer(21) {
		t.Errorf("one behind the end: %s", got)
	}
}

func TestRule22(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	token := p.observes("/19/0/0/0", lwm2m.FormatOpaque, "first")
	etag := func(b byte) coap.Option { return coap.Option{ID: coap.OptETag, Value: []byte{b}} }
	part := func(sequence uint32, tag byte, payload string) {
		m := &coap.Message{Type: coap.Confirmable, Code: coap.Content, MessageID: p.mids.Next(), Token: token, Payload: []byte(payload)}
		m.Add(coap.OptETag, etag(tag).Value)
		m.AddUint(coap.OptObserve, sequence)
		m.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatOpaque))
		m.AddBlock(coap.OptBlock2, coap.Block{More: true, SZX: 0})
		p.ask(m)
	}
	rest := func() *coap.Message {
		m := p.next("GET /19/0/0/0")
		b, ok, err := m.Block(coap.OptBlock2)
		if _, observes := m.Observe(); observes || bytes.Equal(m.Token, token) || !ok || err != nil || b.Num != 1 {
			t.Errorf("asked %s, token %x, block %+v", words(m), m.Token, b)
		}
		return m
	}
	last := func(m *coap.Message, tag byte, payload string) {
		var block coap.Message
		block.AddBlock(coap.OptBlock2, coap.Block{Num: 1, SZX: 0})
		p.answer(m, coap.Content, lwm2m.FormatOpaque, payload, etag(tag), block.Options[0])
	}
	part(2, 1, "0123456789abcdef")
	last(rest(), 1, "+1")
	p.awaitValue("/19/0/0/0", lwm2m.Opaque([]byte("0123456789abcdef+1")))
	part(3, 2, "0123456789ABCDEF")
	late := rest()
	part(4, 3, "fedcba9876543210") // newer: what is under way is void
	newer := rest()
	last(late, 2, "+2")
	last(newer, 3, "+3")
	p.awaitValue("/19/0/0/0", lwm2m.Opaque([]byte("fedcba9876543210+3")))
}

func TestRule23(t *testing.T) {
	kinds := slices.Clone(since10)
	for i := range kinds {
		kinds[i].BlockSize = 64
	}
	each(t, kinds, func(t *testing.T, c *client) {
		if r := c.registration(); len(r.Objects) < 17 {
			t.Errorf("objects %v", r.Objects)
		}
		if c.registration().Version != "1.0" {
			c.send(device.Report{Paths: paths("/19/0/0/0"), Format: lwm2m.FormatSenMLCBOR})
			c.awaitValue("/19/0/0/0", c.value("/19/0/0/0"))
		}
		c.expect("2.01", `create /16 {"id":1,"0":{"0":"x"}}`) // an Update with the list
		c.awaits("the Update's list", func(r registration) bool { return slices.Contains(r.Objects, "/16/1") })
	})
	t.Run("blocks", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.1", objects)
		block := func(num uint32, more bool, payload string) *coap.Message {
			m := p.request(coap.POST, "dp", senml, payload) // each with a token of its own
			m.AddBlock(coap.OptBlock1, coap.Block{Num: num, More: more, SZX: 0})
			return p.ask(m)
		}
		pack := `[{"n":"/3/0/9","v":77},{"n":"/3/0/14","vs":"in blocks"}]`
		for i := 0; i < len(pack); i += 16 {
			end, want := min(i+16, len(pack)), coap.Continue
			if end == len(pack) {
				want = coap.Changed
			}
			if a := block(uint32(i/16), end < len(pack), pack[i:end]); a.Code != want {
				t.Errorf("block %d: %s", i/16, a.Code)
			}
		}
		if v := p.values(); v["/3/0/9"].Value != lwm2m.Integer(77) || v["/3/0/14"].Value != lwm2m.String("in blocks") {
			t.Errorf("values %v", v)
		}
		block(0, true, pack[:16])
		if a := block(2, true, pack[32:48]); a.Code != coap.RequestEntityIncomplete {
			t.Errorf("a block left out: %s", a.Code)
		}
		m := p.request(coap.POST, "dp", senml, pack[:16])
		m.AddBlock(coap.OptBlock1, coap.Block{More: true, SZX: 0})
		m.AddUint(coap.OptSize1, 100<<20)
		if a := p.ask(m); a.Code != coap.RequestEntityTooLarge {
			t.Errorf("a body of 100 MiB: %s", a.Code)
		}
	})
}

func TestRule24(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	const pack = `[{"n":"/3/0/9","v":1}]`
	if a := p.post("dp", senml, pack); a.Code != coap.NotFound {
		t.Errorf("a Send of a stranger: %s", a.Code)
	}
	p.joins("lt=300&lwm2m=1.1", objects)
	for _, c := range []struct {
		format  lwm2m.Format
		payload string
		want    coap.Code
	}{
		{senml, pack, coap.Changed},
		{lwm2m.FormatSenMLCBOR, string(unhex("81a200662f332f302f3902187b")), coap.Changed},
		{senml, `[{"n":"/3/0/77","v":1}]`, coap.Changed}, // an unknown resource
		{senml, `[{"n":"/3/0/9","v":1},{"n":"/77/0/1","v":1}]`, coap.NotFound},
		{senml, `[{"n":"/3/0/9"`, coap.BadRequest},
		{senml, `[{"n":"3303/0/5700","v":"hot"}]`, coap.BadRequest},
		{senml, "", coap.BadRequest},
		{lwm2m.FormatTLV, "\xc1\x00\x01", coap.UnsupportedContentFormat},
	} {
		if a := p.post("dp", c.format, c.payload); a.Code != c.want {
			t.Errorf("%s %q: %s, want %s", c.format, c.payload, a.Code, c.want)
		}
	}
	if v := p.values(); v["/3/0/9"].Value != lwm2m.Integer(123) || v["/77/0/1"].Value.Kind() != lwm2m.KindNone {
		t.Errorf("values %v", v)
	}
	non := p.request(coap.POST, "dp", senml, `[{"n":"/3/0/9","v":5}]`)
	non.Type = coap.NonConfirmable
	if a := p.ask(non); a.Code != coap.Changed || a.Type != coap.NonConfirmable || p.values()["/3/0/9"].Value != lwm2m.Integer(5) {
		t.Errorf("a Non-confirmable Send: %s %s", a.Type, a.Code)
	}
	p.ask(p.request(coap.DELETE, p.location, none, ""))
	if a := p.post("dp", senml, pack); a.Code != coap.NotFound {
		t.Errorf("a Send after De-register: %s", a.Code)
	}
}

func TestRule25(t *testing.T) {
	t.Parallel()
	n := another(t, func(c *config.Config) { c.RequestTimeout = 300 * time.Millisecond })
	p := scripted(t, n)
	p.joins("lt=300&lwm2m=1.1&Q", objects)
	first, second := p.submit("read /3/0/0"), p.submit("read /3/0/1")
	m := p.next("GET /3/0/0") // unanswered: one time-out, and the device counts as asleep
	eventually(t, func() error {
		if p.status(first) != platform.Pending {
			return errNotYet
		}
		return nil
	})
	object, err := n.api.Object(p.id)
	check(t, err)
	if got := string(object.Fragments.Get("c8y_Connection")); got != `{"status":"DISCONNECTED"}` || p.status(second) != platform.Pending {
		t.Errorf("connection %s, second operation %s", got, p.status(second))
	}
	p.silent()
	delete(p.answers, m.MessageID) // the device never heard of it
	p.updates("", "")
	again := p.next("GET /3/0/0")
	if again.MessageID != m.MessageID || !again.Is(m.Token) {
		t.Errorf("sent again as %d %x, was %d %x", again.MessageID, again.Token, m.MessageID, m.Token)
	}
	p.silent() // one request at a time
	p.answer(again, coap.Content, lwm2m.FormatText, "a")
	p.answer(p.next("GET /3/0/1"), coap.Content, lwm2m.FormatText, "b")
	for _, op := range []outcome{p.ended(first), p.ended(second)} {
		if op.Status != platform.Successful {
			t.Errorf("%s: %s", op.Status, op.Results)
		}
	}
}

func TestRule26(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for text, code := range map[string]string{
			"writeattr /3303/0/5700 lt=20&gt=40&st=10":     "4.00", // 20 + 2*10 is not below 40
			"writeattr /3303/0/5700 lt=20&gt=85&st=10":     "2.04",
			"writeattr /3303/1/5700 lt=30&gt=20":           "4.00",
			"writeattr /3303/0 gt=5":                       "4.00", // for resources alone
			"writeattr /3/0/9 pmin=60&pmax=10":             "2.04", // pmax is ignored
			"writeattr /3/0/10 pmin=10&pmax=10":            "2.04",
			"writeattr /3/0/13 gt=-5&lt=-20.5&st=0.25":     "2.04",
			"writeattr /99/0 pmin=1":                       "4.04",
			"writeattr /3303/1/5700 pmin=1&pmin&pmax=5":    "",
			"writeattr /3303/1/5700 pmin=x":                "",
			"writeattr /3303/1/5700 gt=1&lt=0&st=0.1&pmin": "2.04",
		} {
			if code != "" {
				c.expect(code, text)
				continue
			}
			body := platform.NewOperation{Device: c.id, Text: text}.Append(nil)
			_, err := c.node.api.Expect(http.StatusUnprocessableEntity, http.MethodPost, platform.OperationsPath, string(body))
			check(t, err)
		}
		c.expectValues("discover /3303/0/5700", `/3303/0/5700={"lt":20,"gt":85,"st":10}`)
		c.expect("2.04", "writeattr /3303/0/5700 lt&gt&pmin=3")
		c.expectValues("discover /3303/0/5700", `/3303/0/5700={"st":10,"pmin":3}`)
		c.expect("2.04", "execute /3/0/4") // a reboot loses them, and they are set again
		c.pass(10 * time.Second)
		c.awaitEvent(device.Registered, 2)
		eventually(t, func() error {
			if o := c.run("discover /3303/0/5700"); string(o.lines[0].Values["/3303/0/5700"]) != `{"st":10,"pmin":3}` {
				return fmt.Errorf("after a reboot: %s", o.Results)
			}
			return nil
		})
	})
}

// A device without security moves by Register and Update alone.
func TestRule30(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	token := p.observes("/3/0/9", lwm2m.FormatText, "1")
	q := scripted(t, common) // somebody else, or the same device elsewhere
	q.name, q.location, q.handle = p.name, p.location, p.handle
	stray := &coap.Message{Type: coap.Confirmable, Code: coap.Content, MessageID: q.mids.Next(), Token: token, Payload: []byte("66")}
	stray.AddUint(coap.OptObserve, 20)
	stray.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatText))
	q.send(stray)
	if got := p.notify(token, 2, lwm2m.FormatText, "3"); got != coap.Acknowledgement {
		t.Errorf("the device itself is answered %s", got)
	}
	if a := q.post("dp", senml, `[{"n":"/3/0/9","v":67}]`); a.Code != coap.NotFound {
		t.Errorf("a Send from another address: %s", a.Code)
	}
	if v := p.values()["/3/0/9"].Value; v != lwm2m.Integer(3) || len(p.registration().Observations) != 1 {
		t.Errorf("taken from another address: %s", v)
	}
	op := p.submit("read /3/0/0")
	m := p.next("GET /3/0/0")
	if m.Type != coap.Confirmable {
		t.Errorf("asked %s", m.Type)
	}
	p.answer(m, coap.Content, lwm2m.FormatText, "a")
	p.ended(op)
	q.updates("", "")
	q.notify(token, 3, lwm2m.FormatText, "4")
	q.awaitValue("/3/0/9", lwm2m.Integer(4))
	q.exchange("read /3/0/0", "GET /3/0/0", coap.Content, lwm2m.FormatText, "b")
	p.silent()
}
