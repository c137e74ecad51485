package device

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// Short names of the formats that the cases are about.
const (
	text      = lwm2m.FormatText
	cbor      = lwm2m.FormatCBOR
	tlv       = lwm2m.FormatTLV
	omaJSON   = lwm2m.FormatJSON
	senmlJSON = lwm2m.FormatSenMLJSON
	senmlCBOR = lwm2m.FormatSenMLCBOR
	lwm2mCBOR = lwm2m.FormatLwM2MCBOR
	none      = lwm2m.FormatNone
)

// old is a device of LwM2M 1.0, young one of 1.2.
var (
	old   = Options{Version: lwm2m.V1_0}
	young = Options{Version: lwm2m.V1_2}
)

// unhex is a payload that a test gives in hexadecimal.
func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// has checks that lines that are there say what is wanted.
func has(t *testing.T, lines string, want ...string) {
	t.Helper()
	all := strings.Split(lines, "\n")
	for _, line := range want {
		if !slices.Contains(all, line) {
			t.Errorf("no %q in\n%s", line, lines)
		}
	}
}

// hasNot checks that nothing at or below a path is there.
func hasNot(t *testing.T, lines string, paths ...string) {
	t.Helper()
	for line := range strings.SplitSeq(lines, "\n") {
		name, _, _ := strings.Cut(line, " ")
		for _, p := range paths {
			if line != "" && at(p).Contains(at(name)) {
				t.Errorf("%q is there in\n%s", line, lines)
			}
		}
	}
}

// composite is a FETCH of paths.
func composite(accept lwm2m.Format, paths ...string) exchange.Request {
	r := plain(coap.FETCH, "")
	r.Format, r.Accept = senmlJSON, accept
	r.Payload = []byte(`[{"n":"` + strings.Join(paths, `"},{"n":"`) + `"}]`)
	return r
}

var server101 = []string{"/1/0/0 1", "/1/0/1 86400", "/1/0/6 false", "/1/0/7 U"}

func TestOMA201(t *testing.T) {
	for _, o := range []Options{old, {}, young} {
		w := meet(t, o)
		for path, want := range map[string]string{"3/0/0": "Dormouse Works", "3/0/1": "Simulated Sensor", "3/0/2": "dev"} {
			if m := w.get(path, text); m.ContentFormat() != text || string(m.Payload) != want {
				t.Errorf("%s is %s %q", path, m.ContentFormat(), m.Payload)
			}
		}
	}
}

// readDevice reads /3/0 in a format.
func readDevice(t *testing.T, o Options, f lwm2m.Format) {
	t.Helper()
	w := meet(t, o)
	m := w.get("3/0", f)
	w.expect(m, coap.Content)
	if m.ContentFormat() != f {
		t.Errorf("answered in %s", m.ContentFormat())
	}
	got := w.values("3/0", m)
	has(t, got, "/3/0/0 Dormouse Works", "/3/0/3 1.0.0", "/3/0/11/0 0", "/3/0/16 U", "/3/0/6/1 5")
	hasNot(t, got, "/3/0/4", "/3/0/5", "/3/0/12")
}

func TestOMA203(t *testing.T) { readDevice(t, old, tlv); readDevice(t, Options{}, tlv) }

func TestOMA204(t *testing.T) {
	readDevice(t, old, omaJSON)
	w := meet(t, Options{}) // later clients must not send it
	w.expect(w.get("3/0", omaJSON), coap.NotAcceptable)
}

func TestOMA205(t *testing.T) {
	w := meet(t, old)
	w.write("1/0/2", "101")
	w.write("1/0/3", "1010")
	w.write("1/0/5", "2000")
	has(t, w.values("1/0", w.get("1/0", tlv)), "/1/0/2 101", "/1/0/3 1010", "/1/0/5 2000")
}

func TestOMA211(t *testing.T) {
	w := meet(t, Options{})
	for path, want := range map[string]string{"1/0/0": "01", "1/0/6": "f4", "1/0/7": "6155"} {
		if m := w.get(path, cbor); m.ContentFormat() != cbor || hex.EncodeToString(m.Payload) != want {
			t.Errorf("%s is %s %x, want %s", path, m.ContentFormat(), m.Payload, want)
		}
	}
}

func TestOMA212(t *testing.T) {
	w := meet(t, Options{})
	w.expect(w.do(coap.PUT, "1/0/2", cbor, unhex("1865")), coap.Changed)
	w.expect(w.do(coap.PUT, "1/0/3", cbor, unhex("1903f2")), coap.Changed)
	w.expect(w.do(coap.PUT, "1/0/6", cbor, unhex("f5")), coap.Changed)
	has(t, w.values("1/0", w.get("1/0", senmlCBOR)), "/1/0/2 101", "/1/0/3 1010", "/1/0/6 true")
}

