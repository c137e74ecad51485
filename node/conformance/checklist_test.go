package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/config"
)

// The tests of this file are for lines of the server's checklist in
// docs/conformance.md that no case or rule has.

// Two failures that look alike from above: nobody acknowledged the request, or
// the answer that was promised did not come. Both end by a time-out here; the
// first after the retransmissions, if there is time for them.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	n := another(t, func(c *config.Config) { c.RequestTimeout = 300 * time.Millisecond })
	for _, acknowledged := range []bool{false, true} {
		p := scripted(t, n)
		p.joins("lt=300&lwm2m=1.1", objects)
		op := p.submit("execute /3/0/4")
		m := p.next("POST /3/0/4")
		if acknowledged {
			p.acknowledge(m)
		}
		eventually(t, func() error {
			if p.status(op) != platform.Pending {
				return errNotYet
			}
			return nil
		})
		delete(p.answers, m.MessageID)
		p.updates("", "") // within the device's memory of message IDs: the same message
		again := p.next("POST /3/0/4")
		if again.MessageID != m.MessageID {
			t.Errorf("acknowledged %v: sent again as %d, was %d", acknowledged, again.MessageID, m.MessageID)
		}
		p.answer(again, coap.Changed, none, "")
		if o := p.ended(op); o.Status != platform.Successful {
			t.Errorf("%s: %s", o.Status, o.Results)
		}
	}
}

// An exchange of a registration that is over is cancelled at once; its operation
// is PENDING again. One that may have run is not repeated after a full Register.
func TestVanishedRegistration(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	read := p.submit("read /3/0/0")
	late := p.next("GET /3/0/0")
	p.ask(p.request(coap.DELETE, p.location, none, ""))
	if s := p.status(read); s != platform.Pending {
		t.Errorf("behind the De-register the operation is %s", s)
	}
	p.answer(late, coap.Content, lwm2m.FormatText, "late") // too late
	p.joins("lt=300&lwm2m=1.1", objects)
	p.answer(p.next("GET /3/0/0"), coap.Content, lwm2m.FormatText, "again")
	if o := p.ended(read); string(o.lines[0].Values["/3/0/0"]) != `"again"` {
		t.Errorf("%s: %s", o.Status, o.Results)
	}
	execute := p.submit("execute /3/0/4")
	p.next("POST /3/0/4")
	p.joins("lt=300&lwm2m=1.1", objects) // it rebooted
	if o := p.ended(execute); o.Status != platform.Failed || !strings.Contains(o.Failure, "answer unknown") {
		t.Errorf("%s: %s", o.Status, o.Failure)
	}
	p.silent()
}

// An observe that is answered after the De-register makes no observation.
func TestStaleObserve(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	op := p.submit("observe /3/0/9")
	m := p.next("GET /3/0/9")
	p.ask(p.request(coap.DELETE, p.location, none, ""))
	p.answer(m, coap.Content, lwm2m.FormatText, "1", observed(1))
	_, err := p.node.api.Expect(http.StatusOK, http.MethodPut, platform.OperationsPath+"/"+op.String(), `{"status":"FAILED"}`)
	check(t, err)
	p.joins("lt=300&lwm2m=1.1", objects)
	if r := p.registration(); len(r.Observations) > 0 || len(p.values()) > 0 {
		t.Errorf("observations %v, values %v", r.Observations, p.values())
	}
	p.silent()
}

// What is empty is read as empty and is no error.
func TestEmpty(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", "</1/0>,</3/0>,</16>,</19/0>")
	for _, c := range []struct {
		read    string
		format  lwm2m.Format
		payload string
		want    []string
	}{
		{"/16", lwm2m.FormatTLV, "", []string{"/16/0"}},
		{"/16", senml, "[]", nil},
		{"/16", lwm2m.FormatSenMLCBOR, "\x80", nil},
		{"/19/0/0/0", lwm2m.FormatOpaque, "", []string{`/19/0/0/0=""`}},
		{"/19/0/0/0", lwm2m.FormatTLV, "\x40\x00", []string{`/19/0/0/0=""`}},
		{"/19/0/0/0", lwm2m.FormatCBOR, "\x40", []string{`/19/0/0/0=""`}},
		{"/19/0/0/0", senml, `[{"n":"/19/0/0/0","vd":""}]`, []string{`/19/0/0/0=""`}},
		{"/3/0/0", lwm2m.FormatText, "", []string{`/3/0/0=""`}},
		{"/3/0/7", lwm2m.FormatTLV, "\x80\x07", []string{"/3/0/7={}"}},
		{"/3/0/7", lwm2m.FormatLwM2MCBOR, string(unhex("a183030007a0")), []string{"/3/0/7={}"}},
	} {
		o := p.exchange("read "+c.read, "GET "+c.read, coap.Content, c.format, c.payload)
		if o.Status != platform.Successful || len(o.lines) != 1 {
			t.Errorf("%s %q: %s %s", c.format, c.payload, o.Status, o.Results)
			continue
		}
		holds(t, o.lines[0], c.want...)
	}
}

