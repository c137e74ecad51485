package device

import (
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// The tests named TestOMA are the client's side of the cases of the OMA Enabler
// Test Specification, under their numbers.

func TestOMA101(t *testing.T) {
	tests := []struct {
		options Options
		queries string
	}{
		{Options{}, "ep=dev&lt=86400&lwm2m=1.1&b=U"},
		{Options{Version: lwm2m.V1_0, Lifetime: 60}, "ep=dev&lt=60&lwm2m=1.0&b=U"},
		{Options{Version: lwm2m.V1_2, Binding: "UT", Lifetime: -1}, "ep=dev&lt=0&lwm2m=1.2&b=UT"},
	}
	for _, test := range tests {
		w := meet(t, test.options)
		if got := strings.Join(w.seen[0].message.Queries(), "&"); got != test.queries {
			t.Errorf("registered with %s, want %s", got, test.queries)
		}
		listed := string(w.seen[0].body)
		for _, p := range []string{"</1/0>", "</3/0>", "</16/0>", "</3303/1>"} {
			if !strings.Contains(listed, p) {
				t.Errorf("%s is not in the list %s", p, listed)
			}
		}
		if strings.Contains(listed, "</0") || strings.Contains(listed, "</21") {
			t.Errorf("objects of credentials in the list %s", listed)
		}
		if location, ok := w.device.Registered(); !ok || location != "rd/1" {
			t.Errorf("registered at %q, %v", location, ok)
		}
	}
}

func TestOMA102(t *testing.T) {
	w := meet(t, Options{})
	w.write("1/0/1", "20")
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "lt=20" {
		t.Fatalf("updates %v", w.updates)
	}
	last := w.updates[0].at
	w.run(time.Minute)
	if len(w.updates) < 4 {
		t.Errorf("%d updates in a minute with a lifetime of 20 s", len(w.updates))
	}
	for _, u := range w.updates[1:] {
		if gap := u.at.Sub(last); gap > 20*time.Second || len(u.message.Queries()) > 0 || len(u.body) > 0 {
			t.Errorf("update after %v with %v", gap, u.message.Queries())
		}
		last = u.at
	}
}

func TestOMA103(t *testing.T) {
	w := meet(t, Options{})
	w.write("1/0/5", "100")
	w.expect(w.ask(plain(coap.POST, "1/0/4")), coap.Changed)
	w.run(50 * time.Second)
	if w.left != 1 || len(w.registered) != 1 {
		t.Fatalf("%d de-registrations, %d registrations", w.left, len(w.registered))
	}
	if r := w.try(plain(coap.GET, "3/0/0")); r.Outcome != exchange.NotAcknowledged {
		t.Errorf("a disabled device answers: %v", r.Outcome)
	}
	w.run(60 * time.Second)
	if len(w.registered) != 2 {
		t.Errorf("%d registrations when the time to be disabled is over", len(w.registered))
	}
}

func TestOMA104(t *testing.T) {
	w := meet(t, Options{})
	w.expect(w.ask(plain(coap.POST, "1/0/8")), coap.Changed)
	w.run(time.Second)
	if len(w.updates) != 1 || len(w.updates[0].message.Queries()) > 0 || len(w.updates[0].body) > 0 {
		t.Errorf("updates %v, want one without parameters", w.updates)
	}
}

func TestOMA105(t *testing.T) {
	w := meet(t, Options{})
	w.registered = append(w.registered, w.registered[0]) // the location is another one now
	w.expect(w.ask(plain(coap.POST, "1/0/8")), coap.Changed)
	w.run(time.Second)
	if len(w.registered) != 3 || len(w.updates) != 0 {
		t.Errorf("%d registrations and %d updates after 4.04", len(w.registered)-1, len(w.updates))
	}
}

func TestOMA107(t *testing.T) {
	w := meet(t, Options{Lifetime: 60})
	w.write("1/0/1", "120")
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "lt=120" {
		t.Errorf("updates %v", w.updates)
	}
}

func TestOMA108(t *testing.T) {
	w := meet(t, Options{Queue: true})
	if r := w.registered[0]; r.Binding != "U" || !r.Queue || !strings.HasSuffix(strings.Join(w.seen[0].message.Queries(), "&"), "b=U&Q") {
		t.Errorf("registered with %v", w.seen[0].message.Queries())
	}
	w = meet(t, Options{Queue: true, Version: lwm2m.V1_0})
	if r := w.registered[0]; r.Binding != "UQ" || !r.Queue {
		t.Errorf("1.0 registered with %v", w.seen[0].message.Queries())
	}
	w.write("1/0/7", "U")
	w.run(time.Second)
	if len(w.updates) != 1 || strings.Join(w.updates[0].message.Queries(), "&") != "b=U" {
		t.Errorf("updates %v", w.updates)
	}
	w.run(10 * time.Minute)
	if w.device.Asleep(w.now) {
		t.Error("asleep without Q")
	}
}

func TestOMA109(t *testing.T) {
	w := meet(t, Options{Queue: true, Lifetime: 240})
	w.run(90 * time.Second)
	if w.device.Asleep(w.now) {
		t.Fatal("asleep before 93 s")
	}
	w.run(25 * time.Second)
	if !w.device.Asleep(w.now) {
		t.Fatal("awake after 115 s")
	}
	w.send(&coap.Message{Code: coap.GET, MessageID: 7, Token: []byte{1}})
	w.run(time.Second)
	if w.device.Counters().Dropped != 1 || w.device.Counters().Requests != 0 {
		t.Errorf("heard in its sleep: %+v", w.device.Counters())
	}
	if !w.until(w.now.Add(2*time.Minute), func() bool { return len(w.updates) == 1 }) {
		t.Fatal("no update")
	}
	if m := w.get("3/0/0", lwm2m.FormatText); string(m.Payload) != "Dormouse Works" {
		t.Errorf("read %q after the update", m.Payload)
	}
}

// A Register that nobody answers is tried again, later and later; 5.03 says when.
func TestRegisterAgain(t *testing.T) {
	w := newWorld(t, Options{}, 1)
	w.deaf = true
	w.run(5 * time.Minute)
	w.deaf = false
	w.run(3 * time.Minute)
	if len(w.registered) != 1 || w.device.Counters().Refused == 0 {
		t.Fatalf("%d registrations, %d refused", len(w.registered), w.device.Counters().Refused)
	}
	w = newWorld(t, Options{}, 1)
	w.decline = func(*coap.Message) *exchange.Answer {
		var m coap.Message
		m.AddUint(coap.OptMaxAge, 300)
		return &exchange.Answer{Code: coap.ServiceUnavailable, Options: m.Options}
	}
	w.run(time.Second)
	w.decline = nil
	w.run(298 * time.Second)
	if len(w.seen) != 1 {
		t.Fatalf("%d requests although the server asked for 300 s", len(w.seen))
	}
	w.run(5 * time.Second)
	if len(w.registered) != 1 {
		t.Errorf("%d registrations after 300 s", len(w.registered))
	}
}

// 4.12 makes the device step down, on no other code.
func TestRegisterVersion(t *testing.T) {
	w := newWorld(t, Options{Version: lwm2m.V1_2}, 1)
	w.decline = func(m *coap.Message) *exchange.Answer {
		if strings.Contains(strings.Join(m.Queries(), "&"), "lwm2m=1.0") {
			return nil
		}
		return &exchange.Answer{Code: coap.PreconditionFailed}
	}
	w.run(5 * time.Second)
	if len(w.registered) != 1 || w.device.Version() != lwm2m.V1_0 || len(w.seen) != 3 {
		t.Errorf("version %s after %d attempts", w.device.Version(), len(w.seen))
	}
}

// A long object list goes in blocks, and comes whole.
func TestRegisterInBlocks(t *testing.T) {
	w := meet(t, Options{BlockSize: 64})
	if n := len(w.lists[0].Objects); n < 17 || len(w.seen) != 1 {
		t.Errorf("%d objects in %d requests", n, len(w.seen))
	}
}

// An alternate path stands before the objects, in requests and in names.
func TestAlternatePath(t *testing.T) {
	w := meet(t, Options{Root: "/lwm2m", Version: lwm2m.V1_2, Formats: []lwm2m.Format{lwm2m.FormatSenMLJSON, lwm2m.FormatTLV}})
	if l := w.lists[0]; l.Root != "/lwm2m" || len(l.Formats) != 2 {
		t.Errorf("root %q, formats %v", l.Root, l.Formats)
	}
	w.expect(w.get("3/0/0", lwm2m.FormatText), coap.NotFound)
	m := w.get("lwm2m/3/0/0", lwm2m.FormatSenMLJSON)
	if got := string(m.Payload); got != `[{"bn":"/lwm2m/3/0/0","vs":"Dormouse Works"}]` {
		t.Errorf("read %s", got)
	}
	if got := w.discover("lwm2m/3/0/0"); got != "</lwm2m/3/0/0>" {
		t.Errorf("discovered %s", got)
	}
	for _, path := range []string{"", "lwm2m"} {
		r := plain(coap.FETCH, path)
		r.Format, r.Accept, r.Payload = lwm2m.FormatSenMLEtchJSON, lwm2m.FormatSenMLJSON, []byte(`[{"n":"/lwm2m/3/0/0"}]`)
		if got := w.values("/", w.ask(r)); got != "/3/0/0 Dormouse Works" {
			t.Errorf("composite on %q: %s", path, got)
		}
	}
	m = w.do(coap.POST, "lwm2m/16", lwm2m.FormatSenMLJSON, `[{"n":"/lwm2m/16/5/0/0","vs":"x"}]`)
	if m.LocationPath() != "lwm2m/16/5" {
		t.Errorf("created %s at %q", m.Code, m.LocationPath())
	}
}

func TestStop(t *testing.T) {
	w := meet(t, Options{})
	w.put(true, w.device.Stop(w.now)...)
	w.put(true, w.device.Stop(w.now)...)
	w.run(time.Second)
	if w.left != 1 || !w.device.Gone() || !w.device.Deadline().IsZero() {
		t.Errorf("left %d times, gone %v", w.left, w.device.Gone())
	}
	w = newWorld(t, Options{}, 1)
	w.put(true, w.device.Stop(w.now)...)
	if !w.device.Gone() {
		t.Error("a device that has not begun does not go")
	}
	w = newWorld(t, Options{}, 1) // in the middle of its Register
	w.put(true, w.device.Tick(w.now)...)
	w.put(true, w.device.Stop(w.now)...)
	w.run(time.Second)
	if w.left != 1 || !w.device.Gone() {
		t.Errorf("left %d times, gone %v", w.left, w.device.Gone())
	}
}

// The list of an Update is whole, and comes where it changed (case 1250).
func TestUpdateList(t *testing.T) {
	w := meet(t, Options{})
	w.expect(w.do(coap.POST, "16", lwm2m.FormatSenMLJSON, `[{"n":"/16/7/0/0","vs":"x"}]`), coap.Created)
	w.run(time.Second)
	w.expect(w.ask(plain(coap.DELETE, "16/7")), coap.Deleted)
	w.run(time.Second)
	if len(w.updates) != 2 {
		t.Fatalf("%d updates", len(w.updates))
	}
	for i, want := range []bool{true, false} {
		l, err := link.ParseUpdate(w.updates[i].body, "")
		if err != nil || strings.Contains(string(w.updates[i].body), "</16/7>") != want || len(l.Objects) < 17 {
			t.Errorf("update %d: %s, %v", i, w.updates[i].body, err)
		}
	}
}
