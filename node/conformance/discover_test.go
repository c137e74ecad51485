package conformance

import (
	"strings"
	"testing"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

func TestOMA260(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		l := c.expectValues("discover /3", "/3={}", "/3/0={}", "/3/0/4={}", `/3/0/6={"dim":2}`, "/3/0/11/0")
		if got := c.lastAsked(); got != "GET /3 accept=40" || l.Format != lwm2m.FormatLink.String() {
			t.Errorf("asked %s, answered in %s", got, l.Format)
		}
		c.expect("2.04", "writeattr /3 pmin=10&pmax=200")
		if got := c.lastAsked(); got != "PUT /3?pmin=10&pmax=200" {
			t.Errorf("asked %s", got)
		}
		c.expectValues("discover /3/0", `/3/0={"pmin":10,"pmax":200}`, `/3/0/7={"dim":2}`)
		c.expect("2.04", "writeattr /3/0/7 lt=1&gt=6&st=1")
		c.expectValues("discover /3/0", `/3/0={"pmin":10,"pmax":200}`, `/3/0/7={"dim":2,"lt":1,"gt":6,"st":1}`)
		o := c.run("discover /3/0/7")
		const own = "</3/0/7>;dim=2;pmin=10;pmax=200;lt=1;gt=6;st=1"
		if first, _, _ := strings.Cut(o.Result, ","); first != own {
			t.Errorf("discovered %s, want %s", o.Result, own)
		}
	})
	t.Run("as printed", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.0", objects)
		op := p.submit("discover /3/0/7")
		p.answer(p.next("GET /3/0/7"), coap.Content, lwm2m.FormatLink, "</3/0/7>;pmin=10;pmax=200;dim=2;lt=1;gt=6;st=1")
		holds(t, p.ended(op).lines[0], `/3/0/7={"pmin":10,"pmax":200,"dim":2,"lt":1,"gt":6,"st":1}`)
	})
}

func TestOMA261(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		for _, w := range []string{"/3 pmin=10&pmax=200", "/3/0 pmax=320", "/3/0/11/0 pmax=100&epmin=1&epmax=20"} {
			c.expect("2.04", "writeattr "+w)
			if got, want := c.lastAsked(), "PUT "+strings.Replace(w, " ", "?", 1); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		}
		l := c.expectValues("discover /3/0/11", `/3/0/11={"dim":1,"pmin":10,"pmax":320}`, `/3/0/11/0={"pmax":100,"epmin":1,"epmax":20}`)
		if len(l.Values) != 2 {
			t.Errorf("discovered %v", l.Values)
		}
	})
}

func TestOMA264(t *testing.T) {
	each(t, since12, func(t *testing.T, c *client) {
		c.expect("2.04", "writeattr /3 pmin=1&pmax=10")
		if l := c.expectValues("discover /3 1", `/3={"pmin":1,"pmax":10}`, "/3/0={}"); len(l.Values) != 2 {
			t.Errorf("discovered %v", l.Values)
		}
		if got := c.lastAsked(); got != "GET /3?depth=1 accept=40" {
			t.Errorf("asked %s", got)
		}
		c.expect("2.04", "writeattr /3/0 pmax=200")
		c.expectValues("discover /3 1", `/3={"pmin":1,"pmax":10}`, `/3/0={"pmax":200}`)
	})
}

func TestOMA266(t *testing.T) {
	each(t, since12, func(t *testing.T, c *client) {
		c.expectValues("discover /3 2", "/3={}", `/3/0/7={"dim":2}`, "/3/0/7/0")
		c.expect("2.04", "writeattr /3/0/7 pmax=20")
		c.expect("2.04", "writeattr /3/0/7/1 lt=45")
		c.expectValues("discover /3 3", "/3={}", `/3/0/7={"dim":2,"pmax":20}`, "/3/0/7/0={}", `/3/0/7/1={"lt":45}`)
	})
}

// Discover of an object, an instance, a single and a multiple resource, and of
// six paths that do not exist.
func TestDiscoverPaths(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for _, p := range []string{"/3", "/3/0", "/3/0/0", "/3/0/7"} {
			if l := c.expect("2.05", "discover "+p); l.Values[p] == nil {
				t.Errorf("%s is not in %v", p, l.Values)
			}
		}
		for _, p := range []string{"/99", "/99/0", "/3/7", "/3/0/99", "/16/5", "/16/5/0"} {
			c.expect("4.04", "discover "+p)
		}
	})
}
