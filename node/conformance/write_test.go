package conformance

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device"
)

// hexOf is how a payload stands in what a client was asked.
func hexOf(payload string) string { return hex.EncodeToString([]byte(payload)) }

func TestOMA205(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for _, w := range []string{"/1/0/2 101", "/1/0/3 1010", "/1/0/5 2000"} {
			path, value, _ := strings.Cut(w, " ")
			c.expect("2.04", "serialization TEXT\nwrite "+w)
			if got, want := c.lastAsked(), "PUT "+path+" ct=0 payload="+hexOf(value); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		}
		c.expectValues("serialization TLV\nread /1/0", "/1/0/2=101", "/1/0/3=1010", "/1/0/5=2000")
		c.expect("2.04", "serialization TEXT\nwrite /1/0/2 1\nwrite /1/0/3 10\nwrite /1/0/5 86400")
		c.expectValues("serialization TLV\nread /1/0", "/1/0/2=1", "/1/0/3=10", "/1/0/5=86400")
	})
}

func TestOMA212(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		for text, payload := range map[string]string{"/1/0/2 101": "1865", "/1/0/3 1010": "1903f2", "/1/0/6 true": "f5"} {
			path, _, _ := strings.Cut(text, " ")
			c.expect("2.04", "serialization CBOR\nwrite "+text)
			if got, want := c.lastAsked(), "PUT "+path+" ct=60 payload="+payload; got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		}
		c.expectValues("read /1/0", "/1/0/2=101", "/1/0/3=1010", "/1/0/6=true")
	})
}

// setsServer updates /1/0 in part, and replaces it by what it was.
func setsServer(c *client, format, update string) {
	c.t.Helper()
	c.run("serialization " + format)
	c.expect("2.04", `write /1/0 {"2":101,"3":1010,"5":2000,"6":true,"7":"U"}`)
	if got := c.lastAsked(); got != "POST /1/0 "+update {
		c.t.Errorf("asked %s, want %s", got, update)
	}
	c.expectValues("read /1/0", "/1/0/1=86400", "/1/0/2=101", "/1/0/3=1010", "/1/0/5=2000", "/1/0/6=true", `/1/0/7="U"`)
	c.expect("2.04", `write -r /1/0 {"1":86400,"2":1,"6":false,"7":"U"}`)
	if got := c.lastAsked(); !strings.HasPrefix(got, "PUT /1/0 ") {
		c.t.Errorf("asked %s", got)
	}
	c.expectValues("read /1/0", append(slices.Clone(server), "/1/0/2=1", "/1/0/3", "/1/0/5")...)
}

func TestOMA215(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		setsServer(c, "TLV", "ct=11542 payload=c10265c20303f2c20507d0c10601c10755")
	})
}

func TestOMA220(t *testing.T) {
	each(t, []device.Options{v10}, func(t *testing.T, c *client) {
		setsServer(c, "JSON", "ct=11543 payload="+
			hexOf(`{"bn":"/1/0/","e":[{"n":"2","v":101},{"n":"3","v":1010},{"n":"5","v":2000},{"n":"6","bv":true},{"n":"7","sv":"U"}]}`))
	})
}

// setsLifetime writes lifetime and storing in one message, and awaits the
// Update with the new lifetime.
func setsLifetime(c *client) {
	c.t.Helper()
	c.expect("2.04", `write /1/0 {"1":61,"6":true}`)
	posts := 0
	for _, asked := range c.asked() {
		if strings.HasPrefix(asked, "POST /1/0 ") {
			posts++
		}
	}
	if posts != 1 {
		c.t.Errorf("asked %q", c.asked())
	}
	c.awaits("lifetime 61", func(r registration) bool { return r.Lifetime == 61 && r.Expires.Sub(r.Update) == 61*time.Second })
	c.expectValues("read /1/0", "/1/0/1=61", "/1/0/6=true", `/1/0/7="U"`, "/1/0/2=1")
}

// restoresLifetime writes what a device begins with.
func restoresLifetime(c *client) {
	c.t.Helper()
	c.expect("2.04", `write /1/0 {"1":86400,"6":false}`)
	c.awaits("lifetime 86400", func(r registration) bool { return r.Lifetime == 86400 })
}

func TestOMA226(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		setsLifetime(c)
		restoresLifetime(c)
	})
}

func TestOMA227(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "write /1/0/1 63")
		if got := c.lastAsked(); !strings.HasPrefix(got, "PUT /1/0/1 ") {
			t.Errorf("asked %s", got)
		}
		c.awaits("lifetime 63", func(r registration) bool { return r.Lifetime == 63 })
		c.expectValues("read /1/0/1", "/1/0/1=63")
		c.expect("2.04", "write /1/0/1 86400")
		c.awaits("lifetime 86400", func(r registration) bool { return r.Lifetime == 86400 })
	})
}