// setServer updates /1/0 in part, and replaces it by what it was.
func setServer(t *testing.T, o Options, f lwm2m.Format, update, saved string) {
	t.Helper()
	w := meet(t, o)
	w.expect(w.do(coap.POST, "1/0", f, update), coap.Changed)
	has(t, w.values("1/0", w.get("1/0", f)), "/1/0/1 86400", "/1/0/2 101", "/1/0/3 1010", "/1/0/5 2000", "/1/0/6 true", "/1/0/7 U")
	w.expect(w.do(coap.PUT, "1/0", f, saved), coap.Changed)
	got := w.values("1/0", w.get("1/0", f))
	has(t, got, append(server101, "/1/0/2 1")...)
	hasNot(t, got, "/1/0/3", "/1/0/5")
}

func TestOMA215(t *testing.T) {
	for _, o := range []Options{old, {}} {
		setServer(t, o, tlv, unhex("c10265c20303f2c20507d0c10601c10755"), unhex("c40100015180c10201c10600c10755"))
	}
}

func TestOMA220(t *testing.T) {
	setServer(t, old, omaJSON,
		`{"bn":"/1/0/","e":[{"n":"2","v":101},{"n":"3","v":1010},{"n":"5","v":2000},{"n":"6","bv":true},{"n":"7","sv":"U"}]}`,
		`{"bn":"/1/0/","e":[{"n":"1","v":86400},{"n":"2","v":1},{"n":"6","bv":false},{"n":"7","sv":"U"}]}`)
}

func TestOMA221(t *testing.T) {
	for _, o := range []Options{old, {}, young} {
		w := meet(t, o)
		w.expect(w.get("0", tlv), coap.Unauthorized)
		w.expect(w.get("0", lwm2m.FormatLink), coap.Unauthorized)
		w.expect(w.do(coap.PUT, "0/0/0", text, "coap://example.org"), coap.Unauthorized)
		w.expect(w.ask(plain(coap.PUT, "0?pmin=30&pmax=45")), coap.Unauthorized)
		w.expect(w.ask(plain(coap.DELETE, "0/0")), coap.Unauthorized)
		w.expect(w.do(coap.POST, "0", tlv, ""), coap.Unauthorized)
		w.expect(w.do(coap.POST, "21", tlv, ""), coap.Unauthorized)
	}
}

func TestOMA222(t *testing.T) {
	for _, o := range []Options{old, {}} {
		w := meet(t, o)
		has(t, w.values("1", w.get("1", tlv)), server101...)
		has(t, w.values("3", w.get("3", tlv)), "/3/0/0 Dormouse Works", "/3/0/16 U")
	}
}

func TestOMA223(t *testing.T) {
	w := meet(t, Options{})
	has(t, w.values("1/0", w.get("1/0", tlv)), server101...)
	has(t, w.values("3/0", w.get("3/0", senmlJSON)), "/3/0/16 U")
}