// A value of each type, single and in a multiple resource, in each format, as it
// is written, and as it comes back.
func TestEveryType(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		formats := []string{"TLV", "JSON"}
		if c.registration().Version != "1.0" {
			formats = []string{"TLV", "SENML_JSON", "SENML_CBOR", "CBOR", "TEXT", "DEFAULT"}
		}
		for _, format := range formats {
			c.run("serialization " + format)
			for _, w := range []struct{ path, value, shown string }{
				{"/3/0/14", `"+05:30"`, `"+05:30"`},             // String
				{"/1/0/1", "86400", "86400"},                    // Integer
				{"/1/0/6", "true", "true"},                      // Boolean
				{"/1/0/6", "0", "false"},                        //
				{"/3/0/13", "1367491215", ""},                   // Time
				{"/3/0/13", "2013-05-02T10:40:15Z", ""},         //
				{"/3303/0/5750", `"ä \"b\""`, `"ä \"b\""`},      // String, of an object with a version
				{"/7/0/8", "2147483647", "2147483647"},          // Integer of four bytes
				{"/19/1/1", "1", "1"},                           // Integer
				{"/19/1/3", `"eine Datei"`, `"eine Datei"`},     //
				{"/10/0/4", "-1", "-1"},                         // negative
				{"/10/0/8", "00ff", ""},                         // Opaque
				{"/10/0/8", "12", `"12"`},                       //
				{"/1/0/7", `"U"`, `"U"`},                        //
				{"/16/0/0/1", `"one of many"`, `"one of many"`}, // of a multiple resource
			} {
				if old := c.registration().Version == "1.0"; old && (strings.Count(w.path, "/") == 4 || w.path == "/3303/0/5750") {
					continue // 1.0 has neither
				}
				c.expect("2.04", "write "+w.path+" "+w.value)
				l := c.expect("2.05", "read "+w.path)
				got := string(l.Values[w.path])
				if w.shown == "" && got == "" || w.shown != "" && got != w.shown {
					t.Errorf("%s: %s is %s, wrote %s", format, w.path, got, w.value)
				}
			}
		}
	})
	t.Run("Float, Unsigned, Objlnk and Corelnk", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.1", "</1/0>,</3/0>,</10/0>;ver=1.1,</22/0>,</3308/0>")
		for _, c := range []struct{ format, path, value, payload, shown string }{
			{"TLV", "/3308/0/5900", "-18.25", "e4170cc1920000", "-18.25"},
			{"TLV", "/3308/0/5900", "18", "e4170c41900000", "18"},
			{"TEXT", "/3308/0/5900", "18.5", "31382e35", "18.5"},
			{"CBOR", "/3308/0/5900", "18.5", "fa41940000", "18.5"},
			{"SENML_JSON", "/3308/0/5900", "18.5", hexOf(`[{"bn":"/3308/0/5900","v":18.5}]`), "18.5"},
			{"TLV", "/10/0/14", "255", "c10eff", "255"},
			{"CBOR", "/10/0/14", "255", "18ff", "255"},
			{"TEXT", "/10/0/14", "255", "323535", "255"},
			{"TLV", "/1/0/10", "11:65535", "c40a000bffff", `"11:65535"`},
			{"TEXT", "/1/0/10", "11:0", "31313a30", `"11:0"`},
			{"SENML_JSON", "/1/0/10", "11:0", hexOf(`[{"bn":"/1/0/10","vlo":"11:0"}]`), `"11:0"`},
			{"TLV", "/22/0/0/1", `"</3/0>"`, "4601" + hexOf("</3/0>"), `"</3/0>"`},
			{"SENML_JSON", "/22/0/0/1", `"</3/0>"`, hexOf(`[{"bn":"/22/0/0/1","vs":"</3/0>"}]`), `"</3/0>"`},
		} {
			op := p.submit("serialization " + c.format + "\nwrite " + c.path + " " + c.value)
			m := p.next("PUT " + c.path)
			if got := hexOf(string(m.Payload)); got != c.payload {
				t.Errorf("%s of %s in %s: %s, want %s", c.value, c.path, c.format, got, c.payload)
			}
			f := m.ContentFormat()
			p.answer(m, coap.Changed, none, "")
			p.ended(op)
			o := p.exchange("read "+c.path, "GET "+c.path, coap.Content, f, string(unhex(c.payload)))
			if len(o.lines) != 1 || string(o.lines[0].Values[c.path]) != c.shown {
				t.Errorf("%s of %s in %s: read %s", c.value, c.path, c.format, o.Results)
			}
		}
	})
}