func TestOMA228(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", `write /16/0/0/2 "test"`)
		if got := c.lastAsked(); !strings.HasPrefix(got, "PUT /16/0/0/2 ") {
			t.Errorf("asked %s", got)
		}
		c.expectValues("read /16/0/0", `/16/0/0/0="Host Device ID #1"`, `/16/0/0/2="test"`, `/16/0/0/3="Host Device Software Version #1"`)
		c.expect("4.04", `write /16/0/0/9 "test"`)
	})
}

func TestOMA230(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expect("2.04", "cwrite /1/0/1 61 /1/0/6 true /16/0/0/0 a /16/0/0/1 b /16/0/0/2 c /16/0/0/3 d")
		if asked := c.asked(); len(asked) != 1 || !strings.HasPrefix(asked[0], "iPATCH / ") {
			t.Errorf("asked %q", asked)
		}
		c.awaits("lifetime 61", func(r registration) bool { return r.Lifetime == 61 })
		c.expectValues("cread /1/0/1 /1/0/6 /16/0/0", "/1/0/1=61", "/1/0/6=true", `/16/0/0/0="a"`, `/16/0/0/1="b"`, `/16/0/0/2="c"`, `/16/0/0/3="d"`)
	})
}

// setsAll is case 233 and 234 in a format.
func setsAll(c *client, format string) {
	c.t.Helper()
	c.run("serialization " + format)
	setsLifetime(c)
	c.expect("2.04", `write /16/0/0/0 "test_value"`)
	c.expect("2.04", "write /1/0/1 63")
	c.awaits("lifetime 63", func(r registration) bool { return r.Lifetime == 63 })
	c.expectValues("read /16/0/0/0", `/16/0/0/0="test_value"`)
	c.expectValues("read /1/0/1", "/1/0/1=63")
	restoresLifetime(c)
}

func TestOMA233(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		setsAll(c, "SENML_CBOR")
		everyWriteIs(c, "ct=112")
	})
}

func TestOMA234(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		setsAll(c, "SENML_JSON")
		everyWriteIs(c, "ct=110")
	})
}

func everyWriteIs(c *client, format string) {
	c.t.Helper()
	for _, asked := range c.asked() {
		if !strings.HasPrefix(asked, "GET ") && !strings.Contains(asked, " "+format+" ") {
			c.t.Errorf("asked %s, want %s", asked, format)
		}
	}
}

func TestOMA241(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.05", "observe /3/0/9")
		before := c.registration()
		c.expect("2.04", "execute /3/0/4")
		c.pass(10 * time.Second)
		c.awaitEvent(device.Registered, 2)
		location, _ := c.location()
		r := c.registration()
		if r.Location == before.Location || r.Location != "/"+location || !r.Registered || c.happened(device.Deregistered, "") > 0 {
			t.Errorf("%+v after %+v", r, before)
		}
		c.awaits("observed again", func(r registration) bool { return len(r.Observations) == 1 && !r.Observations[0].Pending })
		c.expectValues("read /3/0/0", `/3/0/0="Dormouse Works"`)
		if h := c.node.handleOf(t, location, c.name); h.id != c.id {
			t.Errorf("another managed object: %s after %s", h.id, c.id)
		}
	})
}

func TestOMA256(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		l := c.expect("4.05", "write /1/0/0 123")
		if !strings.Contains(l.Error, "4.05 Method Not Allowed") {
			t.Errorf("error %q", l.Error)
		}
		c.expectValues("read /1/0/0", "/1/0/0=1")
	})
}

func TestOMA257(t *testing.T) {
	formats := map[string]string{ // the specification's own bytes
		"SENML_JSON": "iPATCH / accept=110 ct=110 payload=" + hexOf(`[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true},{"n":"3/0/13","v":0}]`),
		"SENML_CBOR": "iPATCH / accept=112 ct=112 payload=83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200",
	}
	each(t, since11, func(t *testing.T, c *client) {
		for format, want := range formats {
			c.run("serialization " + format)
			c.expect("2.04", "cwrite /1/0/2 101 /1/0/6 true /3/0/13 0")
			if got := c.lastAsked(); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
			l := c.expectValues("cread /1/0/2 /1/0/6 /3/0/13", "/1/0/2=101", "/1/0/6=true")
			if clock := string(l.Values["/3/0/13"]); !strings.HasPrefix(clock, `"1970-01-01T00:00:`) {
				t.Errorf("the time is %s", clock)
			}
			c.expect("2.04", "cwrite /1/0/2 1 /1/0/6 false")
		}
	})
}
