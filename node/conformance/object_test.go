package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

func TestOMA651(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.run("serialization TLV")
		c.expect("2.04", `write /3/0 {"13":1367491215,"14":"+02:00","15":"Europe/Paris"}`)
		if got, want := c.lastAsked(), "POST /3/0 ct=11542 payload=c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973"; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		l := c.expectValues("read /3/0", `/3/0/14="+02:00"`, `/3/0/15="Europe/Paris"`, `/3/0/0="Dormouse Works"`)
		if clock := string(l.Values["/3/0/13"]); !strings.HasPrefix(clock, `"2013-05-02T10:40:`) {
			t.Errorf("the time is %s", clock)
		}
		c.expect("2.04", `write -r /3/0 {"13":"2026-01-02T03:04:05Z","14":"+00:00","15":"Etc/UTC"}`)
		if got := c.lastAsked(); !strings.HasPrefix(got, "PUT /3/0 ct=11542 ") {
			t.Errorf("asked %s", got)
		}
		c.expectValues("read /3/0", `/3/0/14="+00:00"`, `/3/0/15="Etc/UTC"`, `/3/0/0="Dormouse Works"`)
	})
}

func TestOMA652(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expectValues("read /3/0/3", `/3/0/3="1.0.0"`)
		c.awaitValue("/3/0/3", lwm2m.String("1.0.0"))
	})
}

// refuses checks that an operation fails with the device's answer.
func refuses(c *client, code, text, asked string) {
	c.t.Helper()
	c.expect(code, text)
	o := c.run(text)
	if !strings.HasPrefix(o.Failure, code) {
		c.t.Errorf("%s: failureReason %q", text, o.Failure)
	}
	if got := c.lastAsked(); got != asked {
		c.t.Errorf("%s: asked %s, want %s", text, got, asked)
	}
}

func TestOMA680(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) { refuses(c, "4.05", "create /3", "POST /3") })
}

func TestOMA685(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) { refuses(c, "4.05", "delete /3/0", "DELETE /3/0") })
}

func TestOMA701(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		l := c.expectValues("read /4/0", "/4/0/0=6", "/4/0/1/0=6", "/4/0/1/1=7", `/4/0/4/0="192.0.2.17"`, "/4/0/8=26230", "/4/0/9=1", "/4/0/10=262")
		if l.Values["/4/0/2"] == nil {
			t.Errorf("no signal strength in %v", l.Values)
		}
	})
}

// observes sets attributes on a path, observes paths, and checks that values of
// each come within the periods and are shown.
func observes(c *client, attributes, target string, low, high time.Duration, shown map[string][]string) {
	c.t.Helper()
	c.expect("2.04", "writeattr "+target+" "+attributes)
	for p := range shown {
		c.expect("2.05", "observe "+p)
	}
	for p, values := range shown {
		token := c.observation(p)
		c.gap(token, 2*high)
		for range 2 {
			c.within(c.gap(token, 2*high), low, high)
		}
		c.surfaced(p, values...)
	}
}

func TestOMA710(t *testing.T) {
	each(t, every(time.Second, since10), func(t *testing.T, c *client) {
		observes(c, "pmin=2&pmax=10", "/4/0", 2*time.Second, 10*time.Second, map[string][]string{"/4/0": {"/4/0/0", "/4/0/2", "/4/0/4/0"}})
	})
}

func TestOMA751(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatTLV, "TLV", map[string][]string{"/5/0": {"/5/0/3=0", "/5/0/5=0", "/5/0/8/0=0", "/5/0/9=1", "/5/0/0"}})
	})
}

// image is a firmware package of more than one block.
var image = strings.Repeat("5a", 3000)