// PUT on an instance needs all that is mandatory; the device says so.
func TestReplace(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", `write /1/0 {"3":77}`)
		c.expectValues("read /1/0", "/1/0/3=77", "/1/0/2=1")
		c.expect("4.00", `write -r /1/0 {"1":86400,"6":true}`) // without the binding
		c.expectValues("read /1/0", "/1/0/3=77", "/1/0/6=false")
		c.expect("2.04", `write -r /1/0 {"1":86400,"6":true,"7":"U"}`)
		c.expectValues("read /1/0", "/1/0/3", "/1/0/2", "/1/0/6=true")
	})
}

// What cannot be encoded fails here, and the device hears nothing of it.
func TestUnencodable(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		for _, text := range []string{"write /3/0/13 soon", "write /1/0/1 many", "write /1/0/1 1.5", "write /1/0/6 perhaps", "writeb /3/0/14 zz", `write /1/0 {"1":"x"}`, "cwrite /1/0/1 many"} {
			body := platform.NewOperation{Device: c.id, Text: text}.Append(nil)
			r, err := c.node.api.Do(http.MethodPost, platform.OperationsPath, string(body))
			check(t, err)
			if r.Status == http.StatusUnprocessableEntity {
				continue // no device's model is needed to see that
			}
			op, err := platform.ParseOperation(r.Body)
			check(t, err)
			if o := c.ended(op.ID); o.Status != platform.Failed || o.Failure == "" {
				t.Errorf("%s: %s %s", text, o.Status, o.Results)
			}
		}
		if asked := c.asked(); len(asked) > 0 {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestCreate(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		if l := c.expect("2.01", `create /16 {"0":{"0":"a"}}`); string(l.Values["location"]) != `"/16/1"` {
			t.Errorf("the device chose %s", l.Values["location"])
		}
		if l := c.expect("2.01", `create /16 {"id":7,"0":{"0":"b"}}`); string(l.Values["location"]) != `"/16/7"` {
			t.Errorf("created at %s", l.Values["location"])
		}
		// Two instances in one request, which needs the raw command.
		c.expect("2.01", `coap {"method":"post","uri":"/16","contentFormat":11542,"payloadHex":"0808058300410041080a058300410042"}`)
		c.expectValues("read /16", `/16/1/0/0="a"`, `/16/7/0/0="b"`)
		c.expect("4.00", `create /16 {"id":7,"0":{"0":"again"}}`)
		c.expect("4.00", `create /16 {"id":9}`) // nothing of what is mandatory
		c.expectValues("read /16", `/16/7/0/0="b"`, "/16/9")
		c.expect("4.05", `create /3 {"14":"x"}`)
		c.expect("4.04", `create /9999 {"0":"x"}`)
		c.expect("4.01", `create /0 {"0":"coap://x"}`)
	})
}

func TestExecute(t *testing.T) {
	each(t, since10, func(t *testing.T, c *client) {
		c.expect("2.04", "execute /3303/0/5605 2='10.3',0")
		if got, want := c.lastAsked(), "POST /3303/0/5605 ct=0 payload="+hexOf("2='10.3',0"); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		c.expect("2.04", "execute /3/0/12")
		if got := c.lastAsked(); got != "POST /3/0/12" {
			t.Errorf("asked %s", got)
		}
		for _, p := range []string{"/3/0/0", "/1/0/1"} {
			c.expect("4.05", "execute "+p)
		}
		c.expect("4.04", "execute /9999/0/1")
	})
}

// Observations of an object, an instance, a resource and one of its instances;
// what is deleted ends its own.
func TestObserveLevels(t *testing.T) {
	each(t, every(time.Second, since10), func(t *testing.T, c *client) {
		levels := []string{"/3", "/6/0", "/3303/0/5700", "/3/0/7/0"}
		if c.registration().Version == "1.0" {
			levels = levels[:3]
		}
		for _, p := range levels {
			c.expect("2.05", "observe "+p)
			c.gap(c.observation(p), time.Minute)
			c.surfaced(p)
		}
		if r := c.registration(); len(r.Observations) != len(levels) {
			t.Errorf("observations %v", r.Observations)
		}
		// Observed again: one observation still, and it goes on.
		c.expect("2.05", "observe /6/0")
		c.gap(c.observation("/6/0"), time.Minute)
		c.surfaced("/6/0")
		if r := c.registration(); len(r.Observations) != len(levels) {
			t.Errorf("observations %v", r.Observations)
		}
		c.expect("2.05", "observe /16/0/0")
		c.expect("2.02", "delete /16/0")
		c.awaits("the end of what was deleted", func(r registration) bool { return len(r.Observations) == len(levels) })
	})
}