func TestOMA224(t *testing.T) {
	w := meet(t, Options{})
	for path, want := range map[string]string{"1/0/0": "1", "1/0/1": "86400", "1/0/6": "0", "1/0/7": "U", "3/0/16": "U"} {
		if got := w.value(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestOMA225(t *testing.T) {
	w := meet(t, Options{})
	for _, f := range []lwm2m.Format{text, tlv, cbor, senmlCBOR} {
		if got := w.values("3/0/11/0", w.get("3/0/11/0", f)); got != "/3/0/11/0 0" {
			t.Errorf("in %s: %q", f, got)
		}
	}
	w.expect(w.get("3/0/11/9", text), coap.NotFound)
	w.expect(meet(t, old).get("3/0/11/0", text), coap.MethodNotAllowed)
}

// update61 writes lifetime 61 and storing, and waits for the Update.
func update61(t *testing.T, w *world, f lwm2m.Format, payload string) {
	t.Helper()
	w.expect(w.do(coap.POST, "1/0", f, payload), coap.Changed)
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "lt=61" {
		t.Fatalf("updates %v", w.updates)
	}
	has(t, w.values("1/0", w.get("1/0", f)), "/1/0/1 61", "/1/0/6 true", "/1/0/7 U", "/1/0/2 1")
}

func TestOMA226(t *testing.T) { update61(t, meet(t, old), tlv, unhex("c1013dc10601")) }

func TestOMA227(t *testing.T) {
	w := meet(t, old)
	w.write("1/0/1", "63")
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "lt=63" || w.value("1/0/1") != "63" {
		t.Errorf("updates %v, lifetime %s", w.updates, w.value("1/0/1"))
	}
}

func TestOMA228(t *testing.T) {
	w := meet(t, Options{})
	w.write("16/0/0/2", "test")
	got := w.values("16/0/0", w.get("16/0/0", tlv))
	has(t, got, "/16/0/0/1 Host Device Manufacturer #1", "/16/0/0/2 test")
	w.expect(w.do(coap.PUT, "16/0/0/9", text, "test"), coap.NotFound)
}

func TestOMA229(t *testing.T) {
	w := meet(t, Options{})
	got := w.values("/", w.ask(composite(senmlCBOR, "/3", "/1/0", "/1/0/1", "/3/0/11/0")))
	has(t, got, append(server101, "/3/0/0 Dormouse Works", "/3/0/11/0 0")...)
	if strings.Count(got, "/1/0/1 ") != 1 {
		t.Errorf("a path in two of the paths is there twice: %s", got)
	}
}

func TestOMA230(t *testing.T) {
	w := meet(t, Options{})
	payload := `[{"n":"/1/0/1","v":61},{"n":"/1/0/6","vb":true},{"n":"/16/0/0/0","vs":"a"},{"n":"/16/0/0/1","vs":"b"},` +
		`{"n":"/16/0/0/2","vs":"c"},{"n":"/16/0/0/3","vs":"d"}]`
	w.expect(w.do(coap.IPATCH, "", senmlJSON, payload), coap.Changed)
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "lt=61" {
		t.Errorf("updates %v", w.updates)
	}
	got := w.values("/", w.ask(composite(senmlJSON, "/1/0/1", "/1/0/6", "/16/0/0")))
	if got != "/1/0/1 61\n/1/0/6 true\n/16/0/0/0 a\n/16/0/0/1 b\n/16/0/0/2 c\n/16/0/0/3 d" {
		t.Errorf("read back %s", got)
	}
}

// queryLevels reads at all four levels in a format.
func queryLevels(t *testing.T, f lwm2m.Format) {
	w := meet(t, Options{})
	for base, want := range map[string]string{"1": "/1/0/7 U", "3/0": "/3/0/0 Dormouse Works", "3/0/16": "/3/0/16 U", "3/0/11/0": "/3/0/11/0 0"} {
		m := w.get(base, f)
		if m.ContentFormat() != f {
			t.Errorf("%s answered in %s", base, m.ContentFormat())
		}
		has(t, w.values(base, m), want)
	}
}

func TestOMA231(t *testing.T) { queryLevels(t, senmlJSON) }
func TestOMA232(t *testing.T) { queryLevels(t, senmlCBOR) }

func TestOMA233(t *testing.T) {
	w := meet(t, Options{})
	update61(t, w, senmlCBOR, unhex("82a321652f312f302f00613102183da200613604f5"))
	w.expect(w.do(coap.PUT, "16/0/0/0", senmlCBOR, unhex("81a221692f31362f302f302f30036a746573745f76616c7565")), coap.Changed)
	if got := w.value("16/0/0/0"); got != "test_value" {
		t.Errorf("identity %q", got)
	}
}

func TestOMA234(t *testing.T) {
	w := meet(t, Options{})
	update61(t, w, senmlJSON, `[{"bn":"/1/0/","n":"1","v":61},{"n":"6","vb":true}]`)
	w.expect(w.do(coap.PUT, "16/0/0/0", senmlJSON, `[{"bn":"/16/0/0/0","vs":"test_value"}]`), coap.Changed)
	w.expect(w.do(coap.PUT, "1/0/1", senmlJSON, `[{"n":"/1/0/1","v":63}]`), coap.Changed)
	w.run(time.Second)
	if len(w.updates) != 2 || w.value("16/0/0/0") != "test_value" || w.value("1/0/1") != "63" {
		t.Errorf("%d updates, identity %q, lifetime %s", len(w.updates), w.value("16/0/0/0"), w.value("1/0/1"))
	}
}

func TestOMA235(t *testing.T) {
	w := meet(t, Options{})
	got := w.values("/", w.ask(composite(senmlCBOR, "/")))
	has(t, got, "/1/0/0 1", "/3/0/0 Dormouse Works", "/3303/0/5701 Cel")
	hasNot(t, got, "/0")
}

func TestOMA236(t *testing.T) {
	w := meet(t, Options{})
	if got := w.values("/", w.ask(composite(senmlJSON, "/3/0/0", "/3339", "/1/0/1", "/3353/0/6030", "/0/0/0"))); got != "/1/0/1 86400\n/3/0/0 Dormouse Works" {
		t.Errorf("read %s", got)
	}
	if got := w.ask(composite(senmlJSON, "/3339")); string(got.Payload) != "[]" {
		t.Errorf("nothing is there, read %s", got.Payload)
	}
}

func TestOMA237(t *testing.T) {
	tests := []struct {
		options      Options
		object, unit lwm2m.Format
	}{
		{old, tlv, text}, {Options{}, senmlCBOR, senmlCBOR}, {young, lwm2mCBOR, lwm2mCBOR},
		{Options{Formats: []lwm2m.Format{tlv}}, tlv, tlv},
	}
	for _, test := range tests {
		w := meet(t, test.options)
		for path, want := range map[string]lwm2m.Format{"1": test.object, "3": test.object, "3/0/0": test.unit} {
			m := w.get(path, none)
			if m.ContentFormat() != want {
				t.Errorf("%s without Accept in %s, want %s", path, m.ContentFormat(), want)
			}
			w.values(path, m)
		}
	}
}

func TestOMA241(t *testing.T) {
	w := meet(t, Options{})
	w.attach("3/0/7?pmin=5")
	_, token := w.observe(plain(coap.GET, "3/0/9"))
	w.expect(w.ask(plain(coap.POST, "3/0/4")), coap.Changed)
	w.run(10 * time.Second)
	if len(w.registered) != 2 || w.left != 0 {
		t.Fatalf("%d registrations, %d de-registrations", len(w.registered), w.left)
	}
	w.notified = nil
	w.run(5 * time.Minute)
	if n := len(w.of(token)); n != 0 {
		t.Errorf("%d notifications of an observation from before the reboot", n)
	}
	if got := w.discover("3/0/7"); strings.Contains(got, "pmin") {
		t.Errorf("attributes from before the reboot: %s", got)
	}
	if w.device.Executions(at("3/0/4")) != 1 || w.device.Counters().Reboots != 1 {
		t.Errorf("%d reboots", w.device.Counters().Reboots)
	}
}

func TestOMA256(t *testing.T) {
	w := meet(t, old)
	w.expect(w.do(coap.PUT, "1/0/0", text, "123"), coap.MethodNotAllowed)
	if got := w.value("1/0/0"); got != "1" {
		t.Errorf("Short Server ID %s", got)
	}
}

func TestOMA257(t *testing.T) {
	for f, payload := range map[lwm2m.Format]string{
		senmlJSON: `[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true},{"n":"3/0/13","v":0}]`,
		senmlCBOR: unhex("83a321612f0065312f302f32021865a20065312f302f3604f5a20066332f302f31330200"),
	} {
		w := meet(t, Options{})
		w.expect(w.do(coap.IPATCH, "", f, payload), coap.Changed)
		got := w.values("/", w.ask(composite(senmlJSON, "/1/0/2", "/1/0/6", "/3/0/13")))
		has(t, got, "/1/0/2 101", "/1/0/6 true", "/3/0/13 1970-01-01T00:00:00Z")
	}
}

// links reads the answer to a Discover into targets with sorted attributes.
func links(t *testing.T, payload string) map[string]string {
	t.Helper()
	found, err := link.ParseDiscover([]byte(payload), "")
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	out := map[string]string{}
	for _, d := range found {
		var attributes []string
		for _, a := range d.Attributes {
			attributes = append(attributes, a.Name+"="+a.Value)
		}
		slices.Sort(attributes)
		out[d.Path.String()] = strings.Join(attributes, ";")
	}
	return out
}

// linked checks what a Discover says of a path; "-": it is not there.
func linked(t *testing.T, payload string, want map[string]string) {
	t.Helper()
	got := links(t, payload)
	for path, attributes := range want {
		if have, ok := got[path]; ok != (attributes != "-") || ok && have != attributes {
			t.Errorf("%s has %q (there: %v), want %q in %s", path, have, ok, attributes, payload)
		}
	}
}

func TestOMA260(t *testing.T) {
	for _, o := range []Options{old, {}} {
		w := meet(t, o)
		linked(t, w.discover("3"), map[string]string{"/3": "", "/3/0": "", "/3/0/4": "", "/3/0/6": "dim=2", "/3/0/11": "dim=1", "/3/0/11/0": "-"})
		w.attach("3?pmin=10&pmax=200")
		linked(t, w.discover("3/0"), map[string]string{"/3": "-", "/3/0": "pmax=200;pmin=10", "/3/0/7": "dim=2"})
		w.attach("3/0/7?lt=1&gt=6&st=1")
		linked(t, w.discover("3/0"), map[string]string{"/3/0": "pmax=200;pmin=10", "/3/0/7": "dim=2;gt=6;lt=1;st=1"})
		linked(t, w.discover("3/0/7"), map[string]string{"/3/0": "-", "/3/0/7": "dim=2;gt=6;lt=1;pmax=200;pmin=10;st=1"})
	}
	w := meet(t, old)
	w.attach("3?pmin=10&pmax=200")
	if got := w.discover("3/0/7"); got != "</3/0/7>;dim=2;pmin=10;pmax=200" { // no resource instances in 1.0
		t.Errorf("discovered %s", got)
	}
}

func TestOMA261(t *testing.T) {
	w := meet(t, Options{})
	w.attach("3?pmin=10&pmax=200")
	w.attach("3/0?pmax=320")
	w.attach("3/0/11/0?pmax=100&epmin=1&epmax=20")
	if got := w.discover("3/0/11"); got != "</3/0/11>;dim=1;pmin=10;pmax=320,</3/0/11/0>;pmax=100;epmin=1;epmax=20" {
		t.Errorf("discovered %s", got)
	}
}

func TestOMA264(t *testing.T) {
	w := meet(t, young)
	w.attach("3?pmin=1&pmax=10")
	if got := w.discover("3?depth=1"); got != "</3>;pmin=1;pmax=10,</3/0>" {
		t.Errorf("discovered %s", got)
	}
	w.attach("3/0?pmax=200")
	if got := w.discover("3?depth=1"); got != "</3>;pmin=1;pmax=10,</3/0>;pmax=200" {
		t.Errorf("discovered %s", got)
	}
	w.expect(w.get("3?depth=x", lwm2m.FormatLink), coap.BadRequest)
}

func TestOMA266(t *testing.T) {
	w := meet(t, young)
	linked(t, w.discover("3?depth=2"), map[string]string{"/3/0/7": "dim=2", "/3/0/7/0": "-"})
	w.attach("3/0/7?pmax=20")
	w.attach("3/0/7/1?lt=45")
	linked(t, w.discover("3?depth=3"), map[string]string{"/3": "", "/3/0/7": "dim=2;pmax=20", "/3/0/7/0": "", "/3/0/7/1": "lt=45"})
	if got := w.discover("3/0?depth=0"); got != "</3/0>" {
		t.Errorf("depth 0: %s", got)
	}
}

// Case 270 is 1630, 290 is 1635.
func TestOMA270(t *testing.T) {
	w := meet(t, old)
	linked(t, w.discover("16/0"), map[string]string{"/16/0": "", "/16/0/0": "dim=4"})
	m := w.do(coap.POST, "16", tlv, unhex("08012e88002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332"))
	w.expect(m, coap.Created)
	if m.LocationPath() != "16/1" {
		t.Errorf("created at %s", m.LocationPath())
	}
	linked(t, w.discover("16/1"), map[string]string{"/16/1/0": "dim=2"})
	has(t, w.values("16", w.get("16", tlv)), "/16/1/0/0 Host Device ID #2", "/16/1/0/1 Host Device Model #2", "/16/0/0/3 Host Device Software Version #1")
}

func TestOMA280(t *testing.T) {
	w := meet(t, Options{})
	got := w.values("/", w.ask(composite(senmlCBOR, "/3/0/16", "/3/0/11/0", "/1/0")))
	has(t, got, append(server101, "/3/0/16 U", "/3/0/11/0 0")...)
	hasNot(t, got, "/3/0/0", "/1/0/4", "/1/0/8")
}

func TestOMA281(t *testing.T) {
	w := meet(t, Options{})
	if got := w.values("/", w.ask(composite(senmlJSON, "/1/0/1", "/1/0/7", "/1/0/8"))); got != "/1/0/1 86400\n/1/0/7 U" {
		t.Errorf("read %s", got)
	}
}

func TestOMA290(t *testing.T) {
	w := meet(t, old)
	w.expect(w.ask(plain(coap.DELETE, "16/0")), coap.Deleted)
	if got := w.discover("16"); got != "</16>" {
		t.Errorf("discovered %s", got)
	}
	w.run(time.Second)
	if len(w.updates) != 1 || !strings.Contains(string(w.updates[0].body), "</16>,") {
		t.Errorf("an object without instances is listed by itself: %s", w.updates[0].body)
	}
}