func TestOMA755(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "writeb /5/0/0 00")
		if got := c.lastAsked(); got != "PUT /5/0/0 ct=42 payload=00" {
			t.Errorf("asked %s", got)
		}
		c.expectValues("read /5/0", "/5/0/3=0", "/5/0/5=0")
		before := len(c.asked())
		c.expect("2.04", "writeb /5/0/0 "+image)
		blocks := c.asked()[before:]
		if len(blocks) != 3 || !strings.HasPrefix(blocks[0], "PUT /5/0/0 ct=42 payload=5a5a") {
			t.Errorf("%d requests, first %.60s", len(blocks), blocks[0])
		}
		c.expectValues("read /5/0", "/5/0/3=2", "/5/0/5=0")
	})
}

func TestOMA760(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /5/0 pmin=2&pmax=10")
		c.expectValues("observe /5/0/3", "/5/0/3=0")
		token := c.observation("/5/0/3")
		c.expect("2.04", "writeb /5/0/0 "+image)
		c.gap(token, 20*time.Second)
		c.awaitValue("/5/0/3", lwm2m.Integer(2))
	})
}

func TestOMA772(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		refuses(c, "4.05", "execute /5/0/2", "POST /5/0/2")
		c.expectValues("read /5/0", "/5/0/3=0", "/5/0/5=0")
	})
}

func TestOMA801(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		l := c.expectValues("read /6/0", "/6/0/2=42.5", "/6/0/3=10", `/6/0/4="00000000"`)
		for _, p := range []string{"/6/0/0", "/6/0/1", "/6/0/5"} {
			if l.Values[p] == nil {
				t.Errorf("%s is not in %v", p, l.Values)
			}
			c.awaitValue(p, c.value(p))
		}
	})
}

func TestOMA810(t *testing.T) {
	each(t, every(time.Second, since10), func(t *testing.T, c *client) {
		observes(c, "pmin=2&pmax=10", "/6/0", 2*time.Second, 10*time.Second, map[string][]string{"/6/0": {"/6/0/0", "/6/0/1", "/6/0/5"}})
	})
}

func TestOMA901(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "execute /7/0/6")
		c.expect("2.05", "read /19/0") // something to count
		c.expect("2.04", "execute /7/0/7")
		if l := c.expectValues("read /7/0", "/7/0/0=0", "/7/0/1=0", "/7/0/8=0"); string(l.Values["/7/0/2"]) == "0" {
			t.Errorf("nothing was counted: %v", l.Values)
		}
	})
}

func TestOMA905(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "write /7/0/8 60")
		c.expectValues("read /7/0/8", "/7/0/8=60")
	})
}

func TestOMA910(t *testing.T) {
	each(t, every(time.Second, since10), func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /7/0 pmin=2&pmax=10")
		c.expect("2.05", "observe /7/0")
		token := c.observation("/7/0")
		c.expect("2.04", "execute /7/0/6")
		c.gap(token, 20*time.Second)
		c.expect("2.05", "read /19/0")
		c.gap(token, 20*time.Second)
		c.expect("2.04", "execute /7/0/7")
		c.gap(token, 20*time.Second)
		c.surfaced("/7/0", "/7/0/2", "/7/0/3", "/7/0/8")
	})
}

func TestOMA950(t *testing.T) {
	t.Parallel()
	first, second := common, another(t, nil)
	p := scripted(t, first)
	p.joins("lt=300&lwm2m=1.1", "</1/0>,</1/1>,</2/0>,</2/1>,</2/2>,</3/0>")
	one, location := p.handle, p.location
	p.node, p.to = second, second.coap()
	p.joins("lt=600&lwm2m=1.1", "</1/0>,</1/1>,</2/0>,</2/1>,</2/2>,</3/0>")
	if a, b := one.registration(), p.registration(); !a.Registered || !b.Registered || a.Lifetime != 300 || b.Lifetime != 600 || a.Location != "/"+location || b.Location != "/"+p.location {
		t.Errorf("%+v and %+v", a, b)
	}
}

