package device

import (
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// One row for each answer that an operation can have (OMA Transport 6.7).
func TestCodes(t *testing.T) {
	const notFound, notAllowed, bad = coap.NotFound, coap.MethodNotAllowed, coap.BadRequest
	tests := []struct {
		method  coap.Code
		path    string
		format  lwm2m.Format
		payload string
		want    coap.Code
	}{
		// Read
		{coap.GET, "", none, "", notAllowed},
		{coap.GET, "99", none, "", notFound},
		{coap.GET, "3/9", none, "", notFound},
		{coap.GET, "3/0/99", none, "", notFound},
		{coap.GET, "3/0/4", none, "", notAllowed},
		{coap.GET, "5/0/0", none, "", notAllowed},
		{coap.GET, "3/0/0/0", none, "", notFound},
		{coap.GET, "3/0/7/0", none, "", coap.Content},
		{coap.GET, "3/x", none, "", notFound},
		{coap.GET, "rd/1", none, "", notFound},
		{coap.GET, "3/0/7/0/1", none, "", notFound},
		// Write
		{coap.PUT, "", tlv, "", notAllowed},
		{coap.PUT, "3", tlv, "", notAllowed},
		{coap.PUT, "3/0/0", text, "x", notAllowed},
		{coap.PUT, "3/0/4", text, "x", notAllowed},
		{coap.PUT, "3/0/99", text, "x", notFound},
		{coap.PUT, "99/0/1", text, "x", notFound},
		{coap.PUT, "16/9/0/0", text, "x", notFound},
		{coap.PUT, "1/0/1", text, "x", bad},
		{coap.PUT, "1/0/1", text, "", bad},
		{coap.PUT, "1/0/1", lwm2m.FormatLink, "x", coap.UnsupportedContentFormat},
		{coap.PUT, "1/0/1", omaJSON, "{}", coap.UnsupportedContentFormat},
		{coap.PUT, "1/0/1", lwm2m.Format(4711), "x", coap.UnsupportedContentFormat},
		{coap.PUT, "1/0/1", none, "30", coap.Changed},
		{coap.PUT, "1/0", none, "30", bad},
		{coap.PUT, "1/0", text, "30", coap.UnsupportedContentFormat},
		{coap.PUT, "1/0", tlv, unhex("c10101"), bad},                       // lacks mandatory ones
		{coap.PUT, "1/0", tlv, "\xff\xff", bad},                            // no TLV
		{coap.PUT, "1/0/7", text, "UQ", bad},                               // 1.0 alone has Q here
		{coap.PUT, "1/0/7", text, "S", bad},                                // without the binding it has
		{coap.PUT, "5/0/1", text, strings.Repeat("u", 256), bad},           // longer than 255
		{coap.PUT, "10/0/1", text, "65536", bad},                           // above its range
		{coap.PUT, "16/0/0", senmlJSON, `[{"n":"/16/0/0","vs":"x"}]`, bad}, // needs instances
		{coap.PUT, "3/0/14", senmlJSON, `[{"n":"/3/0/14/0","vs":"x"}]`, bad},
		{coap.PUT, "3/0/14", senmlJSON, `[{"n":"/3/0/15","vs":"x"}]`, bad}, // another resource
		{coap.PUT, "3/0/14", text, "", coap.Changed},                       // an empty String is one
		{coap.PUT, "16/0/0", senmlJSON, `[{"n":"/16/0/0/7","vs":"x"}]`, coap.Changed},
		// Execute
		{coap.POST, "3/0/12", none, "", coap.Changed},
		{coap.POST, "3/0/12", text, "0='a',1", coap.Changed},
		{coap.POST, "3/0/12", text, "0='a", bad},
		{coap.POST, "3/0/12", tlv, "", coap.UnsupportedContentFormat},
		{coap.POST, "3/0/0", none, "", notAllowed},
		{coap.POST, "3/0/99", none, "", notFound},
		{coap.POST, "3/0/7/0", none, "", notAllowed},
		{coap.POST, "1/0/9", none, "", notFound},   // no bootstrap
		{coap.POST, "5/0/2", none, "", notAllowed}, // nothing downloaded
		{coap.POST, "5/0/10", none, "", notFound},  // since 1.1 of the object
		{coap.POST, "9/0/4", none, "", notAllowed},
		// Create
		{coap.POST, "", tlv, "", notAllowed},
		{coap.POST, "99", tlv, "", notFound},
		{coap.POST, "3", tlv, "", notAllowed},
		{coap.POST, "1", tlv, unhex("c10101"), notAllowed},
		{coap.POST, "16", none, "", bad},                                  // lacks 16/x/0
		{coap.POST, "16", senmlJSON, `[{"n":"/16/0/0/0","vs":"x"}]`, bad}, // is there
		{coap.POST, "16", senmlJSON, `[{"n":"/16/3/3","v":1}]`, notAllowed},
		{coap.POST, "16", text, "x", coap.UnsupportedContentFormat},
		{coap.POST, "16", senmlJSON, `[`, bad},
		{coap.POST, "3303", none, "", coap.Created},
		{coap.POST, "11", senmlJSON, `[{"n":"/11/4/0","vs":"x"}]`, bad},
		{coap.POST, "11", senmlJSON, `[{"n":"/11/4/0","vs":"x"},{"n":"/11/4/4","v":3}]`, coap.Created},
		// Delete
		{coap.DELETE, "", none, "", notAllowed},
		{coap.DELETE, "3", none, "", notAllowed},
		{coap.DELETE, "3/0", none, "", notAllowed},
		{coap.DELETE, "1/0", none, "", notAllowed},
		{coap.DELETE, "16/9", none, "", notFound},
		{coap.DELETE, "16/0/0", none, "", notAllowed},
		{coap.DELETE, "16/0/0/0", none, "", notAllowed}, // 1.2 alone has it
		{coap.DELETE, "16/0", none, "", coap.Deleted},
		// Write-Attributes
		{coap.PUT, "3/0/9?pmin=1", none, "", coap.Changed},
		{coap.PUT, "3/0/9?pmin=x", none, "", bad},
		{coap.PUT, "3/0/9?dim=1", none, "", bad},
		{coap.PUT, "3/0/9?con=1", none, "", bad}, // 1.2
		{coap.PUT, "3/0/0?gt=1", none, "", bad},  // a String
		{coap.PUT, "3/0?gt=1", none, "", bad},    // no resource
		{coap.PUT, "3/0/9?lt=5&gt=3", none, "", bad},
		{coap.PUT, "3/0/99?pmin=1", none, "", notFound},
		{coap.PUT, "99?pmin=1", none, "", notFound},
		// Composite
		{coap.FETCH, "", none, "", coap.UnsupportedContentFormat},
		{coap.FETCH, "", tlv, "", coap.UnsupportedContentFormat},
		{coap.FETCH, "", lwm2m.FormatSenMLEtchJSON, `[{"n":"/3/0/0"}]`, coap.UnsupportedContentFormat}, // 1.2
		{coap.FETCH, "", senmlJSON, `[{"n":"/3/x"}]`, bad},
		{coap.FETCH, "3/0", senmlJSON, `[{"n":"/3/0"}]`, notAllowed},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":5},{"n":"/0/0/0","vs":"x"}]`, coap.Unauthorized},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":5},{"n":"/3/0/0","vs":"x"}]`, notAllowed},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":5},{"n":"/99/0/0","vs":"x"}]`, notFound},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":5},{"n":"/16/9/0/0","vs":"x"}]`, notFound},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":5},{"n":"/1/0/6","v":7}]`, bad},
		{coap.IPATCH, "", senmlJSON, `[{"n":"/16/0/0/9","vs":"x"}]`, coap.Changed},
		{coap.IPATCH, "3/0", senmlJSON, `[{"n":"/3/0/14","vs":"x"}]`, notAllowed},
		{coap.PATCH, "", senmlJSON, `[]`, notAllowed},
	}
	for _, test := range tests {
		w := meet(t, Options{})
		m := w.do(test.method, test.path, test.format, test.payload)
		if m.Code != test.want {
			t.Errorf("%s /%s %s %q is answered %s, want %s", methodName(test.method), test.path, test.format, test.payload, m.Code, test.want)
		}
		if !m.Code.IsSuccess() && w.device.Tree().Revision() != 0 && w.value("1/0/2") != "1" {
			t.Errorf("%s /%s %q was refused and changed something", methodName(test.method), test.path, test.payload)
		}
	}
}

// Formats that are asked for and cannot be had are 4.06.
func TestNotAcceptable(t *testing.T) {
	tests := []struct {
		path   string
		accept lwm2m.Format
		want   coap.Code
	}{
		{"3", text, coap.NotAcceptable},
		{"3/0", cbor, coap.NotAcceptable},
		{"3/0/6", text, coap.NotAcceptable}, // has instances
		{"3/0/0", lwm2m.FormatOpaque, coap.NotAcceptable},
		{"6/0/4", lwm2m.FormatOpaque, coap.Content},
		{"3/0/0", lwm2mCBOR, coap.NotAcceptable}, // 1.2
		{"3/0/0", lwm2m.Format(50), coap.NotAcceptable},
		{"3/0", lwm2m.FormatSenMLEtchCBOR, coap.NotAcceptable},
		{"3/0", tlv, coap.Content},
	}
	for _, test := range tests {
		w := meet(t, Options{})
		if m := w.get(test.path, test.accept); m.Code != test.want {
			t.Errorf("%s in %s: %s, want %s", test.path, test.accept, m.Code, test.want)
		}
	}
}

// A device whose formats were chosen has these, and lists them.
func TestFormats(t *testing.T) {
	w := meet(t, Options{Formats: []lwm2m.Format{senmlJSON}})
	if got := w.lists[0].Formats; len(got) != 1 || got[0] != senmlJSON {
		t.Errorf("listed %v", got)
	}
	w.expect(w.get("3/0", tlv), coap.NotAcceptable)
	w.expect(w.get("3/0", senmlJSON), coap.Content)
	w.expect(w.get("3/0/0", text), coap.Content)
	w.expect(w.do(coap.PUT, "1/0", tlv, unhex("c10101")), coap.UnsupportedContentFormat)
}

// The additions of LwM2M 1.2: its CBOR both ways, requests as SenML-ETCH, and
// the delete of resource instances.
func TestVersion12(t *testing.T) {
	w := meet(t, young)
	m := w.get("3/0/0", lwm2mCBOR)
	if want := unhex("a1830300006e446f726d6f75736520576f726b73"); string(m.Payload) != want {
		t.Errorf("read %x", m.Payload)
	}
	w.expect(w.do(coap.PUT, "1/0/2", lwm2mCBOR, unhex("a1830100021865")), coap.Changed)
	if got := w.value("1/0/2"); got != "101" {
		t.Errorf("wrote 101, read %s", got)
	}
	w.expect(w.do(coap.IPATCH, "", lwm2mCBOR, unhex("a283010002078303000e612b")), coap.Changed)
	has(t, w.values("/", w.ask(composite(lwm2mCBOR, "/1/0/2", "/3/0/14"))), "/1/0/2 7", "/3/0/14 +")
	r := composite(senmlCBOR, "/3/0/16")
	r.Format = lwm2m.FormatSenMLEtchJSON
	if got := w.values("/", w.ask(r)); got != "/3/0/16 U" {
		t.Errorf("read %s", got)
	}
	w.expect(w.do(coap.IPATCH, "", lwm2m.FormatSenMLEtchJSON, `[{"n":"/1/0/2","v":8}]`), coap.Changed)
	w.expect(w.ask(plain(coap.DELETE, "16/0/0/2")), coap.Deleted)
	hasNot(t, w.values("16", w.get("16", tlv)), "/16/0/0/2")
	w.expect(w.ask(plain(coap.DELETE, "16/0/0/2")), coap.NotFound)
	w.expect(w.ask(plain(coap.DELETE, "3/0/6/0")), coap.MethodNotAllowed)
	for _, id := range []string{"0", "1"} {
		w.expect(w.ask(plain(coap.DELETE, "16/0/0/"+id)), coap.Deleted)
	}
	w.expect(w.ask(plain(coap.DELETE, "16/0/0/3")), coap.MethodNotAllowed) // the last of a mandatory one
}

// LwM2M 1.0 has no composite operations.
func TestVersion10(t *testing.T) {
	w := meet(t, old)
	w.expect(w.do(coap.FETCH, "", senmlJSON, `[{"n":"/3/0"}]`), coap.MethodNotAllowed)
	w.expect(w.do(coap.IPATCH, "", senmlJSON, `[{"n":"/1/0/2","v":1}]`), coap.MethodNotAllowed)
	w.expect(w.ask(plain(coap.PUT, "3/0/9?epmin=1")), coap.BadRequest)
	w.expect(w.do(coap.PUT, "3/0/14", none, "+01:00"), coap.Changed)
}

// POST on a resource with instances adds to them, PUT replaces them (OMA Core
// 7.5.6, the colours of object 34).
func TestWriteInstances(t *testing.T) {
	w := meet(t, Options{})
	payload := `[{"n":"/16/0/0/1","vs":"Yellow"},{"n":"/16/0/0/7","vs":"Blue"}]`
	w.expect(w.do(coap.POST, "16/0/0", senmlJSON, payload), coap.Changed)
	got := w.values("16/0/0", w.get("16/0/0", tlv))
	has(t, got, "/16/0/0/0 Host Device ID #1", "/16/0/0/1 Yellow", "/16/0/0/7 Blue")
	w.expect(w.do(coap.PUT, "16/0/0", senmlJSON, payload), coap.Changed)
	if got := w.values("16/0/0", w.get("16/0/0", tlv)); got != "/16/0/0/1 Yellow\n/16/0/0/7 Blue" {
		t.Errorf("replaced: %s", got)
	}
}

// Attributes merge, and a bare name removes.
func TestAttributes(t *testing.T) {
	w := meet(t, Options{})
	for _, step := range []struct{ write, want string }{
		{"pmin=5&gt=40.5", "pmin=5;gt=40.5"},
		{"pmax=60", "pmin=5;gt=40.5;pmax=60"},
		{"gt&pmin=6", "pmax=60;pmin=6"},
		{"pmin&pmax", ""},
	} {
		w.attach("3303/0/5700?" + step.write)
		want := "</3303/0/5700>"
		if step.want != "" {
			want += ";" + step.want
		}
		if got := w.discover("3303/0/5700"); got != want {
			t.Errorf("after %s: %s, want %s", step.write, got, want)
		}
	}
	w.attach("3303/1/5700?pmin=7") // goes with the instance
	w.expect(w.ask(plain(coap.DELETE, "3303/1")), coap.Deleted)
	w.expect(w.do(coap.POST, "3303", senmlJSON, `[{"n":"/3303/1/5750","vs":"again"}]`), coap.Created)
	if got := w.discover("3303/1/5700"); got != "</3303/1/5700>" {
		t.Errorf("a new instance has attributes: %s", got)
	}
}

// Executables do what they are for.
func TestExecutables(t *testing.T) {
	w := meet(t, Options{Every: time.Second})
	run := func(path, arguments string) {
		t.Helper()
		w.expect(w.do(coap.POST, path, text, arguments), coap.Changed)
	}
	run("7/0/6", "") // statistics of traffic
	w.get("19/0/0", senmlCBOR)
	if got := w.value("7/0/2"); got == "0" {
		t.Errorf("sent %s kB after 3000 bytes", got)
	}
	run("7/0/7", "")
	run("16/0/1", "0='abc'")
	has(t, w.values("16/0", w.get("16/0", tlv)), "/16/0/2/0 616263", "/16/0/3 1")
	run("20/0/4011", "0='30'")
	has(t, w.values("20/0", w.get("20/0", tlv)), "/20/0/4013 1")
	run("20/0/4012", "")
	w.expect(w.do(coap.POST, "20/0/4011", text, "5='30'"), coap.BadRequest)
	run("9/0/11", "")
	has(t, w.values("9/0", w.get("9/0", tlv)), "/9/0/12 false")
	run("9/0/6", "")
	w.expect(w.do(coap.POST, "9/0/10", text, ""), coap.MethodNotAllowed)
	w.expect(w.do(coap.PUT, "9/0/2", lwm2m.FormatOpaque, "package"), coap.Changed)
	run("9/0/4", "")
	has(t, w.values("9/0", w.get("9/0", tlv)), "/9/0/7 4")
	w.run(time.Minute)
	run("3303/0/5605", "")
	if low, high, now := w.value("3303/0/5601"), w.value("3303/0/5602"), w.value("3303/0/5700"); low != now || high != now {
		t.Errorf("extremes %s and %s right after their reset, value %s", low, high, now)
	}
}

// A firmware package is there at once; its installation ends with a reboot. A
// factory reset undoes what was written.
func TestFirmware(t *testing.T) {
	w := meet(t, Options{})
	state := func() string { return w.value("5/0/3") + w.value("5/0/5") }
	w.expect(w.do(coap.PUT, "5/0/0", lwm2m.FormatOpaque, strings.Repeat("image", 1000)), coap.Changed)
	if got := state(); got != "20" {
		t.Errorf("state and result %s with a package", got)
	}
	w.expect(w.do(coap.PUT, "5/0/0", lwm2m.FormatOpaque, "\x00"), coap.Changed)
	if got := state(); got != "00" {
		t.Errorf("state and result %s after a reset", got)
	}
	w.write("5/0/1", "coap://example.org/image")
	if got := state(); got != "09" {
		t.Errorf("state and result %s with a URI", got)
	}
	w.expect(w.do(coap.PUT, "5/0/0", lwm2m.FormatOpaque, "image"), coap.Changed)
	w.expect(w.ask(plain(coap.POST, "5/0/2")), coap.Changed)
	w.write("3/0/14", "+05:00")
	w.run(5 * time.Second)
	if got := state(); got != "01" || len(w.registered) != 2 || w.value("3/0/14") != "+05:00" {
		t.Errorf("state and result %s after the installation, %d registrations", got, len(w.registered))
	}
	w.expect(w.ask(plain(coap.POST, "3/0/5")), coap.Changed)
	w.run(5 * time.Second)
	if got := state(); got != "00" || len(w.registered) != 3 || w.value("3/0/14") != "+00:00" {
		t.Errorf("state and result %s after a factory reset, %d registrations", got, len(w.registered))
	}
}
