package conformance

import (
	"slices"
	"strings"
	"testing"

	"dormouse/bench/device"
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// server is what every device has in /1/0.
var server = []string{"/1/0/0=1", "/1/0/1=86400", "/1/0/6=false", `/1/0/7="U"`}

// product is some of what every device has in /3/0.
var product = []string{`/3/0/0="Dormouse Works"`, `/3/0/1="Simulated Sensor"`, `/3/0/3="1.0.0"`, "/3/0/11/0=0", `/3/0/16="U"`, "/3/0/4", "/3/0/5"}

// reads reads paths in a format, one command each, and checks that it was asked
// for and came.
func reads(c *client, f lwm2m.Format, name string, want map[string][]string) {
	c.t.Helper()
	c.run("serialization " + name)
	for path, values := range want {
		l := c.expectValues("read "+path, values...)
		asked := words(&coap.Message{Code: coap.GET}) // "GET /"
		asked = strings.TrimSuffix(asked, "/") + path + accepting(f)
		if got := c.lastAsked(); got != asked || l.Format != f.String() {
			c.t.Errorf("asked %q, want %q, answered in %s", got, asked, l.Format)
		}
	}
}

func accepting(f lwm2m.Format) string {
	m := &coap.Message{Code: coap.GET}
	m.AddUint(coap.OptAccept, uint32(f))
	return strings.TrimPrefix(words(m), "GET /")
}

func TestOMA201(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatText, "TEXT", map[string][]string{
			"/3/0/0": {`/3/0/0="Dormouse Works"`}, "/3/0/1": {`/3/0/1="Simulated Sensor"`}, "/3/0/2": {`/3/0/2="` + c.name + `"`},
		})
	})
}

func TestOMA203(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatTLV, "TLV", map[string][]string{"/3/0": append([]string{`/3/0/2="` + c.name + `"`}, product...)})
	})
}

func TestOMA204(t *testing.T) {
	each(t, []device.Options{v10}, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatJSON, "JSON", map[string][]string{"/3/0": product, "/3/0/6": {"/3/0/6/0=1", "/3/0/6/1=5"}})
	})
	t.Run("later versions refuse it", func(t *testing.T) {
		each(t, since11, func(t *testing.T, c *client) {
			c.run("serialization JSON")
			l := c.expectValues("read /3/0", product...)
			asked := c.asked()
			if l.Format == lwm2m.FormatJSON.String() || !slices.Contains(asked, "GET /3/0 accept=11543") || len(asked) != 2 {
				t.Errorf("asked %q, answered in %s", asked, l.Format)
			}
		})
	})
}

func TestOMA211(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		reads(c, lwm2m.FormatCBOR, "CBOR", map[string][]string{"/1/0/0": {"/1/0/0=1"}, "/1/0/6": {"/1/0/6=false"}, "/1/0/7": {`/1/0/7="U"`}})
	})
}

func TestOMA221(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for text, asked := range map[string]string{
			"read /0":                        "GET /0 ",
			`write /0/0/0 "coap://evil:1"`:   "PUT /0/0/0 ",
			"writeattr /0 pmin=30&pmax=45":   "PUT /0?pmin=30&pmax=45",
			"discover /0":                    "GET /0 accept=40",
			"delete /0/0":                    "DELETE /0/0",
			`create /0 {"0":"coap://evil"}`:  "POST /0 ",
			`write /0/0 {"0":"coap://evil"}`: "POST /0/0 ",
		} {
			l := c.expect("4.01", text)
			if got := c.lastAsked(); !strings.HasPrefix(got+" ", asked) || !strings.Contains(l.Error, "4.01 Unauthorized") {
				t.Errorf("%s: asked %q, error %q", text, got, l.Error)
			}
		}
	})
}

func TestOMA222(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expectValues("read /1", server...)
		c.expectValues("read /3", product...)
		c.expectValues("read /16", `/16/0/0/0="Host Device ID #1"`)
	})
}

func TestOMA223(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expectValues("read /1/0", server...)
		c.expectValues("read /3/0", product...)
	})
}

func TestOMA224(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for _, want := range append([]string{`/3/0/16="U"`}, server...) {
			path, _, _ := strings.Cut(want, "=")
			l := c.expectValues("read "+path, want)
			if len(l.Values) != 1 {
				t.Errorf("%s brought %v", path, l.Values)
			}
		}
		c.expect("4.04", "read /3/0/99")
		c.expect("4.05", "read /3/0/4")
	})
}

func TestOMA225(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		for _, format := range []string{"DEFAULT", "TEXT", "TLV", "CBOR", "SENML_JSON", "SENML_CBOR"} {
			c.run("serialization " + format)
			if l := c.expectValues("read /3/0/11/0", "/3/0/11/0=0"); len(l.Values) != 1 {
				t.Errorf("%s brought %v", format, l.Values)
			}
		}
		c.expect("4.04", "read /3/0/11/9")
	})
	t.Run("1.0 has none", func(t *testing.T) {
		each(t, []device.Options{v10}, func(t *testing.T, c *client) { c.expect("4.05", "read /3/0/11/0") })
	})
}

func TestOMA229(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expectValues("cread /3 /1/0 /1/0/1 /3/0/11/0", append(slices.Clone(server), product...)...)
		if got := c.lastAsked(); !strings.HasPrefix(got, "FETCH / ") {
			t.Errorf("asked %s", got)
		}
	})
}