// A device with two servers keeps attributes for each; what a node shows is what
// the device answers it.
func TestOMA951(t *testing.T) {
	t.Parallel()
	second := another(t, nil)
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	one := p.handle
	p.node, p.to = second, second.coap()
	p.joins("lt=300&lwm2m=1.1", objects)
	two := p.handle
	for _, s := range []struct {
		handle
		to    *node
		set   string
		shown string
	}{
		{one, common, "pmin=2&pmax=10", `/3/0={"pmin":2,"pmax":10}`},
		{two, second, "pmin=15&pmax=50", `/3/0={"pmin":15,"pmax":50}`},
	} {
		p.to = s.to.coap()
		op := s.submit("writeattr /3/0 " + s.set)
		m := p.next("PUT /3/0")
		if got := strings.Join(m.Queries(), "&"); got != s.set {
			t.Errorf("asked %s", words(m))
		}
		p.answer(m, coap.Changed, lwm2m.FormatNone, "")
		s.ended(op)
		op = s.submit("discover /3/0")
		p.answer(p.next("GET /3/0"), coap.Content, lwm2m.FormatLink, "</3/0>;"+strings.ReplaceAll(s.set, "&", ";"))
		holds(t, s.ended(op).lines[0], s.shown)
	}
	// What the first one attached last is what it sees, also after the other's.
	p.to = common.coap()
	op := one.submit("discover /3/0")
	p.answer(p.next("GET /3/0"), coap.Content, lwm2m.FormatLink, "</3/0>;pmin=2;pmax=10")
	holds(t, one.ended(op).lines[0], `/3/0={"pmin":2,"pmax":10}`)
}

func TestOMA1200(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatTLV, "TLV", map[string][]string{"/10/0": {"/10/0/1=0", "/10/0/4=3600", "/10/0/5=20", `/10/0/11/0="11:0"`}})
	})
}

func TestOMA1201(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expectValues("discover /10", `/10={"ver":"1.1"}`, "/10/0={}", "/10/0/13={}", "/10/0/14={}")
		l := c.expectValues("read /10/0", "/10/0/13=1", "/10/0/14=1", "/10/0/4=3600")
		o := c.run("read /10/0/14")
		if l.Values["/10/0/12"] == nil || !strings.Contains(o.Result, "/10/0/14 ") {
			t.Errorf("%v, shown as %q", l.Values, o.Result)
		}
	})
}

func TestOMA1202(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "serialization TLV\nwrite /10/0/14 2")
		if got := c.lastAsked(); got != "PUT /10/0/14 ct=11542 payload=c10e02" {
			t.Errorf("asked %s", got)
		}
		c.expectValues("read /10/0/14", "/10/0/14=2")
	})
}

func TestOMA1203(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		observes(c, "pmin=2&pmax=10", "/10/0", 2*time.Second, 10*time.Second, map[string][]string{"/10/0/13": {"/10/0/13"}, "/10/0/14": {"/10/0/14"}})
		token := c.observation("/10/0/14")
		c.expect("2.04", "write /10/0/14 2")
		c.gap(token, 20*time.Second)
		c.awaitValue("/10/0/14", lwm2m.Unsigned(2))
	})
}

func TestOMA1204(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		observes(c, "pmin=2&pmax=10", "/10/0", 2*time.Second, 10*time.Second, map[string][]string{
			"/10/0/4": {"/10/0/4"}, "/10/0/5": {"/10/0/5"}, "/10/0/8": {"/10/0/8"}, "/10/0/9": {"/10/0/9"},
		})
	})
}

func TestOMA1250(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.01", `create /11 {"id":1,"0":"second","3":true,"4":3}`)
		c.awaits("the Update's list", func(r registration) bool {
			return slices.Contains(r.Objects, "/11/0") && slices.Contains(r.Objects, "/11/1") && slices.Contains(r.Objects, "/3/0")
		})
		c.expect("2.04", "execute /1/0/8")
		c.awaitEvent(device.Updated, 2)
		c.expect("2.04", "write /11/1/3 false")
		c.expectValues("read /11/1", `/11/1/0="second"`, "/11/1/3=false")
		c.expectValues("read /10/0/11", `/10/0/11/0="11:0"`)
	})
}