// Notifications with times: the newest counts, a value without time is newer
// than all, and what was stored meanwhile changes nothing that is newer.
func TestStamps(t *testing.T) {
	t.Parallel()
	p := scripted(t, common)
	p.joins("lt=300&lwm2m=1.1", objects)
	token := p.observes("/3303/0/5700", senml, `[{"n":"/3303/0/5700","v":1}]`)
	now := time.Now().Truncate(time.Second).Add(time.Hour) // the device's clock is ahead
	stamped := func(sequence uint32, records string) {
		if got := p.notify(token, sequence, senml, records); got != coap.Acknowledgement {
			t.Errorf("%s is answered %s", records, got)
		}
	}
	bt := text64(now.Unix())
	stamped(2, `[{"bn":"/3303/0/5700","bt":`+bt+`,"v":22.4,"t":-5},{"v":22.9,"t":-30},{"v":24.1,"t":-50}]`)
	v := p.awaitValue("/3303/0/5700", lwm2m.Float(22.4))
	if !v.Device.Equal(now.Add(-5 * time.Second)) {
		t.Errorf("stamped %v, want %v", v.Device, now.Add(-5*time.Second))
	}
	stamped(3, `[{"bn":"/3303/0/5700","bt":`+bt+`,"v":9,"t":-20}]`) // older
	if got := p.values()["/3303/0/5700"].Value; got != lwm2m.Float(22.4) {
		t.Errorf("an older one counts: %s", got)
	}
	stamped(4, `[{"bn":"/3303/0/5700","bt":`+bt+`,"v":30,"t":-1},{"v":31}]`)
	if v := p.awaitValue("/3303/0/5700", lwm2m.Float(31)); !v.Device.Equal(now) {
		t.Errorf("stamped %v, want %v", v.Device, now)
	}
	stamped(5, `[{"n":"/3303/0/5700","v":5}]`)
	if v := p.awaitValue("/3303/0/5700", lwm2m.Float(5)); !v.Device.IsZero() {
		t.Errorf("stamped %v", v.Device)
	}
	o := p.exchange("read /3303/0/5700", "GET /3303/0/5700", coap.Content, senml, `[{"bn":"/3303/0/5700","bt":1700000000,"v":2,"t":1},{"v":1},{"v":3,"t":2}]`)
	if got := string(o.lines[0].Values["/3303/0/5700"]); got != `[{"value":1,"time":"2023-11-14T22:13:20Z"},{"value":2,"time":"2023-11-14T22:13:21Z"},{"value":3,"time":"2023-11-14T22:13:22Z"}]` {
		t.Errorf("read %s", got)
	}
}

// Composites of one path, of many, of all; with a Write-Composite in between; and
// notifications that bring what nobody asked for.
func TestComposite(t *testing.T) {
	each(t, since11, func(t *testing.T, c *client) {
		c.expectValues("cobserve /3/0/14", `/3/0/14="+00:00"`)
		c.expectValues("cobserve /16/0/0 /3/0/14", `/3/0/14="+00:00"`, `/16/0/0/0="Host Device ID #1"`)
		token := c.observation("/")
		c.expect("2.04", "cwrite /16/0/0/0 a /3/0/14 b")
		c.gap(token, time.Minute)
		c.awaitValue("/16/0/0/0", lwm2m.String("a"))
		c.awaitValue("/3/0/14", lwm2m.String("b"))
		c.expect("2.05", "cancelobservation /16/0/0 /3/0/14")
		c.expect("2.05", "cobserve /")
		if r := c.registration(); len(r.Observations) != 2 || !slices.Equal(r.Observations[1].Paths, []string{"/"}) {
			t.Errorf("observations %v", r.Observations)
		}
		c.expect("2.04", "cwrite /16/0/0/0 c")
		c.gap(c.observation("/"), time.Minute)
		c.awaitValue("/16/0/0/0", lwm2m.String("c"))
		c.expect("4.04", "cwrite /3/0/14 d /16/9/0/0 e") // all or nothing
		c.expectValues("read /3/0/14", `/3/0/14="b"`)
	})
	t.Run("other paths", func(t *testing.T) {
		t.Parallel()
		p := scripted(t, common)
		p.joins("lt=300&lwm2m=1.1", objects)
		op := p.submit("cobserve /3/0/9 /3/0/14")
		m := p.next("FETCH /")
		p.answer(m, coap.Content, senml, `[{"n":"/3/0/9","v":1},{"n":"/3/0/14","vs":"a"}]`, observed(1))
		p.ended(op)
		p.notify(m.Token, 2, senml, `[{"n":"/3/0/9","v":2},{"n":"/3/0/15","vs":"x"}]`)
		p.notify(m.Token, 3, senml, `[{"n":"/3/0/14","vs":"b"}]`)
		v := p.values()
		if _, there := v["/3/0/15"]; there || v["/3/0/9"].Value != lwm2m.Integer(1) || v["/3/0/14"].Value != lwm2m.String("b") {
			t.Errorf("values %v", v)
		}
	})
}