// levels are paths of four lengths.
var levels = map[string][]string{"/1": server, "/3/0": product, "/3/0/16": {`/3/0/16="U"`}, "/3/0/11/0": {"/3/0/11/0=0"}}

func TestOMA231(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) { reads(c, lwm2m.FormatSenMLJSON, "SENML_JSON", levels) })
}

func TestOMA232(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) { reads(c, lwm2m.FormatSenMLCBOR, "SENML_CBOR", levels) })
}

func TestOMA235(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		for _, format := range []string{"SENML_JSON", "SENML_CBOR"} {
			c.run("serialization " + format)
			l := c.expectValues("cread /", append(append([]string{"/0", "/21", "/23", `/3303/1/5701="Cel"`}, server...), product...)...)
			if len(l.Values) < 100 {
				t.Errorf("%d values", len(l.Values))
			}
		}
	})
}

func TestOMA236(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		l := c.expectValues("cread /3/0/0 /3339/0 /1/0/1 /3353/0/6030", `/3/0/0="Dormouse Works"`, "/1/0/1=86400", "/3339/0=null", "/3353/0/6030=null")
		if len(l.Values) != 4 {
			t.Errorf("values %v", l.Values)
		}
		o := c.run("cread /3/0/0 /3339/0")
		if !strings.Contains(o.Result, "/3339/0: not returned") {
			t.Errorf("result %q", o.Result)
		}
	})
}

func TestOMA280(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.run("serialization SENML_JSON")
		c.expectValues("cread /3/0/16 /3/0/11/0 /1/0", append([]string{`/3/0/16="U"`, "/3/0/11/0=0", "/3/0/0"}, server...)...)
		want := "FETCH / accept=110 ct=110 payload=" + hexOf(`[{"n":"/3/0/16"},{"n":"/3/0/11/0"},{"n":"/1/0"}]`)
		if got := c.lastAsked(); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	})
}

func TestOMA281(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		if l := c.expectValues("cread /1/0/1 /1/0/7 /1/0/8", "/1/0/1=86400", `/1/0/7="U"`, "/1/0/8=null"); len(l.Values) != 3 {
			t.Errorf("values %v", l.Values)
		}
	})
}

// The raw command sends no Accept, and the device chooses. A Read always has
// one, so that only a device that does not care shows what the node makes of
// other formats: all of them are read.
func TestOMA237(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for _, p := range []string{"/1", "/3"} {
			l := c.expect("2.05", `coap {"method":"get","uri":"`+p+`"}`)
			if got := c.lastAsked(); got != "GET "+p || len(l.Values["payloadHex"]) < 10 {
				t.Errorf("asked %q: %v", got, l.Values)
			}
		}
	})
	t.Run("whatever comes back", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.1", "</1/0>,</3/0>")
		for _, c := range []struct {
			format  lwm2m.Format
			payload string
		}{
			{lwm2m.FormatTLV, string(unhex("08000fc10001c40100015180c10600c10755"))},
			{lwm2m.FormatOldTLV, string(unhex("08000fc10001c40100015180c10600c10755"))},
			{lwm2m.FormatSenMLJSON, `[{"bn":"/1/0/","n":"0","v":1},{"n":"1","v":86400},{"n":"6","vb":false},{"n":"7","vs":"U"}]`},
			{lwm2m.FormatSenMLCBOR, string(unhex("84 a3 21 65 2f312f302f 00 6130 02 01 a2 00 6131 02 1a00015180 a2 00 6136 04 f4 a2 00 6137 03 6155"))},
			{lwm2m.FormatJSON, `{"bn":"/1/0/","e":[{"n":"0","v":1},{"n":"1","v":86400},{"n":"6","bv":false},{"n":"7","sv":"U"}]}`},
			{lwm2m.FormatOldJSON, `{"bn":"/1/0/","e":[{"n":"0","v":1},{"n":"1","v":86400},{"n":"6","bv":false},{"n":"7","sv":"U"}]}`},
			{lwm2m.FormatLwM2MCBOR, string(unhex("a1 01 a1 00 a4 00 01 01 1a00015180 06 f4 07 6155"))},
		} {
			op := p.submit("read /1")
			m := p.next("GET /1")
			if m.Accept() == lwm2m.FormatNone {
				t.Errorf("no Accept: %s", words(m))
			}
			p.answer(m, coap.Content, c.format, c.payload)
			o := p.ended(op)
			if len(o.lines) != 1 || o.lines[0].Format != c.format.String() {
				t.Fatalf("%s: %s", c.format, o.Results)
			}
			holds(t, o.lines[0], server...)
		}
		for f, payload := range map[lwm2m.Format]string{lwm2m.FormatText: "86400", lwm2m.FormatOldText: "86400", lwm2m.FormatCBOR: string(unhex("1a00015180"))} {
			op := p.submit("read /1/0/1")
			p.answer(p.next("GET /1/0/1"), coap.Content, f, payload)
			if o := p.ended(op); len(o.lines) != 1 || string(o.lines[0].Values["/1/0/1"]) != "86400" {
				t.Errorf("%s: %s", f, o.Results)
			}
		}
	})
}