// The device takes another bearer, and speaks from another address.
func TestOMA1350(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", "</1/0>,</3/0>,</13>;ver=1.1")
	op := p.submit(`create /13 {"id":0,"0":{"0":6}}`)
	p.answer(p.next("POST /13"), coap.Created, lwm2m.FormatNone, "")
	p.ended(op)
	q := scripted(t, common)
	q.name, q.location, q.handle = p.name, p.location, p.handle
	q.updates("", "</1/0>,</3/0>,</13/0>;ver=1.1")
	if r := p.registration(); !strings.HasSuffix(r.Address, ":"+text(q.port())) || !slices.Contains(r.Objects, "/13/0;ver=1.1") {
		t.Errorf("registration %+v", r)
	}
	op = p.submit("read /3/0/0")
	q.answer(q.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "here")
	if o := p.ended(op); o.Status != "SUCCESSFUL" {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	p.silent()
}

func TestOMA1630(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expectValues("discover /16/0", "/16/0={}", `/16/0/0={"dim":4}`)
		l := c.expect("2.01", "serialization TLV\n"+`create /16 {"id":1,"0":{"0":"Host Device ID #2","1":"Host Device Model #2"}}`)
		if got, want := c.lastAsked(), "POST /16 ct=11542 payload=08012e88002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332"; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		if at := string(l.Values["location"]); at != `"/16/1"` {
			t.Errorf("created at %s", at)
		}
		c.expectValues("discover /16/1", `/16/1/0={"dim":2}`)
		c.expectValues("read /16", `/16/1/0/0="Host Device ID #2"`, `/16/1/0/1="Host Device Model #2"`, `/16/0/0/3="Host Device Software Version #1"`)
		c.awaits("the Update's list", func(r registration) bool { return slices.Contains(r.Objects, "/16/1") })
	})
}

func TestOMA1635(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.01", `create /16 {"0":{"0":"second"}}`)
		c.expect("2.02", "delete /16/0")
		c.expect("2.02", "delete /16/1")
		if l := c.expectValues("discover /16", "/16={}"); len(l.Values) != 1 {
			t.Errorf("discovered %v", l.Values)
		}
		c.awaits("the Update's list", func(r registration) bool {
			return slices.Contains(r.Objects, "/16") && !slices.Contains(r.Objects, "/16/0") && !slices.Contains(r.Objects, "/16/1")
		})
		c.expect("4.04", "delete /16/0")
	})
}

func TestOMA1900(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /19/0/0 pmin=300&pmax=3600")
		c.expect("2.05", "observe /19/0/0") // in blocks
		token := c.observation("/19/0/0")
		c.within(c.gap(token, 2*time.Hour), 300*time.Second, 3600*time.Second)
		c.awaitValue("/19/0/0/0", c.value("/19/0/0/0")) // the rest was fetched
	})
}

func TestOMA1901(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "writeb /19/1/0/0 00ff8000")
		if got := c.lastAsked(); got != "PUT /19/1/0/0 ct=42 payload=00ff8000" {
			t.Errorf("asked %s", got)
		}
		c.expectValues("read /19/1/0", `/19/1/0/0="00ff8000"`)
		c.expect("2.04", `write -r /19/1 {"0":{"0":"0102"}}`)
		c.expectValues("read /19/1/0", `/19/1/0/0="0102"`)
	})
}

func TestOMA2000(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "write /20/0/4010 1")
		c.expectValues("read /20/0/4010", "/20/0/4010=1")
		c.expect("2.04", "execute /20/0/4011")
		c.expectValues("read /20/0/4013", "/20/0/4013=1")
	})
}

func TestOMA2001(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatTLV, "TLV", map[string][]string{"/20/0": {"/20/0/4010=255", "/20/0/4013=0", "/20/0/4015=1"}})
	})
}
